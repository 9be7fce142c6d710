package columns

import (
	"cmp"

	"detgen/packet"
)

// unswFields are the columns of UNSW-NB15 (Moustafa and Slay, 2015) that can be known of a connection alone, under their
// names and in their order. Those that count other connections, or read HTTP and FTP, are not there.
var unswFields = append([]field{
	textual("srcip", "", "Address of the client.", func(c *connection) string { return c.Client.Address.String() }),
	number("sport", "", "", "Its port.", func(c *connection) int64 { return int64(c.Client.Port) }),
	textual("dstip", "", "Address of the server.", func(c *connection) string { return c.Server.Address.String() }),
	number("dsport", "", "", "Its port.", func(c *connection) int64 { return int64(c.Server.Port) }),
	textual("proto", "", "tcp, udp, icmp or unknown_transport.", zeekProtocol),
	textual("state", "", "FIN, RST, CON (answered), ACC (SYN-ACK, but no more), REQ (SYN, but no answer), INT (no answer, not TCP), ECO (ICMP).", unswState),
	fraction("dur", "", "s", "Time from the first packet to the last.", func(c *connection) float64 { return c.seen.duration() }),
	number("sbytes", "", "bytes", "Frames that the client sent.", func(c *connection) int64 { return c.seen.sides[0].wire }),
	number("dbytes", "", "bytes", "Frames that the server sent.", func(c *connection) int64 { return c.seen.sides[1].wire }),
	number("sttl", "", "", "Time to live of the client's first packet.", func(c *connection) int64 { return c.seen.sides[0].ttl }),
	number("dttl", "", "", "Time to live of the server's first packet; 0 without one.", func(c *connection) int64 { return c.seen.sides[1].ttl }),
	number("sloss", "", "packets", "Segments that the client sent again.", func(c *connection) int64 { return c.seen.sides[0].again }),
	number("dloss", "", "packets", "Segments that the server sent again.", func(c *connection) int64 { return c.seen.sides[1].again }),
	textual("service", "", "Application protocol, by the first bytes; - when it is not known.", func(c *connection) string { return cmp.Or(c.service, "-") }),
	fraction("Sload", "", "bits/s", "sbytes over dur; 0 when dur is.", func(c *connection) float64 { return c.rate(0) }),
	fraction("Dload", "", "bits/s", "dbytes over dur; 0 when dur is.", func(c *connection) float64 { return c.rate(1) }),
	number("Spkts", "", "packets", "Packets that the client sent.", func(c *connection) int64 { return c.seen.sides[0].packets }),
	number("Dpkts", "", "packets", "Packets that the server sent.", func(c *connection) int64 { return c.seen.sides[1].packets }),
	number("swin", "", "bytes", "TCP window of the client's first packet, not scaled.", func(c *connection) int64 { return c.seen.sides[0].window }),
	number("dwin", "", "bytes", "The same for the server.", func(c *connection) int64 { return c.seen.sides[1].window }),
	number("stcpb", "", "", "The client's initial sequence number; 0 when it was not seen.", func(c *connection) int64 { return int64(c.seen.sides[0].isn) }),
	number("dtcpb", "", "", "The same for the server.", func(c *connection) int64 { return int64(c.seen.sides[1].isn) }),
	number("smeansz", "", "bytes", "sbytes over Spkts, rounded down.", func(c *connection) int64 { return c.seen.sides[0].mean() }),
	number("dmeansz", "", "bytes", "dbytes over Dpkts, rounded down; 0 without packets.", func(c *connection) int64 { return c.seen.sides[1].mean() }),
	fraction("Sjit", "", "ms", "Mean difference between successive gaps of the client's packets.", func(c *connection) float64 { return c.seen.sides[0].jittered() }),
	fraction("Djit", "", "ms", "The same for the server.", func(c *connection) float64 { return c.seen.sides[1].jittered() }),
	number("Stime", "", "s", "Time of the first packet, since the Unix epoch.", func(c *connection) int64 { return c.seen.start / 1e9 }),
	number("Ltime", "", "s", "Time of the last packet.", func(c *connection) int64 { return c.seen.end / 1e9 }),
	fraction("Sintpkt", "", "ms", "Mean gap between the client's packets.", func(c *connection) float64 { return c.seen.sides[0].interval() }),
	fraction("Dintpkt", "", "ms", "The same for the server.", func(c *connection) float64 { return c.seen.sides[1].interval() }),
	fraction("tcprtt", "", "s", "synack and ackdat together.", func(c *connection) float64 {
		return between(c.seen.syn, c.seen.synAck) + between(c.seen.synAck, c.seen.ack)
	}),
	fraction("synack", "", "s", "Time from SYN to SYN-ACK; 0 when one was not seen.", func(c *connection) float64 { return between(c.seen.syn, c.seen.synAck) }),
	fraction("ackdat", "", "s", "Time from SYN-ACK to the client's next segment.", func(c *connection) float64 { return between(c.seen.synAck, c.seen.ack) }),
	number("is_sm_ips_ports", "", "", "1 when both ends have the same address and port.", func(c *connection) int64 {
		if c.Client.Address == c.Server.Address && c.Client.Port == c.Server.Port {
			return 1
		}
		return 0
	}),
	textual("attack_cat", "", "Category of the attack, or its family here where there is none; empty for what is none.", func(c *connection) string { return c.words.category() }),
	number("Label", "", "", "1 for an attack, else 0.", func(c *connection) int64 {
		if c.words.attack() {
			return 1
		}
		return 0
	}),
}, ours...)

// unswState is the state as Argus, which UNSW-NB15 was made with, calls it.
func unswState(c *connection) string {
	client, server := &c.seen.sides[0], &c.seen.sides[1]
	switch c.Protocol {
	case packet.ProtocolTCP:
		switch {
		case client.reset || server.reset:
			return "RST"
		case client.fin || server.fin:
			return "FIN"
		case server.packets == 0:
			return "REQ"
		case c.seen.ack == 0:
			return "ACC"
		}
		return "CON"
	case protocolICMP, protocolICMPv6:
		return "ECO"
	}
	if server.packets == 0 {
		return "INT"
	}
	return "CON"
}

// rate is what a side sent, bits/s.
func (c *connection) rate(side int) float64 {
	if c.seen.end == c.seen.start {
		return 0
	}
	return float64(8*c.seen.sides[side].wire) / c.seen.duration()
}

func (d *side) mean() int64 {
	if d.packets == 0 {
		return 0
	}
	return d.wire / d.packets
}

func (d *side) jittered() float64 {
	if d.gaps < 2 {
		return 0
	}
	return d.jitter / float64(d.gaps-1) / 1e6
}

func (d *side) interval() float64 {
	if d.gaps == 0 {
		return 0
	}
	return float64(d.last-d.first) / float64(d.gaps) / 1e6
}

// between is the time between two moments, seconds; 0 when one is not known.
func between(a, b int64) float64 {
	if a == 0 || b == 0 {
		return 0
	}
	return float64(b-a) / 1e9
}
