package similarity

import (
	"math"
	"time"

	"detgen/packet"
)

// The attributes of a packet whose transitions are counted, each with its own matrix: the paper says "a Markovian probability matrix
// for packet flags, IATs, sizes, and direction", which can be one matrix of all combinations too; but that one would be
// all but empty for sequences of 15 packets. The classes are this package's, as the paper does not give any.
const (
	attributeFlags     = iota // 8 classes: see flagClass
	attributeSize             // 6 classes of payload: see sizeBounds
	attributeGap              // 6 classes: see gapBounds
	attributeDirection        // 2 classes
	attributes                // their number
)

// most is the largest number of classes.
const most = 8

var classes = [attributes]int{8, 6, 6, 2}

// sizeBounds are where the classes of payload end, bytes: none, then small requests up to full segments.
var sizeBounds = [...]int{1, 64, 256, 576, 1200}

// gapBounds are where the classes of gaps end.
var gapBounds = [...]time.Duration{100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second}

// flagClass gives the class of a packet's TCP flags.
func flagClass(p *Packet) int {
	if p.Protocol != packet.ProtocolTCP {
		return 7
	}
	const seen = packet.SYN | packet.ACK | packet.PSH | packet.FIN | packet.RST
	switch f := p.Flags & seen; {
	case f&packet.RST != 0:
		return 6
	case f == packet.SYN:
		return 0
	case f == packet.SYN|packet.ACK:
		return 1
	case f == packet.ACK:
		return 2
	case f == packet.PSH|packet.ACK:
		return 3
	case f == packet.FIN|packet.ACK:
		return 4
	case f == packet.FIN|packet.PSH|packet.ACK:
		return 5
	}
	return 7
}

// state gives the classes of a packet.
func state(p *Packet) (s [attributes]int) {
	s[attributeFlags] = flagClass(p)
	for s[attributeSize] < len(sizeBounds) && p.Payload >= sizeBounds[s[attributeSize]] {
		s[attributeSize]++
	}
	for s[attributeGap] < len(gapBounds) && p.Gap >= gapBounds[s[attributeGap]] {
		s[attributeGap]++
	}
	if p.Up {
		s[attributeDirection] = 1
	}
	return s
}

// chain counts transitions between the classes of successive packets. The last row is that of the start.
type chain struct {
	counts [attributes][most + 1][most]float64
	n      float64 // packets
}

// newChain counts the transitions of the first packets of each connection that has at least 2.
func newChain(s *Sample, packets int) (c chain) {
	for i := range s.Connections {
		list := s.Connections[i].Packets
		if len(list) < 2 {
			continue
		}
		before := [attributes]int{most, most, most, most}
		for _, p := range list[:min(len(list), packets)] {
			now := state(&s.Packets[p])
			for k := range now {
				c.counts[k][before[k]][now[k]]++
			}
			before = now
			c.n++
		}
	}
	return c
}

// add adds the counts of another chain.
func (c *chain) add(o *chain) {
	c.n += o.n
	for k := range c.counts {
		for i := range c.counts[k] {
			for j := range c.counts[k][i] {
				c.counts[k][i][j] += o.counts[k][i][j]
			}
		}
	}
}

// matrix is the logarithms of transition probabilities.
type matrix [attributes][most + 1][most]float64

// fit gives the matrix of the counts, with smoothing added to each.
func (c *chain) fit(smoothing float64) (m matrix) {
	for k := range c.counts {
		for i := range c.counts[k] {
			row := c.counts[k][i][:classes[k]]
			total := smoothing * float64(len(row))
			for _, x := range row {
				total += x
			}
			for j, x := range row {
				m[k][i][j] = math.Log((x + smoothing) / total)
			}
		}
	}
	return m
}

// likelihood is the average logarithm of a packet's likelihood, over packets and attributes.
func (c *chain) likelihood(m *matrix) float64 {
	sum := 0.0
	for k := range c.counts {
		for i := range c.counts[k] {
			for j, x := range c.counts[k][i][:classes[k]] {
				sum += x * m[k][i][j]
			}
		}
	}
	return sum / (c.n * attributes)
}

// sequences gives the distance of the packet sequences of two samples, in [0, 1). With a matrix for each sample it
// is by what share the average packet becomes less likely under the other sample's matrix than under its own sample's: 1 - exp(-d),
// where d is the average over both samples of the difference of the average log-likelihoods. With the group's matrix d is the difference of
// the samples' average log-likelihoods. Two samples without sequences have distance 0, one without and one with 1.
func sequences(a, b *Sample, group *matrix, o Options) float64 {
	switch {
	case a.chain.n == 0 && b.chain.n == 0:
		return 0
	case a.chain.n == 0 || b.chain.n == 0:
		return 1
	}
	if o.Fit == Group {
		return 1 - math.Exp(-math.Abs(a.chain.likelihood(group)-b.chain.likelihood(group)))
	}
	mA, mB := a.chain.fit(o.Smoothing), b.chain.fit(o.Smoothing)
	d := 0.0
	for k := range mA {
		for i := range mA[k] {
			for j := range classes[k] {
				d += (a.chain.counts[k][i][j]/a.chain.n - b.chain.counts[k][i][j]/b.chain.n) * (mA[k][i][j] - mB[k][i][j])
			}
		}
	}
	// Smoothing can make it negative by a little, where the lengths of sequences differ.
	return 1 - math.Exp(-max(d, 0)/(2*attributes))
}
