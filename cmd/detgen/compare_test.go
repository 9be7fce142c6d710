package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"detgen/packet"
	"detgen/similarity"
)

// TestCompare compares three captures of which two are the same.
func TestCompare(t *testing.T) {
	dir := t.TempDir()
	one, same, other := filepath.Join(dir, "one.pcap"), filepath.Join(dir, "same.pcap"), filepath.Join(dir, "other.pcap")
	datagrams(t, one, packet.LinkEthernet, 2)
	datagrams(t, same, packet.LinkEthernet, 2)
	datagrams(t, other, packet.LinkEthernet, 5)
	code, out, errs := outcome(t, detgen(t, "compare", "--json", one, same, "--", other))
	if code != exitDone {
		t.Fatalf("exit %d: %s", code, errs)
	}
	var got similarity.Groups
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.WithinA.Pairs != 1 || got.WithinA.Identical != 1 || got.Between.Pairs != 2 || got.Between.Identical != 0 || got.WithinB.Pairs != 0 {
		t.Errorf("pairs: %+v", got)
	}
	for _, m := range similarity.Metrics {
		if d := got.WithinA.Metrics[m.Name]; d.N != 1 || d.Max != 0 {
			t.Errorf("%s of equal captures: %+v, want 0", m.Name, d)
		}
	}
	if d := got.Between.Metrics["edit"].Mean; d != 0.5 { // 3 datagrams and 6
		t.Errorf("edit distance %g, want 0.5", d)
	}
	if got.AUC["connection"] != 1 {
		t.Errorf("area under the ROC curve %g, want 1", got.AUC["connection"])
	}
	code, out, errs = outcome(t, detgen(t, "compare", one, same, "--", other))
	if code != exitDone || !strings.Contains(out, "1 of 1") || !strings.Contains(out, "--reference") {
		t.Errorf("exit %d, table:\n%s%s", code, out, errs)
	}
}

// TestCompareRequest: what makes no sense is refused before anything is read.
func TestCompareRequest(t *testing.T) {
	dir := t.TempDir()
	one := filepath.Join(dir, "one.pcap")
	datagrams(t, one, packet.LinkEthernet, 3)
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{one}, "two or more"},
		{[]string{"--", one, one}, "two or more"},
		{[]string{one, filepath.Join(dir, "none")}, "none"},
		{[]string{one, one, "--host", "client"}, "only run directories have hosts"},
		{[]string{one, one, "--scale", "z"}, "--scale"},
		{[]string{one, one, "--packets", "1"}, "2 or more"},
	} {
		code, _, errs := outcome(t, detgen(t, append([]string{"compare"}, c.args...)...))
		if code != exitRequest || !strings.Contains(errs, c.want) {
			t.Errorf("compare %q: exit %d, %q; want %d and %q", c.args, code, errs, exitRequest, c.want)
		}
	}
}
