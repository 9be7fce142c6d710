package truth_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"detgen/engine"
	"detgen/engine/live"
	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

// The test binary plays the roles that the detgen binary has in a lab.
func TestMain(m *testing.M) { labtest.Main(m, map[string]func([]string) error{trafficRole: traffic}) }

// host gives a lab host on network "lan" with this machine's own programs.
func host(name string, number byte) record.Host {
	return record.Host{
		Name: name, Image: "host", Digest: "root",
		Interfaces: []record.Interface{{
			Name: "eth0", Network: "lan", MAC: "02:00:00:00:00:" + string("0123456789abcdef"[number>>4]) + string("0123456789abcdef"[number&15]),
			Address: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, 2, number}), 24),
		}},
		Capabilities: []string{"NET_RAW"}, Memory: 1 << 30, Processes: 200,
		Transport: record.Transport{MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true, EphemeralPorts: [2]int{32768, 60999}},
	}
}

// activity gives a main activity of scripts.
func activity(scripts ...record.Script) record.Activity {
	return record.Activity{
		Name: "main", Scenario: "test", Task: "test", Labels: record.Labels{Class: "benign"},
		Scripts: scripts, Timeout: record.Duration(time.Minute),
	}
}

// execute makes a run in a new directory.
func execute(t *testing.T, run *record.Run) (dir string, rec *record.Record) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs root and network namespaces")
	}
	dir = t.TempDir()
	result, err := live.Run(context.Background(), run, engine.Options{
		Dir: dir, Images: map[string][]string{"root": {"/"}}, Log: slog.Default(),
	})
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(dir, "logs/*/*"))
		for _, l := range logs {
			content, _ := os.ReadFile(l)
			t.Logf("%s:\n%s", l, content)
		}
		t.Fatal(err)
	}
	return dir, &record.Record{Run: *run, Result: *result}
}

// twoHosts is a run of a client and a server on one network, each with the same link in both
// directions, in which the client does what a script says and the server serves downloads.
func twoHosts(link record.Link, script string) *record.Run {
	run := &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), LinkDriver: "soft",
		Networks:   []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.1.2.0/24")}},
		Hosts:      []record.Host{host("client", 0x31), host("server", 0x5e)},
		Activities: []record.Activity{activity(record.Script{Host: "client", Text: script})},
	}
	run.Hosts[1].Services = []record.Service{{
		Name: "serve", Command: []string{"sh", "-c", "exec " + trafficCommand() + " serve 7000"},
		Ready: record.Ready{Listen: []string{"tcp/7000"}}, Timeout: record.Duration(10 * time.Second),
	}}
	for i := range run.Hosts {
		run.Hosts[i].Interfaces[0].Up, run.Hosts[i].Interfaces[0].Down = link, link
	}
	return run
}

func TestLabelsOfALab(t *testing.T) {
	run := twoHosts(record.Link{}, "phase echo\nping -n -c 3 -i 0.01 server\nphase download\n"+trafficCommand()+" fetch server:7000 50000 1\n")
	run.Activities[0].Phases = []string{"echo", "download"}
	run.Activities[0].Chain = &record.Chain{Way: []string{"client", "server"}}
	dir, rec := execute(t, run)
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	connections := labtest.Rows(t, filepath.Join(dir, truth.ConnectionsFile))
	if len(connections) != 2 {
		t.Fatalf("%d connections, want 2", len(connections))
	}
	for i, want := range []map[string]string{
		{"id": "1", "client_host": "client", "server_host": "server", "client": "10.1.2.49", "server": "10.1.2.94", "protocol": "1", "client_packets": "3", "server_packets": "3",
			"client_bytes": "168", "class": "benign", "activity": "main", "scenario": "test", "task": "test", "chain": "main/1", "program": "main", "first_phase": "echo", "last_phase": "echo", "span": "main"},
		{"protocol": "6", "server_port": "7000", "client_bytes": "8", "server_bytes": "50000", "handshake": "complete", "closing": "done", "program": "main",
			"first_phase": "download", "last_phase": "download", "Total Length of Bwd Packet": "50000"},
	} {
		for name, value := range want {
			if got := connections[i][name]; got != value {
				t.Errorf("connection %d: %s is %q, want %q", i+1, name, got, value)
			}
		}
	}
	frames := 0
	for _, c := range rec.Result.Captures {
		frames += int(c.Frames)
	}
	packets := labtest.Rows(t, filepath.Join(dir, truth.PacketsFile))
	if len(packets) != frames {
		t.Errorf("%d rows for %d frames", len(packets), frames)
	}
	for _, p := range packets {
		if p["fate"] != "delivered" || p["activity"] != "main" || (p["phase"] != "echo" && p["phase"] != "download") || p["delay"] == "" || p["up_queue"] != "0" || p["connection"] != "0" && p["connection"] != "" && p["chain"] != "main/1" {
			t.Errorf("%s frame %s: %v", p["capture"], p["number"], p)
		}
	}
	if s := rec.Result.Truth; s == nil || s.Explained != 1 || s.Attributed != 1 || !s.Log || s.Corrected != 0 || int(s.Frames) != frames {
		t.Errorf("summary %+v", s)
	}
}

