package coverage

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"detgen/dataset/flowset"
)

func read(t *testing.T, name, text string) *flowset.Set {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := flowset.Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOf: dissection counts before the port, the source port last; attacks are left out when asked.
func TestOf(t *testing.T) {
	set := read(t, "conn.log", "#fields\tid.orig_p\tid.resp_p\tproto\tservice\torig_pkts\tresp_pkts\tlabel\n"+
		"40000\t80\ttcp\thttp\t5\t5\tbenign\n"+ // dissected
		"40001\t22\ttcp\thttp\t1\t1\tbenign\n"+ // dissected, against the port
		"40002\t22\ttcp\t-\t1\t1\tbenign\n"+ // by port
		"53\t40003\tudp\t-\t1\t1\tbenign\n"+ // by source port
		"40004\t3389\ttcp\t-\t1\t1\tbenign\n"+ // known, and no scenario makes it
		"40005\t40006\ttcp\t-\t1\t1\tbenign\n"+ // unknown
		"40007\t80\ttcp\t-\t9\t9\tDoS\n") // an attack
	r := Of(set, true)
	if r.Flows != 6 || r.Covered != 4 {
		t.Errorf("%d flows, %d covered; want 6, 4", r.Flows, r.Covered)
	}
	want := map[string]Share{"http": {Flows: 2, Packets: 12, Dissected: 2}, "ssh": {Flows: 1, Packets: 2}, "dns": {Flows: 1, Packets: 2}, "rdp": {Flows: 1, Packets: 2}, "": {Flows: 1, Packets: 2}}
	for _, s := range r.Shares {
		w := want[s.Service]
		if s.Flows != w.Flows || s.Packets != w.Packets || s.Dissected != w.Dissected {
			t.Errorf("%q: %+v, want %+v", s.Service, s, w)
		}
	}
	if all := Of(set, false); all.Flows != 7 {
		t.Errorf("with attacks: %d flows", all.Flows)
	}
}
