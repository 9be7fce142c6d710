// Command speedtable runs every task of the catalogue with its defaults, once on each engine, and prints CSV:
//
//	go run ./internal/speedtable bin/detgen [SCENARIO...] >docs/data/tasks.csv
//
// With -attacks it runs the first task of each attack scenario, and says more of each run:
//
//	go run ./internal/speedtable -attacks bin/detgen [SCENARIO...] >docs/data/attacks.csv
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/record"
	"detgen/scenario"
)

func main() {
	attacks := flag.Bool("attacks", false, "the first task of each attack scenario")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "speedtable: name the program to run, and scenarios unless all are meant")
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Args()[1:], *attacks); err != nil {
		fmt.Fprintln(os.Stderr, "speedtable:", err)
		os.Exit(1)
	}
}

func run(detgen string, only []string, attacks bool) error {
	out, err := exec.Command(detgen, "list", "--json").Output()
	if err != nil {
		return fmt.Errorf("%s list: %w", detgen, err)
	}
	var all []scenario.About
	if err := json.Unmarshal(out, &all); err != nil {
		return fmt.Errorf("%s list: %w", detgen, err)
	}
	header, row := "live_wall_s,exact_lab_s,exact_cpu_s,frames,connections", taskRow
	if attacks {
		header, row = "live_wall_s,live_cpu_s,exact_wall_s,exact_lab_s,exact_cpu_s,frames,connections", attackRow
	}
	fmt.Println("task," + header)
	for _, s := range all {
		if len(only) > 0 && !slices.Contains(only, s.Scenario) || attacks && s.Class != "attack" {
			continue
		}
		for i, t := range s.Tasks {
			if attacks && i > 0 {
				break
			}
			task := s.Scenario + "/" + t.Name
			// A run that fails is told in its place.
			live, err := measure(detgen, task, "live")
			if err != nil {
				return err
			}
			exact, err := measure(detgen, task, "exact")
			if err != nil {
				return err
			}
			fmt.Println(task + "," + strings.Join(row(live, exact), ","))
		}
	}
	return nil
}

func taskRow(live, exact figures) []string {
	return []string{live.wall, exact.lab, exact.cpu, live.frames, live.connections}
}

func attackRow(live, exact figures) []string {
	return []string{live.wall, live.cpu, exact.wall, exact.lab, exact.cpu, live.frames, live.connections}
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