// Two activities on one host download from the same server and port at the same time.
func TestSimultaneousDownloadsAreToldApart(t *testing.T) {
	// Each starts when the other is ready, and each asks for a size of its own.
	fetch := func(mine, other string, size int) string {
		// Signals are an activity's own; the host's root is for all.
		return fmt.Sprintf("touch $HOST_ROOT/tmp/%s\nuntil [ -e $HOST_ROOT/tmp/%s ]; do sleep 0.01; done\n%s fetch server:7000 %d 3\n", mine, other, trafficCommand(), size)
	}
	run := twoHosts(record.Link{Delay: record.Duration(2 * time.Millisecond)}, fetch("a", "b", 200_000))
	background := activity(record.Script{Host: "client", Text: fetch("b", "a", 100_000)})
	background.Name, background.Task, background.Labels.Class = "background-1", "noise", "attack"
	run.Activities = append(run.Activities, background)
	dir, rec := execute(t, run)
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	sizes := map[string]string{}
	for _, c := range labtest.Rows(t, filepath.Join(dir, truth.ConnectionsFile)) {
		// What a busy machine sends again counts, too.
		want := "background-1"
		if n, err := strconv.Atoi(c["server_bytes"]); err != nil || n >= 200_000 {
			want = "main"
		}
		if c["activity"] != want {
			t.Errorf("the connection with %s bytes belongs to %q, want %q", c["server_bytes"], c["activity"], want)
		}
		sizes[c["id"]] = want
	}
	if len(sizes) != 6 {
		t.Errorf("%d connections, want 6", len(sizes))
	}
	packets := 0
	for _, p := range labtest.Rows(t, filepath.Join(dir, truth.PacketsFile)) {
		if p["protocol"] != "6" {
			continue
		}
		packets++
		if p["activity"] != sizes[p["connection"]] {
			t.Errorf("%s frame %s of connection %s belongs to %q", p["capture"], p["number"], p["connection"], p["activity"])
		}
	}
	if packets < 600 {
		t.Errorf("only %d packets", packets)
	}
}

// Frames that are chosen to be lost are labelled so, with the cause, and what follows is a
// retransmission that was needed.
func TestChosenLoss(t *testing.T) {
	run := twoHosts(record.Link{Delay: record.Duration(time.Millisecond)}, trafficCommand()+" fetch server:7000 40000 1\n")
	var err error
	if run.Hosts[0].Interfaces[0].Down.Interventions, err = record.ParseInterventions("drop=data:5,syn-ack"); err != nil {
		t.Fatal(err)
	}
	dir, rec := execute(t, run)
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	lost, again := map[string]string{}, map[string]bool{}
	for _, p := range labtest.Rows(t, filepath.Join(dir, truth.PacketsFile)) {
		if p["direction"] != "sent" {
			continue
		}
		switch {
		case p["fate"] == "lost":
			lost[p["seq"]] = p["kind"] + ": " + p["cause"]
		case p["tcp_exact"] == "retransmission":
			again[p["seq"]] = true
		}
	}
	if len(lost) != 2 {
		t.Errorf("lost: %v", lost)
	}
	kinds := map[string]bool{}
	for seq, what := range lost {
		kinds[what] = true
		if !again[seq] {
			t.Errorf("%s at %s did not come again as a needed retransmission", what, seq)
		}
	}
	if !kinds["data: client.down dropped by intervention"] || !kinds["handshake: client.down dropped by intervention"] {
		t.Errorf("lost: %v", lost)
	}
}

// A download over a router, with loss behind it.
func TestLabelsOverARouter(t *testing.T) {
	run := twoHosts(record.Link{}, trafficCommand()+" fetch 10.1.9.94:7000 300000 2\n")
	run.Networks = append(run.Networks, record.Network{Name: "far", Prefix: netip.MustParsePrefix("10.1.9.0/24")})
	server := &run.Hosts[1]
	server.Interfaces[0].Network, server.Interfaces[0].Address = "far", netip.MustParsePrefix("10.1.9.94/24")
	server.Interfaces[0].Up.Loss = 0.03
	router := host("router", 0xc4)
	router.Forward = true
	far := router.Interfaces[0]
	far.Name, far.Network, far.MAC, far.Address = "eth1", "far", "02:11:22:33:44:55", netip.MustParsePrefix("10.1.9.1/24")
	router.Interfaces = append(router.Interfaces, far)
	run.Hosts[0].Routes = []record.Route{{Destination: far.Address.Masked(), Via: router.Interfaces[0].Address.Addr()}}
	server.Routes = []record.Route{{Destination: netip.MustParsePrefix("10.1.2.0/24"), Via: far.Address.Addr()}}
	run.Hosts = append(run.Hosts, router)
	dir, rec := execute(t, run)
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	s := rec.Result.Truth
	if s.Explained != 1 || s.Lost < 3 || s.Connections != 2 {
		t.Errorf("summary %+v", s)
	}
	forwarded := 0
	for _, p := range labtest.Rows(t, filepath.Join(dir, truth.PacketsFile)) {
		if p["protocol"] != "6" || !strings.HasPrefix(p["capture"], "captures/router-") {
			continue
		}
		if forwarded++; p["hop_number"] == "" {
			t.Errorf("%s frame %s went nowhere", p["capture"], p["number"])
		}
		if p["src_host"] == "router" || p["dst_host"] == "router" {
			t.Errorf("%s frame %s is from %s to %s", p["capture"], p["number"], p["src_host"], p["dst_host"])
		}
	}
	if forwarded < 400 {
		t.Errorf("%d rows of the router", forwarded)
	}
}
