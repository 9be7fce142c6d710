package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"detgen/engine/live"
	"detgen/lab/inside"
	"detgen/lab/link"
	"detgen/record"
)

// descendants gives the processes below one whose command line holds a word.
func descendants(pid int, word string) []int {
	var list []int
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, path := range tasks {
		text, _ := os.ReadFile(path)
		for _, field := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(field)
			if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", child)); strings.Contains(string(line), word) {
				list = append(list, child)
			}
			list = append(list, descendants(child, word)...)
		}
	}
	return list
}

// What must live as long as the lab and ends before it fails the run at once, not at the time limit.
func TestDeathsFailTheRun(t *testing.T) {
	needsLab(t)
	service := func(script string) func(*record.Run) {
		return func(r *record.Run) {
			r.Hosts[1].Services = []record.Service{{
				Name: "web", Command: []string{"sh", "-c", script},
				Ready: record.Ready{Log: "^up$"}, Timeout: record.Duration(5 * time.Second),
			}}
		}
	}
	for name, c := range map[string]struct {
		change func(*record.Run)
		kill   string // the process with this in its command line is killed when the task begins
		want   string
	}{
		"a service ends with a status": {
			service("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo why; exit 7"), "",
			`host "server": service "web" ended with status 7 while the run went on; its last lines:` + "\n  up\n  why",
		},
		"a service ends well": {
			service("echo up; while [ ! -e /tmp/go ]; do sleep 0.01; done"), "",
			`host "server": service "web" ended with status 0 while the run went on; it printed: up`,
		},
		"a service is killed and its worker lives": {
			service(": leader; sleep 1000 & echo up; wait"), ": leader;", // a name that it has before it is ready
			`host "server": service "web" ended with status 137 while the run went on; it printed: up`,
		},
		"the links' switch is killed": {
			func(*record.Run) {}, link.SwitchRole,
			"links: the links' switch has ended: signal: killed",
		},
		"the hosts' inits are killed": {
			func(*record.Run) {}, inside.InitRole, `" ended`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := twoHosts("phase echo\nsleep 1000\n")
			run.Activities[0].Scripts = append(run.Activities[0].Scripts, record.Script{Host: "server", Text: "touch $HOST_ROOT/tmp/go\nsleep 1000\n"})
			c.change(run)
			dir := t.TempDir()
			began := time.Now()
			_, err := live.Run(t.Context(), run, options(dir, func(stage string) {
				if stage != "task" || c.kill == "" {
					return
				}
				processes := descendants(os.Getpid(), c.kill)
				if len(processes) == 0 {
					t.Errorf("no process has %q", c.kill)
				}
				for _, pid := range processes {
					unix.Kill(pid, unix.SIGKILL)
				}
			}))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v\nwant %s", err, c.want)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the run ended after %v, at the activity's time limit", took)
			}
		})
	}
}

// A service that makes something and ends before the next one starts is as it should be.
func TestServiceThatEnds(t *testing.T) {
	needsLab(t)
	run := twoHosts(echo)
	run.Hosts[1].Services = []record.Service{{
		Name: "make", Command: []string{"true"}, Ready: record.Ready{Exit: true}, Timeout: record.Duration(5 * time.Second),
	}}
	if _, _, err := execute(t, run); err != nil {
		t.Error(err)
	}
}

// A service that the task may end does not fail the run.
func TestServiceMayEnd(t *testing.T) {
	needsLab(t)
	run := twoHosts(strings.Replace(echo, "phase echo\n", "phase echo\necho >$HOST_ROOT/tmp/end\nlog brief '^over$'\n", 1))
	run.Hosts[0].Services = []record.Service{{
		Name: "brief", Command: []string{"sh", "-c", "mkfifo /tmp/end; echo up; read -r _ </tmp/end; echo over; exit 3"}, Ends: true,
		Ready: record.Ready{Log: "^up$"}, Timeout: record.Duration(5 * time.Second),
	}}
	if _, _, err := execute(t, run); err != nil {
		t.Error(err)
	}
}
