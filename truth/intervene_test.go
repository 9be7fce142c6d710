package truth_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"detgen/internal/labtest"
	"detgen/record"
	"detgen/truth"
)

// Each kind of intervention, chosen by number, by connection and by flag, does to the frames of real
// stacks what it says, and only to those.
func TestInterventionsOnRealStacks(t *testing.T) {
	type row = map[string]string
	number := func(r row, column string) int {
		n, _ := strconv.Atoi(r[column])
		return n
	}
	for text, c := range map[string]struct {
		what  func(r row) bool // what shows the intervention
		count int
		check func(r row, first map[string]row) bool // of such a row; first are the connections' first sent frames
	}{
		"drop=frame:7":             {func(r row) bool { return r["fate"] == "lost" }, 1, func(r row, _ map[string]row) bool { return r["src_host"] == "server" }},
		"drop=conn:2/data:3":       {func(r row) bool { return r["fate"] == "lost" }, 1, func(r row, _ map[string]row) bool { return r["connection"] == "2" && r["kind"] == "data" }},
		"drop=data:3/copies:2":     {func(r row) bool { return r["fate"] == "lost" }, 2, func(r row, _ map[string]row) bool { return r["connection"] == "1" && r["kind"] == "data" }},
		"drop=conn:any/fin":        {func(r row) bool { return r["fate"] == "lost" }, 2, func(r row, _ map[string]row) bool { return r["kind"] == "close" }},
		"drop=conn:any/syn-ack":    {func(r row) bool { return r["fate"] == "lost" }, 2, func(r row, _ map[string]row) bool { return r["flags"] == "SA" }},
		"duplicate=offset:5000":    {func(r row) bool { return r["fate"] == "duplicate" }, 1, func(r row, first map[string]row) bool { return holds(r, first, 5000) }},
		"corrupt=data:4":           {func(r row) bool { return r["direction"] == "sent" && r["fate"] == "corrupted" }, 1, func(r row, _ map[string]row) bool { return r["kind"] == "data" && r["connection"] == "1" }},
		"delay(60ms)=offset:20000": {func(r row) bool { return r["direction"] == "sent" && number(r, "delay") > int(55*time.Millisecond) }, 1, func(r row, first map[string]row) bool { return holds(r, first, 20000) && number(r, "overtaken") > 0 }},
		"swap=data:4":              {func(r row) bool { return r["direction"] == "sent" && number(r, "overtaken") > 0 }, 1, func(r row, _ map[string]row) bool { return number(r, "overtaken") == 1 && r["kind"] == "data" }},
	} {
		t.Run(text, func(t *testing.T) {
			run := twoHosts(record.Link{Delay: record.Duration(time.Millisecond)}, trafficCommand()+" fetch server:7000 40000 2\n")
			var err error
			if run.Hosts[0].Interfaces[0].Down.Interventions, err = record.ParseInterventions(text); err != nil {
				t.Fatal(err)
			}
			dir, rec := execute(t, run)
			if err := truth.Label(dir, rec); err != nil {
				t.Fatal(err)
			}
			packets := labtest.Rows(t, filepath.Join(dir, truth.PacketsFile))
			first := map[string]row{} // of the server in each connection: its SYN-ACK
			for _, r := range packets {
				if key := r["connection"]; r["direction"] == "sent" && r["src_host"] == "server" && r["flags"] == "SA" && first[key] == nil {
					first[key] = r
				}
			}
			found := 0
			for _, r := range packets {
				if !c.what(r) {
					continue
				}
				if found++; !c.check(r, first) {
					t.Errorf("%s frame %s: %v", r["capture"], r["number"], r)
				}
			}
			if found != c.count {
				t.Errorf("%d frames, want %d", found, c.count)
			}
		})
	}
}

// holds reports whether a segment of the first connection holds the server's byte at an offset.
func holds(r map[string]string, first map[string]map[string]string, offset uint64) bool {
	if r["connection"] != "1" || first["1"] == nil {
		return false
	}
	base, _ := strconv.ParseUint(first["1"]["seq"], 10, 32)
	seq, _ := strconv.ParseUint(r["seq"], 10, 32)
	payload, _ := strconv.ParseUint(r["payload"], 10, 32)
	start := uint64(uint32(seq) - uint32(base) - 1)
	return start <= offset && offset < start+payload
}
