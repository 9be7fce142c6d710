package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"detgen/internal/labtest"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// A batch on virtual machines: whole runs, in which what the systems send is not taken for the task's. It is killed
// in the third run, and leaves nothing.
func TestSeriesOnMachines(t *testing.T) {
	cmd := built(t, "run", "web/get", "--engine", "vm", "-n", "100", "--seed", "3", "-s", "params.size=20kB", "-s", "link.all.both.delay=3ms", "-o", "out")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	dirs := []string{filepath.Join(cmd.Dir, "out/web-get-3"), filepath.Join(cmd.Dir, "out/web-get-4")}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(dirs[1]); err == nil {
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("it ended before the second run did: %v: %s", err, stderr.String())
		case <-tick.C:
		}
	}
	var machines []int
	for _, pid := range descendants(cmd.Process.Pid) {
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue // it has ended since
		}
		defer unix.Close(fd)
		machines = append(machines, fd)
	}
	if len(machines) < 3 {
		t.Errorf("the command has %d processes, fewer than a supervisor and two machines", len(machines))
	}
	cmd.Process.Kill()
	<-ended
	for _, fd := range machines {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000); n != 1 {
			t.Errorf("a process of the killed command lives on (%v)", err)
		}
	}

	var addresses string
	for n, dir := range dirs {
		rec, err := record.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if e := rec.Result.Engine; rec.Result.Status != record.Complete || e.Name != "vm" || e.Details["accelerator"] == "" || !rec.Result.Systems {
			t.Errorf("run %d: status %s, engine %+v, systems %v", n+1, rec.Result.Status, e, rec.Result.Systems)
		}
		at, err := json.Marshal([]record.Interface{rec.Run.Hosts[0].Interfaces[0], rec.Run.Hosts[1].Interfaces[0]})
		if err != nil {
			t.Fatal(err)
		}
		if addresses == "" {
			addresses = string(at)
		} else if string(at) != addresses {
			t.Errorf("addresses change from run to run: %s, then %s", addresses, at)
		}
		own := map[string]bool{} // frames of the systems, by Wireshark
		for _, host := range []string{"client", "server"} {
			capture := "captures/" + host + ".pcap"
			for _, number := range values(t, filepath.Join(dir, capture), "mdns || llmnr || igmp || icmpv6 || dns || ntp", "frame.number") {
				own[capture+" "+number] = true
			}
			if n == 0 && len(own) == 0 {
				t.Errorf("%s has nothing of the systems: this test says nothing", capture)
			}
		}
		requests := map[string]int{}
		for _, p := range labtest.Rows(t, filepath.Join(dir, "packets.csv")) {
			switch frame := p["capture"] + " " + p["number"]; {
			case own[frame] && p["activity"] != "":
				t.Errorf("run %d: %s is the system's, not of activity %q", n+1, frame, p["activity"])
			case p["dst_port"] == "80" || p["src_port"] == "80":
				if requests[p["capture"]]++; p["activity"] != "main" {
					t.Errorf("run %d: %s is of activity %q", n+1, frame, p["activity"])
				}
			}
		}
		for _, host := range []string{"client", "server"} {
			if k := requests["captures/"+host+".pcap"]; k < 10 {
				t.Errorf("run %d: %d frames of the task at the %s", n+1, k, host)
			}
		}
		for _, c := range labtest.Rows(t, filepath.Join(dir, "connections.csv")) {
			if c["server_port"] == "80" && c["activity"] != "main" {
				t.Errorf("run %d: connection %s is of activity %q", n+1, c["id"], c["activity"])
			}
		}
	}
}

// descendants gives the processes below a process.
func descendants(pid int) []int {
	var list []int
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		content, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(content)) {
			if child, err := strconv.Atoi(field); err == nil {
				list = append(append(list, child), descendants(child)...)
			}
		}
	}
	return list
}
