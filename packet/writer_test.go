package packet

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var written = []Frame{
	{Time: 1_700_000_000_123_456_789, Data: []byte("abcde"), WireLen: 9},
	{Time: 4_000_000_000_000_000_000, Data: []byte{}, WireLen: 0},
	{Time: 0, Data: []byte("abcd"), WireLen: 4},
}

func TestWritePcap(t *testing.T) {
	var out bytes.Buffer
	w, err := NewPcapWriter(&out, LinkRaw)
	if err != nil {
		t.Fatal(err)
	}
	for i := range written {
		if err := w.Write(&written[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	lines, _, err := read(&out)
	want := []string{
		"1: 1700000000123456789 ns, 6162636465 of 9, raw, interface 0",
		"2: 4000000000000000000 ns,  of 0, raw, interface 0",
		"3: 0 ns, 61626364 of 4, raw, interface 0",
	}
	if err != io.EOF || !slices.Equal(lines, want) {
		t.Errorf("read back %v\n%s", err, strings.Join(lines, "\n"))
	}
	for _, bad := range []Frame{{Time: -1}, {Time: 5_000_000_000_000_000_000}, {Data: make([]byte, maxCaptured+1)}} {
		if err := w.Write(&bad); err == nil {
			t.Errorf("wrote a frame of %d bytes at %d", len(bad.Data), bad.Time)
		}
	}
}

// writePcapng writes frames of two interfaces, the first with comments.
func writePcapng(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := NewPcapngWriter(&out, "detgen test")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []Interface{{Name: "client", LinkType: LinkEthernet}, {Name: "server", LinkType: LinkRaw, SnapLen: 1000}} {
		if _, err := w.AddInterface(i); err != nil {
			t.Fatal(err)
		}
	}
	for i, f := range written {
		f.Interface = i % 2
		comments := []string{"phase=login", "fate=lost ü"}[:2-i]
		if err := w.Write(&f, comments...); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Write(&Frame{Interface: 2}); err == nil {
		t.Error("wrote a frame of an interface that was not added")
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWritePcapng(t *testing.T) {
	lines, _, err := read(bytes.NewReader(writePcapng(t)))
	want := []string{
		"1: 1700000000123456789 ns, 6162636465 of 9, ethernet, interface 0, phase=login, fate=lost ü",
		"2: 4000000000000000000 ns,  of 0, raw, interface 1, phase=login",
		"3: 0 ns, 61626364 of 4, ethernet, interface 0",
	}
	if err != io.EOF || !slices.Equal(lines, want) {
		t.Errorf("read back %v\n%s", err, strings.Join(lines, "\n"))
	}
}

func TestWiresharkReadsPcapng(t *testing.T) {
	if testing.Short() {
		t.Skip("runs tshark")
	}
	path := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(path, writePcapng(t), 0o666); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range tshark(t, path, "frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "frame.comment") {
		got = append(got, strings.Join(row, "|"))
	}
	want := []string{"1700000000.123456789|9|5|client|phase=login,fate=lost ü", "4000000000.000000000|0|0|server|phase=login", "0.000000000|4|4|client|"}
	if !slices.Equal(got, want) {
		t.Errorf("tshark reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
