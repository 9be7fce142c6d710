package truth_test

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"detgen/engine/live"
	"detgen/lab/inside"
	"detgen/lab/link"
	"detgen/record"
	"detgen/truth"
)

// The test binary plays the roles that the detgen binary has in a lab.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case inside.InitRole:
			exit(inside.Init())
		case live.SupervisorRole:
			exit(live.Supervisor())
		case link.SwitchRole:
			exit(link.Switch())
		case trafficRole:
			exit(traffic(os.Args[2:]))
		}
	}
	switch os.Args[0] {
	case "phase", "outcome", "signal", "await":
		exit(inside.Helper(os.Args))
	}
	os.Exit(m.Run())
}

func exit(err error) {
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Exit(0)
}

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
	result, err := live.Run(context.Background(), run, live.Options{
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

func TestLabelsOfALab(t *testing.T) {
	a := activity(record.Script{Host: "client", Text: "phase echo\nping -n -c 3 -i 0.01 server\n"})
	a.Phases = []string{"echo"}
	dir, rec := execute(t, &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), LinkDriver: "soft",
		Networks:   []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.1.2.0/24")}},
		Hosts:      []record.Host{host("client", 3), host("server", 4)},
		Activities: []record.Activity{a},
	})
	if err := truth.Label(dir, rec); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{truth.ConnectionsFile, truth.PacketsFile} {
		content, err := os.ReadFile(filepath.Join(dir, n))
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s", content)
	}
}
