package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"detgen/packet"
	"detgen/record"
	"detgen/runner"
)

// capture writes a pcap file of n frames and returns its content.
func capture(t *testing.T, path string, link packet.LinkType, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := packet.NewPcapWriter(&out, link)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		data := make([]byte, 60)
		binary.BigEndian.PutUint16(data[12:], packet.EtherTypeARP)
		if err := w.Write(&packet.Frame{Time: int64(i), Data: data, WireLen: len(data)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// failedRun makes a run directory, which has no labels, of a client and a server whose captures write writes.
func failedRun(t *testing.T, dir string, write func(host, path string)) {
	t.Helper()
	staging, err := record.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(staging.Dir(), "captures"), 0o777); err != nil {
		t.Fatal(err)
	}
	r := &record.Record{Result: record.Result{Status: record.Failed}}
	r.Run.Activities = []record.Activity{{Name: "main", Scripts: []record.Script{{Host: "client"}}}}
	for i, host := range []string{"client", "server"} {
		r.Run.Hosts = append(r.Run.Hosts, record.Host{Name: host, Digest: "sha256:" + strings.Repeat("0", 64), Interfaces: []record.Interface{
			{Name: "eth0", MAC: "02:00:00:00:00:0" + strconv.Itoa(i+1)},
		}})
		file := "captures/" + host + ".pcap"
		write(host, filepath.Join(staging.Dir(), file))
		r.Result.Captures = append(r.Result.Captures, record.Capture{Host: host, Interface: "eth0", File: file})
	}
	if err := staging.Commit(r); err != nil {
		t.Fatal(err)
	}
}

// tableOf runs a command and returns the lines of the table that it wrote, nil when there is none.
func tableOf(t *testing.T, command string, args ...string) ([]string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out.csv")
	root := newRoot()
	root.SetArgs(append([]string{command, "-o", out}, args...))
	err := root.Execute()
	text, readErr := os.ReadFile(out)
	if readErr != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), err
}

// tableArguments are what a command is given that writes a table of captures: files, and two run directories.
type tableArguments struct{ dir, one, cut, other, empty, run, noRun string }

// makeArguments makes them of captures that write writes: one with 3 frames, the same without its end, one of a link whose
// headers cannot be read, an empty file, and a run whose client has a frame and whose server two.
func makeArguments(t *testing.T, write func(t *testing.T, path string, link packet.LinkType, n int) []byte) tableArguments {
	t.Helper()
	dir := t.TempDir()
	a := tableArguments{dir, dir + "/one.pcap", dir + "/cut.pcap", dir + "/other.pcap", dir + "/empty.pcap", dir + "/run", t.TempDir()}
	content := write(t, a.one, packet.LinkEthernet, 3)
	failedRun(t, a.run, func(host, path string) {
		write(t, path, packet.LinkEthernet, map[string]int{"client": 1, "server": 2}[host])
	})
	write(t, a.other, 195, 2)
	err := errors.Join(os.WriteFile(a.cut, content[:len(content)-10], 0o666), os.WriteFile(a.empty, nil, 0o666))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tableCase is what a command comes to with some arguments.
type tableCase struct {
	name    string
	args    []string
	rows    []string // starts of the rows; nil when nothing is written
	want    string   // the error, "" for none
	request bool     // it is one in the request
}

func (c *tableCase) test(t *testing.T, command string) {
	lines, err := tableOf(t, command, c.args...)
	var request runner.RequestError
	switch {
	case err == nil && c.want != "":
		t.Errorf("no error, want %s", c.want)
	case err != nil && (err.Error() != c.want || errors.As(err, &request) != c.request):
		t.Errorf("%v (an error in the request: %v)\nwant %s (%v)", err, errors.As(err, &request), c.want, c.request)
	}
	if c.rows == nil {
		if lines != nil {
			t.Errorf("a table was written: %v", lines)
		}
		return
	}
	if len(lines) != len(c.rows)+1 {
		t.Fatalf("%d lines, want %d", len(lines), len(c.rows)+1)
	}
	for i, start := range c.rows {
		if !strings.HasPrefix(lines[i+1], start) {
			t.Errorf("row %d is %s, want %s...", i+1, lines[i+1], start)
		}
	}
}

func TestPackets(t *testing.T) {
	a := makeArguments(t, capture)
	dir, one, cut, other, empty, run, noRun := a.dir, a.one, a.cut, a.other, a.empty, a.run, a.noRun
	for _, c := range []tableCase{
		{"a capture", []string{one}, []string{one + ",1,", one + ",2,", one + ",3,"}, "", false},
		{"a run and a capture", []string{run, one}, []string{run + "/captures/client.pcap,1,", run + "/captures/server.pcap,1,", run + "/captures/server.pcap,2,",
			one + ",1,", one + ",2,", one + ",3,"}, "", false},
		{"a cut capture, then another", []string{cut, run + "/captures/client.pcap"}, []string{cut + ",1,", cut + ",2,", run + "/captures/client.pcap,1,"},
			cut + ": damaged at byte 176, after frame 2: the file ends within a frame: 50 of 60 bytes are there", false},
		{"unknown link type", []string{other}, []string{other + ",1,", other + ",2,"}, other + ": link type 195: the headers of 2 frames cannot be read", false},
		{"no argument", nil, nil, "packets: name a capture or a run directory", true},
		{"not there", []string{dir + "/nothing"}, nil, "stat " + dir + "/nothing: no such file or directory", true},
		{"empty", []string{one, empty}, nil, empty + ": not a capture: empty", true},
		{"not a capture", []string{run + "/run.json"}, nil, run + "/run.json: not a capture: it starts with 7b 0a 20 20, which is neither pcap nor pcapng (nor gzip or zstd)", true},
		{"no run directory", []string{noRun}, nil, noRun + " is not a run directory: it has no run.json", true},
		{"format", []string{one, "--format", "xls"}, nil, `format "xls": there are csv and parquet`, true},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, "packets") })
	}
}
