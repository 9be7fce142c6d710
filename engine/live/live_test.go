package live_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/engine"
	"detgen/engine/live"
	"detgen/engine/live/supervisor"
	"detgen/internal/labtest"
	"detgen/record"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// The test binary plays the roles that the detgen binary has in a lab, and, with runRole, that
// of a process that runs a lab and can be killed.
func TestMain(m *testing.M) {
	labtest.Main(m, map[string]func([]string) error{runRole: func(args []string) error {
		_, err := live.Run(context.Background(), sleeper(), options(args[0], func(stage string) { fmt.Println(stage) }))
		return err
	}})
}

const runRole = "run-a-lab"

// needsLab skips a test in the quick loop.
func needsLab(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a lab")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
}

// options take this machine's own root as the hosts' image.
func options(dir string, progress func(string)) engine.Options {
	return engine.Options{Dir: dir, Images: map[string][]string{"root": {"/"}}, Log: slog.New(slog.DiscardHandler), Progress: progress}
}

func twoHosts(script string) *record.Run {
	host := func(name, mac, address string) record.Host {
		return record.Host{
			Name: name, Image: "host", Digest: "root",
			Interfaces:   []record.Interface{{Name: "eth0", Network: "lan", MAC: mac, Address: netip.MustParsePrefix(address)}},
			Capabilities: []string{"NET_RAW"}, Memory: 1 << 30, Processes: 200,
			Transport: record.Transport{MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true, EphemeralPorts: [2]int{32768, 60999}},
		}
	}
	return &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), LinkDriver: "soft",
		Networks: []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.1.2.0/24")}},
		Hosts:    []record.Host{host("client", "02:00:00:00:00:01", "10.1.2.3/24"), host("server", "02:00:00:00:00:02", "10.1.2.4/24")},
		Activities: []record.Activity{{
			Name: "main", Scenario: "test", Task: "test", Labels: record.Labels{Class: "benign"},
			Scripts: []record.Script{{Host: "client", Text: script}},
			Phases:  []string{"echo"}, Expect: map[string]string{"replies": "3"}, Timeout: record.Duration(20 * time.Second),
		}},
	}
}

const echo = "phase echo\nping -n -c 3 -i 0.01 server\noutcome replies=3\n"

// sleeper is a run that does not end by itself, with a service.
func sleeper() *record.Run {
	run := twoHosts("phase echo\nsleep 1000\n")
	run.Hosts[1].Services = []record.Service{{
		Name: "idle", Command: []string{"sh", "-c", "echo up; exec sleep 1000"},
		Ready: record.Ready{Log: "^up$"}, Timeout: record.Duration(5 * time.Second),
	}}
	return run
}

func execute(t *testing.T, run *record.Run) (*record.Result, string, error) {
	t.Helper()
	dir := t.TempDir()
	result, err := live.Run(t.Context(), run, options(dir, nil))
	return result, dir, err
}

func TestEcho(t *testing.T) {
	needsLab(t)
	result, dir, err := execute(t, twoHosts(echo))
	if err != nil {
		t.Fatal(err)
	}
	if result.Status != record.Complete || !result.Drained {
		t.Errorf("status %s, drained %v", result.Status, result.Drained)
	}
	if p := result.Activities[0].Phases; len(p) != 1 || p[0].Name != "echo" || !p[0].End.After(p[0].Start) {
		t.Errorf("phases %+v, want echo", p)
	}
	for _, c := range result.Captures {
		// 3 requests, 3 replies, and the resolution of one address.
		if frames := labtest.Frames(t, filepath.Join(dir, c.File)); len(frames) != 8 || c.Frames != 8 {
			t.Errorf("%s: %d frames, counted %d; want 8", c.File, len(frames), c.Frames)
		}
	}
}

