package similarity

import (
	"net/netip"
	"time"
)

// windowNumbers is how many numbers describe a window of connections: their number; mean, maximum and minimum of their durations
// (s) and of their sizes (bytes of IP datagrams, both ways); how many different destination addresses, destination
// ports, source ports, and pairs of destination address and port there are. These are the paper's words, which it takes from
// Yen et al., DIMVA 2009.
const windowNumbers = 11

// window is the connections that one host opened in one span of time.
type window struct {
	host   int // by the order in which hosts opened their first connections: addresses differ from run to run
	number int // of the span
	vector [windowNumbers]float64
}

// makeWindows describes the windows of a sample that are not empty.
func (s *Sample) makeWindows(length time.Duration) []window {
	hosts := map[netip.Addr]int{}
	places := map[[2]int]int{}
	var windows []window
	var members [][]*Connection
	for i := range s.Connections {
		c := &s.Connections[i]
		host, ok := hosts[c.From.Addr()]
		if !ok {
			host = len(hosts)
			hosts[c.From.Addr()] = host
		}
		number := 0
		if length > 0 {
			number = int(c.Start / length)
		}
		place, ok := places[[2]int{host, number}]
		if !ok {
			place = len(windows)
			places[[2]int{host, number}] = place
			windows = append(windows, window{host: host, number: number})
			members = append(members, nil)
		}
		members[place] = append(members[place], c)
	}
	for i := range windows {
		windows[i].describe(members[i])
	}
	return windows
}

func (w *window) describe(connections []*Connection) {
	var duration, size spread
	addresses, ports, sources, endpoints := map[netip.Addr]bool{}, map[uint16]bool{}, map[uint16]bool{}, map[netip.AddrPort]bool{}
	for _, c := range connections {
		duration.add(c.Duration.Seconds())
		size.add(float64(c.Bytes))
		addresses[c.To.Addr()], ports[c.To.Port()], sources[c.From.Port()], endpoints[c.To] = true, true, true, true
	}
	w.vector = [windowNumbers]float64{
		float64(len(connections)),
		duration.mean(), duration.max, duration.min,
		size.mean(), size.max, size.min,
		float64(len(addresses)), float64(len(ports)), float64(len(sources)), float64(len(endpoints)),
	}
}

// spread is the mean, maximum and minimum of numbers.
type spread struct {
	n             int
	sum, max, min float64
}

func (s *spread) add(x float64) {
	if s.n == 0 {
		s.max, s.min = x, x
	}
	s.n++
	s.sum += x
	s.max, s.min = max(s.max, x), min(s.min, x)
}

func (s *spread) mean() float64 { return s.sum / float64(s.n) }

// windows gives the mean distance of the windows of two samples, the same host and span with each other; those without a
// counterpart count 1. Two samples without windows have distance 0.
func (s *scaler) windows(a, b *Sample) float64 {
	of := map[[2]int]*window{}
	for i := range b.windows {
		w := &b.windows[i]
		of[[2]int{w.host, w.number}] = w
	}
	sum, n := 0.0, 0
	for i := range a.windows {
		w := &a.windows[i]
		key := [2]int{w.host, w.number}
		n++
		if other := of[key]; other == nil {
			sum++
		} else {
			sum += s.distance(w.vector[:], other.vector[:])
			delete(of, key)
		}
	}
	n += len(of)
	if n == 0 {
		return 0
	}
	return (sum + float64(len(of))) / float64(n)
}
