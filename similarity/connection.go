package similarity

// service is what connections are paired within.
type service struct {
	protocol uint8
	port     uint16 // 0 for all that are no system ports
}

// systemPorts is where they end (RFC 6335, section 6).
const systemPorts = 1024

func (p Pairing) service(c *Connection) service {
	if p == ByOrder {
		return service{}
	}
	s := service{protocol: c.Protocol}
	if port := c.To.Port(); port < systemPorts {
		s.port = port
	}
	return s
}

// connections gives the mean distance of the connections of two samples, paired; those without a counterpart count 1. Two
// samples without connections have distance 0.
func (s *scaler) connections(a, b *Sample, pairing Pairing) float64 {
	of := map[service][]*Connection{}
	for i := range b.Connections {
		c := &b.Connections[i]
		of[pairing.service(c)] = append(of[pairing.service(c)], c)
	}
	sum, n := 0.0, len(b.Connections)
	paired := 0
	for i := range a.Connections {
		c := &a.Connections[i]
		rest := of[pairing.service(c)]
		if len(rest) == 0 {
			sum++
			n++
			continue
		}
		sum += s.distance(c.Statistics[:], rest[0].Statistics[:])
		of[pairing.service(c)] = rest[1:]
		paired++
	}
	if n == 0 {
		return 0
	}
	return (sum + float64(len(b.Connections)-paired)) / float64(n)
}
