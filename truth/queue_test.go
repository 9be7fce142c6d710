package truth_test

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

// bottleneck is a run in which a client fetches from a server over a router, whose link towards the client is narrow.
func bottleneck(narrow record.Link) *record.Run {
	run := twoHosts(record.Link{}, trafficCommand()+" fetch 10.1.9.94:7000 400000 2\n")
	run.Networks = append(run.Networks, record.Network{Name: "far", Prefix: netip.MustParsePrefix("10.1.9.0/24"), Tap: true})
	server := &run.Hosts[1]
	server.Interfaces[0].Network, server.Interfaces[0].Address = "far", netip.MustParsePrefix("10.1.9.94/24")
	router := host("router", 0xc4)
	router.Forward = true
	router.Interfaces[0].Up = narrow
	far := router.Interfaces[0]
	far.Name, far.Network, far.MAC, far.Address, far.Up = "eth1", "far", "02:11:22:33:44:55", netip.MustParsePrefix("10.1.9.1/24"), record.Link{}
	router.Interfaces = append(router.Interfaces, far)
	run.Hosts[0].Routes = []record.Route{{Destination: far.Address.Masked(), Via: router.Interfaces[0].Address.Addr()}}
	server.Routes = []record.Route{{Destination: netip.MustParsePrefix("10.1.2.0/24"), Via: far.Address.Addr()}}
	run.Hosts = append(run.Hosts, router)
	for i := range run.Hosts {
		run.Hosts[i].Transport.Congestion = "reno"
	}
	return run
}

// What the captures alone tell of a queue is what the links' log says: as many frames in, out and lost, and about as many
// in it at a time. The packets' time to live is one less behind the router.
func TestQueuesOfABottleneck(t *testing.T) {
	for _, c := range []struct {
		link record.Link
		lost truth.QueueAction
	}{
		{record.Link{Rate: 10e6, Limit: 25}, truth.QueueFull},
		{record.Link{Rate: 10e6, Limit: 200, Queue: record.CoDel}, truth.QueueDrop},
	} {
		t.Run(c.link.String(), func(t *testing.T) {
			dir, rec := execute(t, bottleneck(c.link))
			if err := truth.Label(dir, rec); err != nil {
				t.Fatal(err)
			}
			if s := rec.Result.Truth; s.Explained != 1 || s.Lost == 0 {
				t.Errorf("summary %+v", s)
			}
			known := queueOf(t, dir, rec)
			if err := os.Remove(filepath.Join(dir, record.LinkLogFile)); err != nil {
				t.Fatal(err)
			}
			seen := queueOf(t, dir, rec)
			a, b := counts(known), counts(seen)
			if a != b || a[truth.QueueIn] != a[truth.QueueOut]+a[truth.QueueDrop] || a[c.lost] == 0 {
				t.Errorf("in, out, drop, full: by the log %v, by the captures %v", a, b)
			}
			if n := most(known); n > c.link.Limit || n < 10 || known[len(known)-1].Frames != 0 {
				t.Errorf("at most %d frames, at the end %d", n, known[len(known)-1].Frames)
			}
			if d := most(known) - most(seen); d < -3 || d > 3 {
				t.Errorf("at most %d frames by the log, %d by the captures", most(known), most(seen))
			}
			if rows := labtest.Rows(t, filepath.Join(dir, truth.QueuesFile)); len(rows) != len(known) || rows[0]["link"] != "router.eth0.up" {
				t.Errorf("%d rows for %d events: %v", len(rows), len(known), rows[0])
			}
			hops := map[string]string{}
			for _, p := range labtest.Rows(t, filepath.Join(dir, truth.PacketsFile)) {
				if p["protocol"] == "6" && p["direction"] != "tapped" {
					hops[p["ttl"]] += " " + p["src_host"] + "@" + strings.TrimSuffix(filepath.Base(p["capture"]), ".pcap")
				}
			}
			for ttl, want := range map[string][]string{"64": {"server@server", "server@router-eth1", "client@client", "client@router-eth0"}, "63": {"server@client", "server@router-eth0", "client@server", "client@router-eth1"}} {
				where := slices.Compact(slices.Sorted(slices.Values(strings.Fields(hops[ttl]))))
				if slices.Sort(want); !slices.Equal(where, want) {
					t.Errorf("time to live %s: %v, want %v", ttl, where, want)
				}
			}
			for _, file := range []string{"router-eth0", "client", "tap-far"} {
				// 0xffff is a way to write the sum that is 0 (RFC 1624), which tshark calls wrong.
				out, err := exec.Command("tshark", "-r", filepath.Join(dir, "captures", file+".pcap"), "--disable-protocol", "gryphon", // of port 7000
					"-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-o", "tcp.desegment_tcp_streams:FALSE",
					"-Y", "_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 && tcp.checksum != 0xffff").Output()
				if err != nil || len(out) > 0 {
					t.Errorf("%s: tshark finds wrong: %v\n%s", file, err, out)
				}
			}
		})
	}
}

func queueOf(t *testing.T, dir string, rec *record.Record) []truth.QueueEvent {
	t.Helper()
	tt, err := truth.Read(dir, rec)
	if err != nil {
		t.Fatal(err)
	}
	queues, err := tt.Queues()
	if err != nil || len(queues) != 1 {
		t.Fatalf("%d queues, %v", len(queues), err)
	}
	return queues[0].Events
}

func counts(events []truth.QueueEvent) (n [4]int) {
	for _, e := range events {
		n[e.What]++
	}
	return n
}

func most(events []truth.QueueEvent) int {
	n := 0
	for _, e := range events {
		n = max(n, e.Frames)
	}
	return n
}
