package columns

import (
	"math"
	"unicode"

	"detgen/packet"
	"detgen/truth"
)

// seen is what a monitor that follows a connection's packets knows at its end.
type seen struct {
	start, end int64 // ns since the Unix epoch: first and last packet
	sides      [2]side
	history    string
	state      string // Zeek's conn_state

	syn, synAck, ack int64 // times of TCP's handshake, 0 for what was not seen
}

// side is what one end sent: [0] the client, [1] the server.
type side struct {
	packets, ip, wire, payload int64
	stream                     int64 // bytes of payload, those sent again not counted (TCP)
	again                      int64 // segments with payload sent again
	ttl, window                int64 // of the first packet
	isn                        uint32
	opened, fin, reset         bool
	first, last                int64
	gaps                       int64   // their number
	jitter                     float64 // sum of differences between successive gaps, ns
	gap                        int64   // the last one
}

// follow reads the connection's frames.
func (c *connection) follow() (s seen) {
	written := map[rune]bool{}
	note := func(letter rune, server bool) {
		if server {
			letter = unicode.ToLower(letter)
		}
		if !written[letter] {
			written[letter] = true
			s.history += string(letter)
		}
	}
	for i, f := range c.frames {
		at := 0
		if !f.FromClient {
			at = 1
		}
		d := &s.sides[at]
		if i == 0 {
			s.start = f.Time
		}
		s.end = f.Time
		if d.packets == 0 {
			d.first, d.ttl, d.window = f.Time, int64(f.TTL), int64(f.Window)
		} else {
			gap := f.Time - d.last
			if d.gaps > 0 {
				d.jitter += math.Abs(float64(gap - d.gap))
			}
			d.gap = gap
			d.gaps++
		}
		d.last = f.Time
		d.packets++
		d.ip += int64(c.ip[i])
		d.wire += int64(f.Length)
		d.payload += int64(f.Payload)
		if c.Protocol != packet.ProtocolTCP {
			if c.Protocol == packet.ProtocolUDP {
				note('D', at == 1)
			}
			continue
		}
		s.segment(f, d, at == 1, note)
	}
	if c.Protocol != packet.ProtocolTCP {
		for i := range s.sides {
			s.sides[i].stream = s.sides[i].payload
		}
	}
	s.state = s.zeekState(c.Protocol)
	return s
}

// segment reads a TCP segment.
func (s *seen) segment(f *truth.Frame, d *side, server bool, note func(letter rune, server bool)) {
	syn, ack, fin, rst := f.Flags&packet.SYN != 0, f.Flags&packet.ACK != 0, f.Flags&packet.FIN != 0, f.Flags&packet.RST != 0
	switch {
	case syn && !d.opened:
		d.opened, d.isn = true, f.Seq
		if server && ack {
			s.synAck = f.Time
		} else if !server {
			s.syn = f.Time
		}
	case !server && ack && s.synAck > 0 && s.ack == 0:
		s.ack = f.Time
	}
	if syn && ack {
		note('H', server)
	} else if syn {
		note('S', server)
	}
	if syn && (fin || rst) {
		note('Q', server)
	}
	if f.Payload > 0 {
		note('D', server)
		if f.Seen != 0 && f.Seen != packet.SeenNone {
			d.again++
			note('T', server)
		}
	} else if ack && !syn && !fin && !rst {
		note('A', server)
	}
	if d.opened {
		d.stream = max(d.stream, int64(int32(f.Seq-d.isn-1))+int64(f.Payload))
	} else {
		d.stream += int64(f.Payload)
	}
	if f.Window == 0 && !rst {
		note('W', server)
	}
	if fin {
		note('F', server)
		d.fin = true
	}
	if rst {
		note('R', server)
		d.reset = d.reset || !d.fin
	}
}

// zeekState is how a connection began and ended, as Zeek's documentation of conn.log has it.
func (s *seen) zeekState(protocol uint8) string {
	client, server := &s.sides[0], &s.sides[1]
	switch {
	case protocol == packet.ProtocolUDP && client.packets > 0 && server.packets > 0:
		return "SF"
	case protocol == packet.ProtocolUDP && client.packets > 0:
		return "S0"
	case protocol == packet.ProtocolUDP:
		return "SHR"
	case protocol != packet.ProtocolTCP:
		return "OTH"
	case server.reset && client.opened && !server.opened:
		return "REJ"
	case server.reset && client.packets == 0:
		return "RSTRH"
	case server.reset:
		return "RSTR"
	case client.reset && server.packets == 0:
		return "RSTOS0"
	case client.reset:
		return "RSTO"
	case client.fin && server.fin:
		return "SF"
	case client.fin && server.packets == 0:
		return "SH"
	case client.fin:
		return "S2"
	case server.fin && client.packets == 0:
		return "SHR"
	case server.fin:
		return "S3"
	case client.opened && server.packets == 0:
		return "S0"
	case client.opened && server.opened:
		return "S1"
	}
	return "OTH"
}

// duration is the time from the first packet to the last, seconds.
func (s *seen) duration() float64 { return float64(s.end-s.start) / 1e9 }
