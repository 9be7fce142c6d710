package flowset

import "detgen/dataset/service"

// ServiceOf gives the service of a flow, nil when it is not known, and whether it comes from dissection: what Zeek or
// the payload says. Without that, the destination port says it, else the source port: a capture may have begun in the
// middle of a connection. A table without protocols is looked up in the ports of TCP, then of UDP.
func (s *Set) ServiceOf(i int) (found *service.Service, dissected bool) {
	if s.Service != nil && s.Service[i] != "" {
		if found := service.Named(s.Service[i]); found != nil {
			return found, true
		}
	}
	protocols := []uint8{6, 17}
	if s.Protocol != nil {
		protocols = []uint8{s.Protocol[i]}
	}
	for _, ports := range [][]uint16{s.DestinationPort, s.SourcePort} {
		if ports == nil {
			continue
		}
		for _, p := range protocols {
			if found := service.ByPort(p, ports[i]); found != nil {
				return found, false
			}
		}
	}
	return nil, false
}