// An engine gives a result before the lab is gone, but is not closed before, and then nothing of the lab is left. Its labs are
// of the program that it carries. One job is one lab at a time.
func TestCloseWaitsForTheEndsOfLabs(t *testing.T) {
	needsLab(t)
	l := live.New(engine.Config{})
	if n := l.Jobs(1); n != 1 {
		t.Errorf("with one job %d runs go on at once", n)
	}
	for range 2 {
		dir := t.TempDir()
		o := options(dir, func(string) {
			if n := len(descendants(os.Getpid(), supervisor.Role)); n > 1 {
				t.Errorf("%d labs at once", n)
			}
		})
		result, err := l.Run(t.Context(), twoHosts(echo), o)
		if err != nil || result.Status != record.Complete {
			t.Fatalf("%v, error %v", result, err)
		}
		for _, c := range result.Captures {
			if frames := labtest.Frames(t, filepath.Join(dir, c.File)); len(frames) != 8 {
				t.Errorf("%s: %d frames, want 8", c.File, len(frames))
			}
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if left := descendants(os.Getpid(), supervisor.Role); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	var left []string
	for _, pattern := range []string{"/sys/fs/cgroup/detgen-%d-*", "/sys/fs/cgroup/*/detgen-%d-*"} {
		list, _ := filepath.Glob(fmt.Sprintf(pattern, os.Getpid()))
		left = append(left, list...)
	}
	if len(left) > 0 {
		t.Errorf("control groups are left: %v", left)
	}
}

// What a warm-up has sent arrives before the task begins.
func TestWarmUpIsDrained(t *testing.T) {
	needsLab(t)
	run := twoHosts("phase echo\noutcome replies=3\n")
	for i := range run.Hosts {
		run.Hosts[i].Interfaces[0].Up = record.Link{Delay: record.Duration(200 * time.Millisecond)}
	}
	run.Activities[0].Warmup = []record.Script{{Host: "client", Text: "ping -n -c 1 server\nbash -c 'echo >/dev/udp/server/9000'\n"}}
	result, dir, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range result.Captures {
		frames := labtest.Frames(t, filepath.Join(dir, c.File))
		if len(frames) == 0 {
			t.Fatalf("%s is empty", c.File)
		}
		if last := time.Unix(0, frames[len(frames)-1].Time); !last.Before(result.Started) {
			t.Errorf("%s: a frame of the warm-up %v after the start of the task", c.File, last.Sub(result.Started))
		}
	}
}

func TestTransportIsSet(t *testing.T) {
	needsLab(t)
	run := twoHosts(`phase echo
outcome replies=3
cd /proc/sys/net/ipv4
outcome sysctl="$(cat tcp_sack tcp_timestamps tcp_ecn tcp_window_scaling tcp_congestion_control ip_default_ttl ip_local_port_range tcp_rmem | tr '\t\n' '  ')"
outcome route="$(ip route)"
outcome mtu="$(cat /sys/class/net/eth0/mtu)"
outcome ipv6="$(cat /proc/net/if_inet6)"
outcome table="$(cat tcp_ehash_entries)"
outcome limits="$(cat tcp_max_syn_backlog tcp_max_tw_buckets)"
`)
	limits, err := exec.Command("cat", "/proc/sys/net/ipv4/tcp_max_syn_backlog", "/proc/sys/net/ipv4/tcp_max_tw_buckets").Output()
	if err != nil {
		t.Fatal(err)
	}
	run.Hosts[0].Transport = record.Transport{
		MTU: 1400, ECN: 1, Congestion: "reno", InitialCwnd: 4, InitialRwnd: 6, NoMetricsSave: true, EphemeralPorts: [2]int{40000, 40100}, TTL: 77,
		ReceiveBuffer: 65536,
	}
	result, dir, err := execute(t, run)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(dir, "logs/client/main.log"))
		t.Fatalf("%v\n%s", err, log)
	}
	outcome := result.Activities[0].Outcome
	for key, want := range map[string]string{
		"sysctl": "0 0 1 0 reno 77 40000 40100 4096 65536 65536 ",
		"mtu":    "1400",
		"ipv6":   "",
		"table":  "2048", // the kernel reads it all to list connections; negative when it is the machine's
		"limits": strings.TrimSpace(string(limits)),
	} {
		if outcome[key] != want {
			t.Errorf("%s is %q, want %q", key, outcome[key], want)
		}
	}
	if !strings.Contains(outcome["route"], "initcwnd 4 initrwnd 6") {
		t.Errorf("route is %q, want initial windows of 4 and 6", outcome["route"])
	}
}

