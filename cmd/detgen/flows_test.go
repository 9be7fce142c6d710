package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"detgen/packet"
)

// datagrams writes a pcap file of UDP datagrams, one a second, from ports 1, 2, ... and from the last of them again.
func datagrams(t *testing.T, path string, link packet.LinkType, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := packet.NewPcapWriter(&out, link)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n + 1 {
		b := make([]byte, 14+20+8+18)
		binary.BigEndian.PutUint16(b[12:], packet.EtherTypeIPv4)
		b[14], b[16+1], b[14+8], b[14+9] = 0x45, 46, 64, packet.ProtocolUDP
		copy(b[26:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
		binary.BigEndian.PutUint16(b[34:], uint16(min(i+1, n)))
		binary.BigEndian.PutUint16(b[36:], 53)
		binary.BigEndian.PutUint16(b[38:], 26)
		if err := w.Write(&packet.Frame{Time: int64(i) * 1e9, Data: b, WireLen: len(b)}); err != nil {
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

func TestFlows(t *testing.T) {
	a := makeArguments(t, datagrams)
	dir, one, cut, other, empty, run, noRun := a.dir, a.one, a.cut, a.other, a.empty, a.run, a.noRun
	row := func(capture, port string) string { return capture + ",10.0.0.1-10.0.0.2-" + port + "-53-17," }
	for _, c := range []tableCase{
		{"a capture", []string{one}, []string{row(one, "1"), row(one, "2"), row(one, "3")}, "", false},
		{"a run and a capture", []string{run, one}, []string{row(run+"/captures/client.pcap", "1"), row(run+"/captures/server.pcap", "1"), row(run+"/captures/server.pcap", "2"),
			row(one, "1"), row(one, "2"), row(one, "3")}, "", false},
		{"a mode that has no flows of one packet", []string{one, "--mode", "cic2021"}, []string{row(one, "3")[len(one)+1:]}, "", false},
		{"the columns of CICIDS-17 files", []string{one, "--mode", "cic2017", "--columns", "ml"}, []string{"53,1000000,2,0,36.0,"}, "", false},
		{"timeouts", []string{one, "--flow-timeout", "900ms"}, []string{row(one, "3"), row(one, "1"), row(one, "2"), row(one, "3")}, "", false},
		{"a cut capture, then another", []string{cut, run + "/captures/client.pcap"}, []string{row(cut, "1"), row(cut, "2"), row(cut, "3"), row(run+"/captures/client.pcap", "1")},
			cut + ": damaged at byte 252, after frame 3: the file ends within a frame: 50 of 60 bytes are there", false},
		{"unknown link type", []string{other, one}, []string{row(one, "1"), row(one, "2"), row(one, "3")}, other + " and 1 more: link type 195: the headers of 3 frames cannot be read", false},
		{"no argument", nil, nil, "flows: name a capture or a run directory", true},
		{"not there", []string{dir + "/nothing"}, nil, "stat " + dir + "/nothing: no such file or directory", true},
		{"empty", []string{one, empty}, nil, empty + ": not a capture: empty", true},
		{"not a capture", []string{run + "/run.json"}, nil, run + "/run.json: not a capture: it starts with 7b 0a 20 20, which is neither pcap nor pcapng (nor gzip or zstd)", true},
		{"no run directory", []string{noRun}, nil, noRun + " is not a run directory: it has no run.json", true},
		{"format", []string{one, "--format", "xls"}, nil, `format "xls": there are csv and parquet`, true},
		{"mode", []string{one, "--mode", "cic2018"}, nil, `--mode: mode "cic2018": there are default, cic2017, cic2021, cic-fixed, cns2022`, true},
		{"columns", []string{one, "--columns", "all"}, nil, `--columns: columns "all": there are tool, cicids2017, ml`, true},
		{"a timeout that the mode does not have", []string{one, "--mode", "cic2017", "--idle-timeout", "1s"}, nil, "--idle-timeout: only mode default has it, not cic2017", true},
		{"a timeout that makes no sense", []string{one, "--flow-timeout", "-1s"}, nil, "flow timeout -1s: must not be negative", true},
		{"jobs", []string{one, "--jobs", "0"}, nil, "--jobs 0: must be at least 1", true},
		{"padding", []string{one, "--count-padding"}, nil, "counting padding: only mode cic2017 has it", true},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, "flows") })
	}
}

// TestFlowsJobs writes the same table with every number of jobs.
func TestFlowsJobs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.pcap")
	datagrams(t, path, packet.LinkEthernet, 5000)
	one, err := tableOf(t, "flows", path, "--jobs", "1")
	if err != nil || len(one) != 5001 {
		t.Fatalf("%d lines, %v", len(one), err)
	}
	if three, err := tableOf(t, "flows", path, "--jobs", "3"); err != nil || !slices.Equal(one, three) {
		t.Errorf("3 jobs write another table, or %v", err)
	}
}
