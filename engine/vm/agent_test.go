package vm

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"detgen/engine/vm/internal/agent"
	"detgen/engine/vm/internal/wire"
	"detgen/internal/helper"
	"detgen/lab"
	"detgen/lab/inside"
	"detgen/lab/link"
	"detgen/packet"
	"detgen/record"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The test binary plays the roles that the detgen binary has in a lab and in a machine, and those of a process
// that runs labs, and of a machine that is a few namespaces.
func TestMain(m *testing.M) {
	if slices.Contains(inside.HelperNames, filepath.Base(os.Args[0])) {
		exit(inside.Helper(append([]string{filepath.Base(os.Args[0])}, os.Args[1:]...)))
	}
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case inside.InitRole:
			exit(inside.Init())
		case inside.NamespaceRole:
			exit(inside.PrepareNamespace())
		case link.SwitchRole:
			exit(link.Switch())
		case wire.HostRole:
			exit(agent.Host())
		case "labs":
			exit(runLabs(os.Args[2]))
		case "likeness":
			exit(beMachine())
		}
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// TestAgent runs labs on the same two hosts, which are not virtual machines but namespaces in which the agent
// runs, with cards that are virtual Ethernet pairs. All but QEMU and the system's start is as on machines.
func TestAgent(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a lab")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	dir := t.TempDir()
	cmd := exec.Command("/proc/self/exe", "labs", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for n := range 2 {
		content, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(n), "result.json"))
		if err != nil {
			t.Fatal(err)
		}
		var result record.Result
		if err := json.Unmarshal(content, &result); err != nil {
			t.Fatal(err)
		}
		if got, want := result.Activities[0].Outcome["runs"], fmt.Sprint(n+1); got != want {
			t.Errorf("run %d: the machine remembers %s runs, not %s", n, got, want)
		}
		if got := result.Activities[0].Outcome["files"]; got != "1" {
			t.Errorf("run %d: the machine has %s of the files that runs bring, not its own alone", n, got)
		}
		if got := result.Activities[0].Outcome["made"]; got != "1" {
			t.Errorf("run %d: a folder that runs bring has %s lines, not those of this run alone", n, got)
		}
		if len(result.Activities[0].Phases) != 1 {
			t.Errorf("run %d: phases %v", n, result.Activities[0].Phases)
		}
		if got := result.Activities[0].Outcome["log"]; got != "here" {
			t.Errorf("run %d: the script sees %q in its log", n, got)
		}
		if log, err := os.ReadFile(filepath.Join(dir, fmt.Sprint(n), "logs/server/wait.log")); err != nil || string(log) != "waits\n" {
			t.Errorf("run %d: the service's log has %q, error %v", n, log, err)
		}
		for _, c := range result.Captures {
			if sent, received := countPings(t, filepath.Join(dir, fmt.Sprint(n), c.File)); sent != 2 || received != 2 {
				t.Errorf("run %d: %s has %d echo requests and %d replies, not 2 of each", n, c.File, sent, received)
			}
		}
	}
}

// countPings counts the ICMP echo requests and replies of a capture.
func countPings(t *testing.T, path string) (requests, replies int) {
	reader, err := packet.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var f packet.Frame
	for reader.Next(&f) == nil {
		if len(f.Data) > 34 && f.Data[12] == 8 && f.Data[13] == 0 && f.Data[23] == 1 {
			switch f.Data[34] {
			case 8:
				requests++
			case 0:
				replies++
			}
		}
	}
	return requests, replies
}

// runLabs makes the two hosts and runs labs on them.
func runLabs(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	machines := map[string]lab.Machine{}
	for _, name := range []string{"client", "server"} {
		m, err := likeness(name, filepath.Join(dir, "share-"+name))
		if err != nil {
			return fmt.Errorf("machine %q: %w", name, err)
		}
		machines[name] = m
	}
	client := machines["client"].(*machine)
	for n := range 2 {
		runDir := filepath.Join(dir, fmt.Sprint(n))
		result, err := execute(pings(n), runDir, machines)
		if err != nil {
			return err
		}
		content, err := json.Marshal(result)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(runDir, "result.json"), content, 0o644); err != nil {
			return err
		}
		// A run with another image on the machine between the two with this one, whose files it leaves alone.
		layers := client.layers
		client.layers = []string{"other"}
		if _, err := execute(pings(10+n), filepath.Join(dir, fmt.Sprint("other-", n)), machines); err != nil {
			return fmt.Errorf("another image: %w", err)
		}
		client.layers = layers
	}
	// A host that cannot start on a machine, which goes on, is seen at once.
	run := pings(2)
	run.Hosts[0].Files = append(run.Hosts[0].Files, record.File{Path: "/etc/passwd/below", Text: "x"})
	if _, err := execute(run, filepath.Join(dir, "2"), machines); err == nil || !strings.Contains(err.Error(), `start host "client": it printed: host "client": file /etc/passwd/below:`) {
		return fmt.Errorf("a file below a file: %v", err)
	}
	return nil
}

