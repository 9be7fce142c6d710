package main

import (
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/packet"
	"detgen/record"
)

// runDirectory makes a run directory by hand: a client sends two datagrams to a server, the second
// of which is lost.
func runDirectory(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	staging, err := record.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	host := func(name, mac, address string) record.Host {
		return record.Host{Name: name, Digest: "sha256:" + strings.Repeat("0", 64), Interfaces: []record.Interface{{Name: "eth0", Network: "lan", MAC: mac, Address: netip.MustParsePrefix(address), Up: record.Link{Loss: 0.1}}}}
	}
	r := &record.Record{
		Run: record.Run{
			Networks:   []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.0.0.0/24")}},
			Hosts:      []record.Host{host("client", "02:11:00:00:00:01", "10.0.0.1/24"), host("server", "02:22:00:00:00:02", "10.0.0.2/24")},
			Activities: []record.Activity{{Name: "main", Scenario: "test", Task: "talk", Scripts: []record.Script{{Host: "client"}}, Labels: record.Labels{Class: "benign"}}},
		},
		Result: record.Result{
			Status: record.Complete, Started: start,
			Activities: []record.ActivityResult{{Name: "main", Start: start, End: start.Add(time.Second)}},
		},
	}
	datagram := []byte("\x02\x22\x00\x00\x00\x02\x02\x11\x00\x00\x00\x01\x08\x00\x45\x00\x00\x1e\x00\x01\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02\x13\x88\x00\x35\x00\x0a\x00\x00hi")
	for _, h := range r.Run.Hosts {
		file := "captures/" + h.Name + ".pcap"
		path := filepath.Join(staging.Dir(), file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := packet.NewPcapWriter(out, packet.LinkEthernet)
		if err != nil {
			t.Fatal(err)
		}
		at, frames := start.Add(time.Millisecond).UnixNano(), uint64(2)
		if h.Name == "server" {
			at, frames = at+5000, 1
		}
		for n := range frames {
			datagram[19] = byte(n) // the identification
			if err := w.Write(&packet.Frame{Time: at + int64(n)*1e6, Data: datagram, WireLen: len(datagram)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(w.Flush(), out.Close()); err != nil {
			t.Fatal(err)
		}
		r.Result.Captures = append(r.Result.Captures, record.Capture{Host: h.Name, Interface: "eth0", File: file, Frames: frames})
	}
	if err := staging.Commit(r); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestShow(t *testing.T) {
	dir := runDirectory(t)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{nil, []string{"test/talk, seed 0: complete", "#1  udp  10.0.0.1:5000 (client)  10.0.0.2:53 (server)", "2 sent frames: 1 delivered, 1 lost", "100.00 % of 3 frames explained"}},
		{[]string{"--packets"}, []string{"-- main", "client --> server  #1", "UDP 5000 > 53 len 2", "5.0 us", "client --X server", "LOST"}},
		{[]string{"--packets", "--connection", "1", "--host", "server"}, []string{"LOST"}},
	} {
		out, err := command(append([]string{"show", dir}, c.args...)...)
		if err != nil {
			t.Errorf("%v: %v", c.args, err)
		}
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%v: %q is missing in\n%s", c.args, want, out)
			}
		}
	}
}

// TestShowFigure draws the run's two datagrams, one of which is lost.
func TestShowFigure(t *testing.T) {
	dir := runDirectory(t)
	folder := t.TempDir()
	for _, args := range [][]string{
		{"--svg", filepath.Join(folder, "a.svg")},
		{"--svg", filepath.Join(folder, "b.png"), "--connection", "1", "--host", "client"},
		{"--svg", filepath.Join(folder, "c.svg"), "--color", "phase"},
	} {
		if out, err := command(append([]string{"show", dir}, args...)...); err != nil {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
	for file, want := range map[string][]string{
		"a.svg": {"<title>test/talk</title>", `aria-label="client"`, `aria-label="server"`, `aria-label="not TCP"`, `aria-label="lost"`, `aria-label="sent"`},
		"b.png": {"\x89PNG"},
		"c.svg": {`aria-label="in no phase"`},
	} {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, text := range want {
			if !strings.Contains(string(content), text) {
				t.Errorf("%s: %q is missing", file, text)
			}
		}
	}
}

func TestShowAsJSON(t *testing.T) {
	dir := runDirectory(t)
	out, err := command("show", dir, "--json")
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Truth       record.TruthSummary
		Connections []struct{ From, To string }
	}
	if err := json.Unmarshal([]byte(out), &o); err != nil {
		t.Fatal(err)
	}
	if o.Truth.Lost != 1 || len(o.Connections) != 1 || o.Connections[0].To != "server" {
		t.Errorf("%+v", o)
	}
	out, err = command("show", dir, "--packets", "--json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	var line struct {
		Fate  string
		Delay time.Duration `json:"delay_ns"`
	}
	if len(lines) != 2 || json.Unmarshal([]byte(lines[0]), &line) != nil || line.Fate != "delivered" || line.Delay != 5*time.Microsecond {
		t.Errorf("%d lines, the first %q", len(lines), lines[0])
	}
}

func TestExport(t *testing.T) {
	dir := runDirectory(t)
	for file, start := range map[string]string{"a.pcapng": "\x0a\x0d\x0d\x0a", "a.csv": "capture,number,time,direction,", "a.parquet": "PAR1"} {
		path := filepath.Join(t.TempDir(), file)
		if out, err := command("export", dir, "-o", path); err != nil {
			t.Errorf("%s: %v %s", file, err, out)
		}
		content, err := os.ReadFile(path)
		if err != nil || !strings.HasPrefix(string(content), start) {
			t.Errorf("%s starts with %q, %v", file, content[:min(20, len(content))], err)
		}
		if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); len(left) != 1 {
			t.Errorf("%s: there are %v", file, left)
		}
	}
}

func TestPacketsOfARunHaveLabels(t *testing.T) {
	dir := runDirectory(t)
	path := filepath.Join(t.TempDir(), "x.csv")
	if _, err := command("packets", dir, "-o", path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], ",comment,direction,connection,") || !strings.Contains(lines[2], ",sent,1,client,client,server,benign,,,,main,,test,talk,") || !strings.Contains(lines[2], ",lost,") {
		t.Errorf("rows\n%s", content)
	}
}

func TestShowAndExportRefuse(t *testing.T) {
	dir := runDirectory(t)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"show"}, "name one run directory"},
		{[]string{"show", t.TempDir()}, "is not a run directory"},
		{[]string{"show", dir, "--packets", "--connection", "2"}, "--connection 2: the run has connections 1 to 1"},
		{[]string{"show", dir, "--packets", "--host", "x"}, "--host x: the run has no such host"},
		{[]string{"show", dir, "--svg", "x.pdf"}, "--svg x.pdf: a figure's name ends in .svg or .png"},
		{[]string{"show", dir, "--svg", "x.svg", "--color", "size"}, `--color: color "size": must be flag or phase`},
		{[]string{"show", dir, "--svg", "x.svg", "--connection", "2"}, "--connection 2: the run has connections 1 to 1"},
		{[]string{"show", dir, "--svg", "x.svg", "--packets"}, "leave out --packets and --json"},
		{[]string{"export", dir}, "say where to write"},
		{[]string{"export", dir, "-o", "x.txt"}, "must end with .pcapng, .parquet or .csv"},
		{[]string{"export", dir, "-o", "x.csv", "--what", "hosts"}, "must be packets or connections"},
		{[]string{"export", dir, "-o", "x.pcapng", "--what", "connections"}, "a pcapng file has packets"},
		{[]string{"export", dir, "-o", filepath.Join(t.TempDir(), "no", "x.pcapng")}, "no such file or directory"},
	} {
		_, err := command(c.args...)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.args, err, c.want)
			continue
		}
		if exitCode(err, false) != exitRequest {
			t.Errorf("%v: exit code %d", c.args, exitCode(err, false))
		}
	}
}