func TestLoadIsMeasured(t *testing.T) {
	needsLab(t)
	run := twoHosts("phase echo\nping -n -c 3 -i 0.2 server\noutcome replies=3\n")
	run.Hosts[1].Load = record.Load{CPU: 2, Memory: 1}
	result, _, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Loads) != 1 || result.Loads[0].Host != "server" || result.Loads[0].Workers < 3 || result.Loads[0].CPU < 0.1 {
		t.Errorf("loads %+v; want 3 workers on server that use the CPU", result.Loads)
	}
}

// Two activities on one host that send to the same address and port are told apart.
func TestOwnersAreToldApart(t *testing.T) {
	needsLab(t)
	run := twoHosts("phase echo\nbash -c 'echo one >/dev/udp/server/9000'\noutcome replies=3\n")
	background := run.Activities[0]
	background.Name, background.Phases, background.Expect = "background-1", nil, nil
	background.Scripts = []record.Script{{Host: "client", Text: "bash -c 'echo two >/dev/udp/server/9000'\n"}}
	run.Activities = append(run.Activities, background)
	result, _, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	remote := netip.MustParseAddrPort("10.1.2.4:9000")
	local := map[string]netip.AddrPort{}
	for _, o := range result.Owners {
		if o.Host == "client" && o.Remote == remote && o.Protocol == 17 && o.Activity == o.Program {
			local[o.Activity] = o.Local
		}
	}
	if len(local) != 2 || local["main"] == local["background-1"] {
		t.Errorf("owners %+v; want main and background-1 at different ports", result.Owners)
	}
}

// A lab with addresses of both families is ready when nobody else has them; what was asked to find that out is in the
// captures; and what goes to either address of a host has its owner.
func TestBothFamilies(t *testing.T) {
	needsLab(t)
	run := twoHosts("phase echo\nbash -c 'echo one >/dev/udp/fd00::4/9000; echo one >/dev/udp/10.1.2.4/9000'\noutcome replies=3\noutcome names=\"$(getent ahosts server | awk '$2 == \"DGRAM\" { print $1 }' | tr '\\n' ' ')\"\n")
	run.Networks[0].Prefix6 = netip.MustParsePrefix("fd00::/64")
	for i := range run.Hosts {
		run.Hosts[i].Transport.IPv6, run.Hosts[i].Transport.TTL = true, 77
		run.Hosts[i].Interfaces[0].Address6 = netip.MustParsePrefix(fmt.Sprintf("fd00::%d/64", 3+i))
	}
	background := run.Activities[0]
	background.Name, background.Phases, background.Expect = "background-1", nil, nil
	background.Scripts = []record.Script{{Host: "client", Text: "bash -c 'echo two >/dev/udp/fd00::4/9000'\n"}}
	run.Activities = append(run.Activities, background)
	result, dir, err := execute(t, run)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Activities[0].Outcome["names"]; got != "fd00::4 10.1.2.4 " {
		t.Errorf("the server's name is %q", got)
	}
	sent := map[string]int{}
	for _, o := range result.Owners {
		if o.Host == "client" && o.Protocol == unix.IPPROTO_UDP && o.Local.Port() != 0 {
			sent[o.Activity+" "+o.Remote.String()]++
		}
	}
	want := map[string]int{"main [fd00::4]:9000": 1, "main 10.1.2.4:9000": 1, "background-1 [fd00::4]:9000": 1}
	if !maps.Equal(sent, want) {
		t.Errorf("owners %v, want %v", sent, want)
	}
	asked := map[netip.Addr]bool{}
	for _, f := range labtest.Frames(t, filepath.Join(dir, "captures/client.pcap")) {
		const solicitation = 135
		if p := f.Data[14:]; f.Data[12] == 0x86 && p[6] == unix.IPPROTO_ICMPV6 && p[40] == solicitation && netip.AddrFrom16([16]byte(p[8:24])).IsUnspecified() {
			if asked[netip.AddrFrom16([16]byte(p[48:64]))] = true; !time.Unix(0, f.Time).Before(result.Started) {
				t.Error("an address was still looked for when the task began")
			}
		} else if f.Data[12] == 0x86 && p[6] == unix.IPPROTO_UDP && p[7] != 77 {
			t.Errorf("hop limit %d, want the run's 77", p[7])
		}
	}
	for _, a := range []string{"fd00::3", "fd00::4", "fe80::ff:fe00:1", "fe80::ff:fe00:2"} {
		if !asked[netip.MustParseAddr(a)] {
			t.Errorf("nobody asked whether another host has %s; asked %v", a, asked)
		}
	}
}