func execute(run *record.Run, dir string, machines map[string]lab.Machine) (*record.Result, error) {
	scratch := filepath.Join(dir, "lab")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	return lab.Execute(context.Background(), run, lab.Options{
		Dir: dir, Scratch: scratch, Name: "test", Machines: machines, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
}

// pings is a run whose client counts, in a file of its disk, how often it ran, and whose addresses are those
// of the n-th run.
func pings(n int) *record.Run {
	host := func(i int, name string) record.Host {
		return record.Host{
			Name: name, Image: "host", Digest: "root", Memory: 1 << 30, Processes: 200,
			Interfaces: []record.Interface{{
				Name: "eth0", Network: "lan", MAC: fmt.Sprintf("02:00:00:00:%02d:%02d", n, i),
				Address: netip.MustParsePrefix(fmt.Sprintf("10.1.%d.%d/24", n, i)),
			}},
			Transport: record.Transport{MTU: 1400, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true, EphemeralPorts: [2]int{32768, 60999}},
		}
	}
	client := host(2, "client")
	client.Files = []record.File{{Path: fmt.Sprintf("/srv/of-run-%d", n), Text: "x"}, {Path: "/srv/box", Directory: true}}
	server := host(3, "server")
	server.Users = []record.User{{Name: "someone", UID: 2000, Home: "/home/someone", Shell: "/bin/sh"}}
	server.Services = []record.Service{{
		Name: "wait", User: "someone", Command: []string{"sh", "-c", "echo waits; touch ~/here; exec sleep 1000"},
		Ready: record.Ready{File: "/home/someone/here"}, Timeout: record.Duration(time.Minute),
	}}
	return &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), LinkDriver: link.Soft,
		Networks: []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix(fmt.Sprintf("10.1.%d.0/24", n))}},
		Hosts:    []record.Host{client, server},
		Activities: []record.Activity{{
			Name: "main", Scenario: "test", Task: "ping", Phases: []string{"ping"}, Expect: map[string]string{"host": "client"},
			Timeout: record.Duration(time.Minute),
			Scripts: []record.Script{{Host: "client", Text: `
				phase ping
				ping -c 2 -i 0.2 server
				echo once >>/var/count
				outcome runs=$(wc -l </var/count)
				outcome host=$(hostname)
				echo here
				outcome log=$(log main '^here$')
				outcome files=$(ls /srv | grep -c of-run)
				echo more >>/srv/box/made
				outcome made=$(wc -l </srv/box/made)
			`}},
		}},
	}
}

// likeness starts a process that is like a machine, from the side of the engine.
func likeness(name, share string) (*machine, error) {
	if err := os.MkdirAll(filepath.Join(share, "logs"), 0o755); err != nil {
		return nil, err
	}
	m := &machine{layers: []string{"host"}, cards: []string{"vm-" + name}, share: share, booted: make(chan struct{})}
	var err error
	m.Process, err = helper.Start(helper.Command{
		Args: []string{"likeness"}, Env: append(os.Environ(), "SHARE="+share), Output: os.Stderr,
		Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWNET | unix.CLONE_NEWUTS,
	})
	if err != nil {
		return nil, err
	}
	m.agent = helper.NewCalls(m.Conn, m.take)
	veth := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: m.cards[0]}, PeerName: "eth0"}
	if err := netlink.LinkAdd(veth); err != nil {
		return nil, err
	}
	peer, err := netlink.LinkByName("eth0")
	if err != nil {
		return nil, err
	}
	if err := netlink.LinkSetNsPid(peer, m.PID()); err != nil {
		return nil, err
	}
	return m, m.awaitBoot(context.Background())
}

// beMachine makes the places that a machine has, with this computer's root as the image, and runs the agent.
func beMachine() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	share, err := os.Open(os.Getenv("SHARE"))
	if err != nil {
		return err
	}
	for _, dir := range []string{"/run", "/var/lib"} {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
			return err
		}
	}
	for _, dir := range []string{"/run/detgen/share", "/run/detgen/layers/host", "/run/detgen/layers/other", "/run/detgen/bin"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", share.Fd()), "/run/detgen/share", "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	for _, image := range []string{"host", "other"} {
		if err := unix.Mount("/", "/run/detgen/layers/"+image, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := os.Mkdir("/var/lib/detgen", 0o755); err != nil {
		return err
	}
	if err := os.WriteFile("/var/lib/detgen/detgen", program, 0o755); err != nil {
		return err
	}
	// The system's resolver is not there.
	if err := os.WriteFile("/run/detgen/bin/resolvectl", []byte("#!/bin/sh\n"), 0o755); err != nil {
		return err
	}
	if err := os.Setenv("PATH", strings.Join([]string{"/run/detgen/bin", os.Getenv("PATH")}, ":")); err != nil {
		return err
	}
	return agent.Serve(helper.Parent())
}
