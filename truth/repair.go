package truth

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"

	"detgen/packet"
)

// maxFlips is how many flipped bits a frame is believed to have: one on the sender's link and one
// on the receiver's.
const maxFlips = 2

// maxCandidates bounds how many contents with the same part a damaged frame is compared with: those
// that were sent nearest to when it should have been.
const maxCandidates = 128

// repair finds what damaged frames were when they were sent: the content of the same length
// that differs in the fewest bits, at most maxFlips; among equals one that has not arrived
// yet. Their receptions are taken or added to open.
func (s *segment) repair(damaged []reception, open map[place][]reception) error {
	if len(damaged) == 0 {
		return nil
	}
	candidates := s.candidates(damaged)
	wanted := map[int][]int{} // frames whose bytes are needed, by capture
	for i, r := range damaged {
		if len(candidates[i]) == 0 {
			continue
		}
		wanted[r.ref.Capture()] = append(wanted[r.ref.Capture()], r.ref.Index())
		for _, k := range candidates[i] {
			ref := s.sends[s.contents[k].first].ref
			wanted[ref.Capture()] = append(wanted[ref.Capture()], ref.Index())
		}
	}
	data, err := s.t.bytes(wanted)
	if err != nil {
		return err
	}
	for i, r := range damaged {
		best, bestBits := int32(-1), []int32(nil)
		for _, k := range candidates[i] {
			bits, ok := flipped(data[s.sends[s.contents[k].first].ref], data[r.ref], maxFlips)
			if !ok || best >= 0 && len(bits) > len(bestBits) {
				continue
			}
			if best < 0 || len(bits) < len(bestBits) || s.arrived(best, r.ref.Capture(), open) {
				best, bestBits = k, bits
			}
		}
		if best >= 0 {
			s.pairs.damage[r.ref] = bestBits
			s.take(best, r, open)
		}
	}
	return nil
}

// candidates gives for each damaged frame the contents that it may have been: of the same length,
// with a part of the fingerprint in common, by another host, and sent before it and not longer
// before than frames take.
func (s *segment) candidates(damaged []reception) [][]int32 {
	type part struct {
		index int
		value uint64
	}
	wanted := make(map[part][]int, 3*len(damaged)) // indexes into damaged
	for i, r := range damaged {
		for n, v := range s.t.Captures[r.ref.Capture()].prints[r.ref.Index()] {
			wanted[part{n, v}] = append(wanted[part{n, v}], i)
		}
	}
	// In the order in which each host sent them.
	found := map[part][]int32{}
	for k := range s.contents {
		for n, v := range s.contents[k].print {
			if at := (part{n, v}); wanted[at] != nil {
				found[at] = append(found[at], int32(k))
			}
		}
	}
	list := make([][]int32, len(damaged))
	for i, r := range damaged {
		for n, v := range s.t.Captures[r.ref.Capture()].prints[r.ref.Index()] {
			list[i] = s.choose(list[i], r, found[part{n, v}])
		}
	}
	return list
}

// choose adds those of the contents with a part in common that a damaged frame may have been.
func (s *segment) choose(list []int32, r reception, same []int32) []int32 {
	length := s.t.Captures[r.ref.Capture()].Frames[r.ref.Index()].Length
	for len(same) > 0 {
		from := s.sender(same[0])
		end := sort.Search(len(same), func(n int) bool { return s.sender(same[n]) > from })
		some := same[:end]
		same = same[end:]
		if from == r.ref.Capture() {
			continue
		}
		if len(some) > maxCandidates {
			at := r.time - s.history(path{from, r.ref.Capture()}).typical
			middle := sort.Search(len(some), func(n int) bool { return s.sends[s.contents[some[n]].first].time >= at })
			first := min(max(0, middle-maxCandidates/2), len(some)-maxCandidates)
			some = some[first : first+maxCandidates]
		}
		for _, k := range some {
			if s.contents[k].length == length && !slices.Contains(list, k) && s.underway(k, r) {
				list = append(list, k)
			}
		}
	}
	return list
}

// sender is the capture of the host that sent a content.
func (s *segment) sender(k int32) int { return s.sends[s.contents[k].first].ref.Capture() }

// underway reports whether a send of the content may have been on its way to a host at the time of
// a reception.
func (s *segment) underway(k int32, r reception) bool {
	c := &s.contents[k]
	longest := s.history(path{s.sender(k), r.ref.Capture()}).longest
	for i := c.first; i >= 0 && s.sends[i].time <= r.time; i = s.sends[i].next {
		if r.time-s.sends[i].time <= longest {
			return true
		}
	}
	return false
}

// arrived reports whether all sends of a content have been received at a host.
func (s *segment) arrived(k int32, capture int, open map[place][]reception) bool {
	if c := &s.contents[k]; c.count > 1 {
		return len(open[place{k, capture}]) >= int(c.count)
	}
	return slices.Contains(s.pairs.sent[capture], s.sends[s.contents[k].first].ref)
}

// bytes reads frames again, which are given by capture and index.
func (t *Truth) bytes(wanted map[int][]int) (map[Ref][]byte, error) {
	data := map[Ref][]byte{}
	for capture, list := range wanted {
		slices.Sort(list)
		list = slices.Compact(list)
		c := t.Captures[capture]
		if err := c.reread(t.dir, list, func(index int, frame []byte) { data[NewRef(capture, index)] = slices.Clone(frame) }); err != nil {
			return nil, fmt.Errorf("capture %s: %w", c.File, err)
		}
	}
	return data, nil
}

// reread calls use for each frame in an ascending list of indexes.
func (c *Capture) reread(dir string, list []int, use func(index int, frame []byte)) error {
	in, _, err := c.open(dir)
	if err != nil {
		return err
	}
	defer in.Close()
	var f packet.Frame
	for i := 0; len(list) > 0; i++ {
		if err := in.Next(&f); errors.Is(err, io.EOF) {
			return fmt.Errorf("it became shorter while it was read")
		} else if err != nil {
			return err
		}
		if i == list[0] {
			use(i, f.Data)
			list = list[1:]
		}
	}
	return nil
}
