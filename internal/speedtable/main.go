// Command speedtable runs every task of the catalogue with its defaults, once on each engine, and prints CSV:
//
//	go run ./internal/speedtable bin/detgen [SCENARIO...] >docs/data/tasks.csv
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"detgen/record"
	"detgen/scenario"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "speedtable: name the program to run, and scenarios unless all are meant")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "speedtable:", err)
		os.Exit(1)
	}
}

func run(detgen string, only []string) error {
	out, err := exec.Command(detgen, "list", "--json").Output()
	if err != nil {
		return fmt.Errorf("%s list: %w", detgen, err)
	}
	var all []scenario.About
	if err := json.Unmarshal(out, &all); err != nil {
		return fmt.Errorf("%s list: %w", detgen, err)
	}
	fmt.Println("task,live_wall_s,exact_lab_s,exact_cpu_s,frames,connections")
	for _, s := range all {
		if len(only) > 0 && !slices.Contains(only, s.Scenario) {
			continue
		}
		for _, t := range s.Tasks {
			line, err := row(detgen, s.Scenario+"/"+t.Name)
			if err != nil {
				return err
			}
			fmt.Println(line)
		}
	}
	return nil
}

// row measures a task. A run that fails is told in its place.
func row(detgen, task string) (string, error) {
	live, err := measure(detgen, task, "live")
	if err != nil {
		return "", err
	}
	exact, err := measure(detgen, task, "exact")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s,%s,%s,%s,%s,%s", task, live.wall, exact.lab, exact.cpu, live.frames, live.connections), nil
}

type figures struct{ wall, lab, cpu, frames, connections string }

func measure(detgen, task, engine string) (figures, error) {
	parent, err := os.MkdirTemp("", "detgen-speed-")
	if err != nil {
		return figures{}, err
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "run")
	cmd := exec.Command(detgen, "run", task, "--seed", "1", "--engine", engine, "-o", dir)
	begin := time.Now()
	if text, err := cmd.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s on %s: %v\n%s", task, engine, err, text)
		return figures{"failed", "failed", "failed", "", ""}, nil
	}
	wall, cpu := time.Since(begin), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	r, err := record.Read(dir)
	if err != nil {
		return figures{}, err
	}
	frames := uint64(0)
	for _, c := range r.Result.Captures {
		frames += c.Frames
	}
	f := figures{
		wall: fmt.Sprintf("%.2f", wall.Seconds()), lab: fmt.Sprintf("%.2f", time.Duration(r.Result.LabTime).Seconds()),
		cpu: fmt.Sprintf("%.1f", cpu.Seconds()), frames: fmt.Sprint(frames), connections: "",
	}
	if r.Result.Truth != nil {
		f.connections = fmt.Sprint(r.Result.Truth.Connections)
	}
	return f, nil
}
