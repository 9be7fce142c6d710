package similarity

// service is what connections are paired within.
type service struct {
	protocol uint8
	port     uint16 // 0 for all that are no system ports
}

// systemPorts is where they end (RFC 6335, section 6).
const systemPorts = 1024

// services parts the connections of a sample by service, in the order of their starts.
func (s *Sample) services() map[service][][]float64 {
	parts := map[service][][]float64{}
	for i := range s.Connections {
		c := &s.Connections[i]
		to := service{protocol: c.Protocol}
		if port := c.To.Port(); port < systemPorts {
			to.port = port
		}
		parts[to] = append(parts[to], c.Statistics[:])
	}
	return parts
}

// connections gives the mean distance of the connections of two samples, paired; those without a counterpart count 1. Two
// samples without connections have distance 0.
func (s *scaler) connections(a, b *Sample, pairing Pairing) float64 {
	sum, n := 0.0, 0
	add := func(x, y [][]float64) {
		n += max(len(x), len(y))
		for i := range x {
			x[i] = s.apply(x[i])
		}
		for i := range y {
			y[i] = s.apply(y[i])
		}
		if pairing == InOrder {
			for i := range min(len(x), len(y)) {
				sum += cosine(x[i], y[i])
			}
			sum += float64(max(len(x), len(y)) - min(len(x), len(y)))
			return
		}
		sum += align(x, y)
	}
	of := b.services()
	for to, list := range a.services() {
		add(list, of[to])
		delete(of, to)
	}
	for _, list := range of {
		add(nil, list)
	}
	if n == 0 {
		return 0
	}
	return sum / float64(n)
}

// align pairs vectors in order so that the sum of their distances, and of 1 for each that is left over, is smallest, and
// gives that sum. As no distance is more than 1, only the longer side has some left over.
func align(x, y [][]float64) float64 {
	if len(x) > len(y) {
		x, y = y, x
	}
	spare := len(y) - len(x)
	// best[k] is the smallest sum for the vectors of x so far, with k of y left over so far.
	best := make([]float64, spare+1)
	for k := range best {
		best[k] = float64(k)
	}
	for i := range x {
		for k := range best {
			best[k] += cosine(x[i], y[i+k])
			if k > 0 {
				best[k] = min(best[k], best[k-1]+1)
			}
		}
	}
	return best[spare]
}
