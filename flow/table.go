package flow

import (
	"cmp"
	"slices"
)

// flowTable finds flows by their keys: open addressing with linear probing over small slots; the flows themselves
// are in chunks that never move.
type flowTable struct {
	slots []slot // a power of two
	used  int
	flows slab[Flow]
	fresh uint32   // index of the first flow that was never used
	free  []uint32 // indices of flows that were given back
}

// slot is 0 when it is free.
type slot struct {
	hash uint32
	flow uint32 // index + 1
}

const (
	chunkSize  = 256
	firstSlots = 1024
)

// slab is a growing array in chunks that never move.
type slab[T any] struct{ chunks []*[chunkSize]T }

// at gives an element that is there.
func (s *slab[T]) at(index uint32) *T { return &s.chunks[index/chunkSize][index%chunkSize] }

// reach makes the elements up to an index be there.
func (s *slab[T]) reach(index uint32) {
	for int(index/chunkSize) >= len(s.chunks) {
		s.chunks = append(s.chunks, new([chunkSize]T))
	}
}

// at gives a flow by its index.
func (t *flowTable) at(index uint32) *Flow { return t.flows.at(index) }

// find gives the index of the flow of a key.
func (t *flowTable) find(k *key, hash uint64) (index uint32, ok bool) {
	if len(t.slots) == 0 {
		return 0, false
	}
	mask := uint32(len(t.slots) - 1)
	for i := uint32(hash) & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.flow == 0 {
			return 0, false
		}
		if s.hash == uint32(hash) && t.at(s.flow-1).key.is(k) {
			return s.flow - 1, true
		}
	}
}

// insert makes room for the flow of a key that is not there. The flow is empty but for its key.
func (t *flowTable) insert(k *key, hash uint64) (index uint32) {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.grow()
	}
	if n := len(t.free); n > 0 {
		index = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		index = t.fresh
		t.fresh++
		t.flows.reach(index)
	}
	*t.at(index) = Flow{key: *k}
	t.put(slot{uint32(hash), index + 1})
	t.used++
	return index
}

func (t *flowTable) put(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].flow != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *flowTable) grow() {
	old := t.slots
	t.slots = make([]slot, max(firstSlots, 2*len(old)))
	for _, s := range old {
		if s.flow != 0 {
			t.put(s)
		}
	}
}

// remove takes the flow with the index, which has this hash, out of the table and gives it back.
func (t *flowTable) remove(index uint32, hash uint32) {
	mask := uint32(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].flow != index+1 {
		i = (i + 1) & mask
	}
	// Move back what was displaced by the removed slot, so that no chain has a gap.
	for j := (i + 1) & mask; t.slots[j].flow != 0; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask {
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
	t.used--
	t.free = append(t.free, index)
}

// all gives the flows that are not dormant in the order of their first packets.
func (t *flowTable) all() []slot {
	return t.ordered(func(f *Flow) bool { return !f.dormant })
}

// ordered gives the slots of the flows that are wanted, in the order of their first packets.
func (t *flowTable) ordered(wanted func(*Flow) bool) []slot {
	type place struct {
		number uint64
		slot   slot
	}
	var places []place
	for _, s := range t.slots {
		if s.flow == 0 {
			continue
		}
		if f := t.at(s.flow - 1); wanted(f) {
			places = append(places, place{f.number, s})
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Compare(a.number, b.number) })
	slots := make([]slot, len(places))
	for i, p := range places {
		slots[i] = p.slot
	}
	return slots
}