// Labs with the same addresses and names run at once; each capture holds its own frames only.
func TestLabsDoNotDisturbEachOther(t *testing.T) {
	needsLab(t)
	const labs = 8
	dirs := make([]string, labs)
	group, ctx := errgroup.WithContext(t.Context())
	for i := range labs {
		dirs[i] = filepath.Join(t.TempDir(), "run") // alike but for where it is
		if err := os.Mkdir(dirs[i], 0o755); err != nil {
			t.Fatal(err)
		}
		group.Go(func() error {
			// The size of the echo tells the labs apart.
			script := strings.Replace(echo, "-c 3", fmt.Sprintf("-c 3 -s %d", 100+i), 1)
			_, err := live.Run(ctx, twoHosts(script), options(dirs[i], nil))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for i, dir := range dirs {
		echoes := 0
		for _, f := range labtest.Frames(t, filepath.Join(dir, "captures/server.pcap")) {
			if f.Data[12] == 0x08 && f.Data[13] == 0x00 {
				if want := 14 + 20 + 8 + 100 + i; len(f.Data) != want {
					t.Errorf("lab %d: a frame of %d bytes, its own have %d", i, len(f.Data), want)
				}
				echoes++
			}
		}
		if echoes != 6 {
			t.Errorf("lab %d: %d echo frames, want 6", i, echoes)
		}
	}
}

func TestFailuresSayWhatHappened(t *testing.T) {
	needsLab(t)
	for name, c := range map[string]struct {
		change func(*record.Run)
		want   []string
	}{
		"outcome differs": {
			func(r *record.Run) { r.Activities[0].Expect["replies"] = "4" },
			[]string{`outcome replies is "3", expected 4`},
		},
		"outcome missing": {
			func(r *record.Run) { r.Activities[0].Expect["hash"] = "any" },
			[]string{"outcome hash was not reported"},
		},
		"script fails": {
			func(r *record.Run) { r.Activities[0].Scripts[0].Text = "phase echo\nfalse\n" },
			[]string{`script on host "client" ended with status 1`, "logs/client/main.log"},
		},
		"unknown phase": {
			func(r *record.Run) { r.Activities[0].Scripts[0].Text = "phase other\n" },
			[]string{"ended with status 1"},
		},
		"service never ready": {
			func(r *record.Run) {
				r.Hosts[1].Services = []record.Service{{Name: "web", Command: []string{"sh", "-c", "echo cannot bind >&2; exec sleep 100"},
					Ready: record.Ready{Listen: []string{"tcp/80"}}, Timeout: record.Duration(300 * time.Millisecond)}}
			},
			[]string{`host "server": service "web" is not ready after 300ms`, "tcp/80", "cannot bind"},
		},
		"service ends early": {
			func(r *record.Run) {
				r.Hosts[1].Services = []record.Service{{Name: "web", Command: []string{"sh", "-c", "echo bad option >&2; exit 3"},
					Ready: record.Ready{Listen: []string{"tcp/80"}}, Timeout: record.Duration(5 * time.Second)}}
			},
			[]string{`service "web" ended with status 3 before it was ready`, "bad option"},
		},
		"service is not in the image": {
			func(r *record.Run) {
				r.Hosts[1].Services = []record.Service{{Name: "web", Command: []string{"no-such-program"},
					Ready: record.Ready{Listen: []string{"tcp/80"}}, Timeout: record.Duration(5 * time.Second)}}
			},
			[]string{`host "server": start web`, "no-such-program", "not found", `image "host"`},
		},
		"task takes too long": {
			func(r *record.Run) {
				r.Activities[0].Timeout = record.Duration(2 * time.Second)
				r.Activities[0].Scripts[0].Text = "phase echo\nping -n -c 1 server\nsleep 100\n"
			},
			[]string{"took longer than its time limit, 2s"},
		},
		"warm-up takes too long": {
			func(r *record.Run) {
				r.Activities[0].Timeout = record.Duration(2 * time.Second)
				r.Activities[0].Warmup = []record.Script{{Host: "client", Text: "ping -n -c 1 server\nsleep 100\n"}}
			},
			[]string{`warm-up: activity "main" (test/test) took longer than its time limit, 2s`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := twoHosts(echo)
			c.change(run)
			result, dir, err := execute(t, run)
			if err == nil || result == nil || result.Status != record.Failed {
				t.Fatalf("error %v, result %+v; want a failed run", err, result)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if name == "task takes too long" {
				if n := len(labtest.Frames(t, filepath.Join(dir, "captures/client.pcap"))); n < 4 {
					t.Errorf("%d frames were kept, want those from before the limit", n)
				}
			}
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	needsLab(t)
	for name, end := range map[string]func(*exec.Cmd){
		"killed":     func(c *exec.Cmd) { c.Process.Kill() },
		"terminated": func(c *exec.Cmd) { c.Process.Signal(os.Interrupt) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, runRole, dir)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stages := make([]byte, 0, 100)
			for !bytes.Contains(stages, []byte("task")) {
				buffer := make([]byte, 100)
				n, err := out.Read(buffer)
				if err != nil {
					t.Fatalf("the lab did not get to its task: %v", err)
				}
				stages = append(stages, buffer[:n]...)
			}
			processes := descendants(cmd.Process.Pid, "")
			if len(processes) < 3 { // the supervisor and a runtime for each host
				t.Fatal("the test does not see the lab's processes")
			}
			end(cmd)
			cmd.Wait()
			awaitNone(t, processes)
			if mounts, _ := os.ReadFile("/proc/self/mountinfo"); bytes.Contains(mounts, []byte(dir)) {
				t.Error("mounts are left")
			}
			// The next run removes the control groups of one that was killed.
			if _, _, err := execute(t, twoHosts(echo)); err != nil {
				t.Fatal(err)
			}
			left, _ := filepath.Glob(fmt.Sprintf("/sys/fs/cgroup/*/detgen-%d-*", cmd.Process.Pid))
			if len(left) > 0 {
				t.Errorf("control groups are left: %v", left)
			}
		})
	}
}

// awaitNone waits for processes to end: the kernel ends them, but not at once.
func awaitNone(t *testing.T, processes []int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := slices.DeleteFunc(slices.Clone(processes), func(pid int) bool { return unix.Kill(pid, 0) != nil })
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes are left: %v", left)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A signal that is given again changes nothing.
func TestSignalTwice(t *testing.T) {
	needsLab(t)
	if _, _, err := execute(t, twoHosts("signal here\nsignal here\nawait here\n"+echo)); err != nil {
		t.Fatal(err)
	}
}
