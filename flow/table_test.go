package flow

import (
	"math/rand/v2"
	"testing"
)

// TestTable compares the table with a map over a long row of insertions, look-ups and removals, with hashes that
// collide often.
func TestTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var table flowTable
	known := map[key]uint64{} // to the number of the flow
	hash := func(k key) uint64 { return uint64(k.aPort%97)<<40 | uint64(k.aPort%331) }
	for step := range uint64(30_000) {
		k := key{version: 4, protocol: 17, aPort: uint16(random.IntN(3000))}
		index, ok := table.find(&k, hash(k))
		number, want := known[k]
		if ok != want || ok && table.at(index).number != number {
			t.Fatalf("step %d: found %v, want %v", step, ok, want)
		}
		switch {
		case !ok:
			index = table.insert(&k, hash(k))
			if f := table.at(index); *f != (Flow{key: k}) {
				t.Fatalf("step %d: a new flow is not empty", step)
			}
			table.at(index).number = step + 1
			known[k] = step + 1
		case random.IntN(2) == 0 || len(known) > 1500:
			table.remove(index, uint32(hash(k)))
			delete(known, k)
		}
		if table.used != len(known) {
			t.Fatalf("step %d: %d flows, want %d", step, table.used, len(known))
		}
	}
	all := table.all()
	if len(all) != len(known) {
		t.Fatalf("%d flows, want %d", len(all), len(known))
	}
	var last uint64
	for _, s := range all {
		f := table.at(s.flow - 1)
		if f.number <= last || known[f.key] != f.number {
			t.Fatalf("flow %d after %d", f.number, last)
		}
		last = f.number
	}
	if reached := len(table.flows.chunks) * chunkSize; reached > 3000+chunkSize {
		t.Errorf("room for %d flows, of which never more than 3000 were open", reached)
	}
}

// TestSegments compares the set of segments with a map.
func TestSegments(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	var set segments
	known := map[segment]bool{}
	for range 20_000 {
		g := segment{random.Uint32N(50), random.Uint32N(5), random.Int32N(6), random.Int32N(4), random.IntN(2) == 0}
		if again := set.add(g); again != known[g] {
			t.Fatalf("%+v: %v, want %v", g, again, known[g])
		}
		known[g] = true
	}
	if set.used != len(known) {
		t.Errorf("%d segments, want %d", set.used, len(known))
	}
}
