package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
)

// The window of docs/examples/window.yaml has the connections of the paper's table 1, each labelled with
// the activity that opened it, and each packet with that of its connection.
func TestWindowOfSeveralActivitiesIsTakenApart(t *testing.T) {
	needsLab(t)
	spec, err := filepath.Abs("../../docs/examples/window.yaml")
	if err != nil {
		t.Fatal(err)
	}
	cmd := detgen(t, "run", "--spec", spec, "-o", "out")
	if code, stdout, stderr := outcome(t, cmd); code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	dir := filepath.Join(cmd.Dir, "out")
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]struct{ class, port string }{
		"main": {"benign", "21"}, "page": {"benign", "443"}, "lookup": {"benign", "53"}, "bot": {"attack", "8080"},
	}
	activities, order := map[string]string{}, []string{}
	for _, c := range labtest.Rows(t, filepath.Join(dir, "connections.csv")) {
		activities[c["id"]] = c["activity"]
		if c["client_host"] != "client" || c["protocol"] == "1" {
			continue
		}
		want := wanted[c["activity"]]
		data := c["activity"] == "main" && c["server_host"] == "server" // FTP's data connections have ports of their own
		if c["class"] != want.class || c["server_port"] != want.port && !data {
			t.Errorf("the connection to port %s of %s belongs to activity %q, %s", c["server_port"], c["server_host"], c["activity"], c["class"])
		}
		if !slices.Contains(order, c["activity"]) {
			order = append(order, c["activity"])
		}
	}
	slices.Sort(order) // a busy machine starts one later than another
	if got := strings.Join(order, " "); got != "bot lookup main page" {
		t.Errorf("the client opened connections for %q", got)
	}
	client := 0
	for _, p := range labtest.Rows(t, filepath.Join(dir, "packets.csv")) {
		if p["activity"] != activities[p["connection"]] {
			t.Errorf("%s frame %s of connection %s belongs to %q, its connection to %q", p["capture"], p["number"], p["connection"], p["activity"], activities[p["connection"]])
		}
		if p["capture"] == "captures/client.pcap" && p["connection"] != "" {
			if client++; p["activity"] == "" {
				t.Errorf("%s frame %s of connection %s belongs to no activity", p["capture"], p["number"], p["connection"])
			}
		}
	}
	if s := rec.Result.Truth; client < 100 || s.Explained != 1 {
		t.Errorf("%d packets of the client, truth %+v", client, s)
	}
}

// Two activities of one host download from the same server and port at the same time, in the exact
// engine's guest, over links that its kernel's NetEm impairs. Which is which, what they ask for says; what
// was lost and copied, the counters of the kernel.
func TestNetEmInTheExactGuest(t *testing.T) {
	cmd := built(t, "run", "--spec", "spec.yaml", "--engine", "exact", "-o", "out")
	spec := "task: web/get\nseed: 4\nlink_driver: netem\nset: {params.size: 300kB, link.server.up.loss: 3%, link.client.up.duplicate: 5%}\nbackground: [{task: web/range}]\n"
	if err := os.WriteFile(filepath.Join(cmd.Dir, "spec.yaml"), []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, stdout, stderr := outcome(t, cmd); code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
	}
	dir := filepath.Join(cmd.Dir, "out")
	var counted struct {
		Result struct{ Links []record.LinkResult }
	}
	content, err := os.ReadFile(filepath.Join(dir, "run.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &counted); err != nil {
		t.Fatal(err)
	}
	var lost, copies uint64
	for _, l := range counted.Result.Links {
		lost, copies = lost+l.Lost, copies+l.Duplicated
	}
	whole := values(t, filepath.Join(dir, "captures/client.pcap"), `http.request && !(http.request.line contains "Range:")`, "tcp.srcport")
	part := values(t, filepath.Join(dir, "captures/client.pcap"), `http.request.line contains "Range:"`, "tcp.srcport")
	if len(whole) != 1 || len(part) != 1 {
		t.Fatalf("requests from ports %v and %v", whole, part)
	}
	activity := map[string]string{whole[0]: "main", part[0]: "background-1"}
	var lostSeen, copiesSeen uint64
	frames := map[string]int{}
	for _, p := range labtest.Rows(t, filepath.Join(dir, "packets.csv")) {
		if p["direction"] == "sent" && p["fate"] == "lost" {
			lostSeen++
		}
		if p["fate"] == "duplicate" {
			copiesSeen++
		}
		if p["protocol"] != "6" {
			continue
		}
		want := activity[p["src_port"]] + activity[p["dst_port"]]
		frames[want]++
		if p["activity"] != want {
			t.Errorf("%s frame %s, from port %s to %s, belongs to %q, not %q", p["capture"], p["number"], p["src_port"], p["dst_port"], p["activity"], want)
		}
	}
	t.Logf("%d lost and %d copied by the kernel's counters; frames %v", lost, copies, frames)
	if lost < 3 || copies < 3 || lostSeen != lost || copiesSeen != copies {
		t.Errorf("%d lost and %d copies; the kernel counted %d and %d", lostSeen, copiesSeen, lost, copies)
	}
	if frames["main"] < 300 || frames["background-1"] < 150 {
		t.Errorf("frames %v", frames)
	}
}
