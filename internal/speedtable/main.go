// Command speedtable runs every task of the catalogue with its defaults, once on each engine, and prints CSV:
//
//	go run ./internal/speedtable bin/detgen [SCENARIO...] >docs/data/tasks.csv
//
// With -attacks it runs the first task of each attack scenario, and says more of each run:
//
//	go run ./internal/speedtable -attacks bin/detgen [SCENARIO...] >docs/data/attacks.csv
//
// With -denials it runs, on the exact engine, each task that watches what an attack does to a visitor, with each server
// that it can have, and says how the visitor was served before, during and after:
//
//	go run ./internal/speedtable -denials bin/detgen [SCENARIO...] >docs/data/denials.csv
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
	"detgen/scenario/format"
)

func main() {
	attacks := flag.Bool("attacks", false, "the first task of each attack scenario")
	denials := flag.Bool("denials", false, "how a visitor is served before, during and after attacks")
	flag.Parse()
	if flag.NArg() < 1 {
		fmt.Fprintln(os.Stderr, "speedtable: name the program to run, and scenarios unless all are meant")
		os.Exit(2)
	}
	detgen, only := flag.Arg(0), flag.Args()[1:]
	all, err := listed(detgen)
	if len(only) > 0 {
		all = slices.DeleteFunc(all, func(s scenario.About) bool { return !slices.Contains(only, s.Scenario) })
	}
	switch {
	case err != nil:
	case *denials:
		err = served(detgen, all)
	default:
		err = run(detgen, all, *attacks)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "speedtable:", err)
		os.Exit(1)
	}
}

// listed is the program's catalogue.
func listed(detgen string) ([]scenario.About, error) {
	out, err := exec.Command(detgen, "list", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s list: %w", detgen, err)
	}
	var all []scenario.About
	if err := json.Unmarshal(out, &all); err != nil {
		return nil, fmt.Errorf("%s list: %w", detgen, err)
	}
	return all, nil
}

// served prints what visitors had of a server: answers, failures and the median time of an answer.
func served(detgen string, all []scenario.About) error {
	var columns []string
	for _, when := range []string{"before", "during", "after"} {
		columns = append(columns, "served_"+when, "failed_"+when, "median_"+when)
	}
	fmt.Println("task,server," + strings.Join(columns, ","))
	for _, s := range all {
		for _, t := range s.Tasks {
			if t.Class != "attack" || !slices.ContainsFunc(t.Expect, func(e format.AboutSetting) bool { return e.Key == "median_during" }) {
				continue
			}
			for _, server := range servers(s, t) {
				set := "server.implementation=" + server
				if server == "" {
					set = ""
				}
				outcomes, err := outcomesOf(detgen, s.Scenario+"/"+t.Name, set)
				if err != nil {
					return err
				}
				row := []string{s.Scenario + "/" + t.Name, server}
				for _, c := range columns {
					row = append(row, outcomes[c])
				}
				fmt.Println(strings.Join(row, ","))
			}
		}
	}
	return nil
}

// servers are the programs that the host "server" can have in a task; one without a name where there is no choice.
func servers(s scenario.About, t scenario.AboutTask) []string {
	var names []string
	for _, h := range s.Hosts {
		for _, i := range h.Implementations {
			if allowed := t.Implementations["server"]; h.Name == "server" && (len(allowed) == 0 || slices.Contains(allowed, i.Name)) {
				names = append(names, i.Name)
			}
		}
	}
	if len(names) == 0 {
		names = []string{""}
	}
	return names
}

// outcomesOf makes a run on the exact engine and gives what came out.
func outcomesOf(detgen, task, set string) (map[string]string, error) {
	parent, err := os.MkdirTemp("", "detgen-speed-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(parent)
	args := []string{"run", task, "--seed", "1", "--engine", "exact", "-o", filepath.Join(parent, "run")}
	if set != "" {
		args = append(args, "-s", set)
	}
	if text, err := exec.Command(detgen, args...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", task, set, err, text)
	}
	r, err := record.Read(filepath.Join(parent, "run"))
	if err != nil {
		return nil, err
	}
	return r.Result.Activities[0].Outcome, nil
}

func run(detgen string, all []scenario.About, attacks bool) error {
	header, row := "live_wall_s,exact_lab_s,exact_cpu_s,frames,connections", taskRow
	if attacks {
		header, row = "live_wall_s,live_cpu_s,exact_wall_s,exact_lab_s,exact_cpu_s,frames,connections", attackRow
	}
	fmt.Println("task," + header)
	for _, s := range all {
		if attacks && s.Class != "attack" {
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
