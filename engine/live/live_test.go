package live_test

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"testing"
	"time"

	"detgen/engine/live"
	"detgen/lab/inside"
	"detgen/record"
)

// The test binary plays the roles that the detgen binary has in a lab.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case inside.InitRole:
			exit(inside.Init())
		case live.SupervisorRole:
			exit(live.Supervisor())
		}
	}
	switch base := os.Args[0]; base {
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

func transport() record.Transport {
	return record.Transport{MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true, EphemeralPorts: [2]int{32768, 60999}}
}

func twoHosts(script string) *record.Run {
	host := func(name, mac, address string) record.Host {
		return record.Host{
			Name: name, Image: "host", Digest: "root",
			Interfaces:   []record.Interface{{Name: "eth0", Network: "lan", MAC: mac, Address: netip.MustParsePrefix(address)}},
			Capabilities: []string{"NET_RAW"}, Memory: 1 << 30, Processes: 200, Transport: transport(),
		}
	}
	return &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), LinkDriver: "soft",
		Networks: []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.1.2.0/24")}},
		Hosts:    []record.Host{host("client", "02:00:00:00:00:01", "10.1.2.3/24"), host("server", "02:00:00:00:00:02", "10.1.2.4/24")},
		Activities: []record.Activity{{
			Name: "main", Scenario: "test", Task: "test", Labels: record.Labels{Class: "benign"},
			Scripts: []record.Script{{Host: "client", Text: script}},
			Phases:  []string{"echo"}, Expect: map[string]string{"replies": "3"}, Timeout: record.Duration(10 * time.Second),
		}},
	}
}

func TestEcho(t *testing.T) {
	if testing.Short() {
		t.Skip("needs root and network namespaces")
	}
	dir := t.TempDir()
	run := twoHosts("phase echo\nping -n -c 3 -i 0.01 server\noutcome replies=3\n")
	result, err := live.Run(context.Background(), run, live.Options{
		Dir: dir, Images: map[string][]string{"root": {"/"}}, Log: slog.Default(),
		Progress: func(s string) { t.Log(s) },
	})
	if err != nil {
		t.Fatalf("%v\n%+v", err, result)
	}
	t.Logf("%+v", result)
}
