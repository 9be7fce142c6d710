package columns

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"detgen/packet"
	"detgen/table"
)

// zeekHead begins a log as Zeek's ASCII writer does. The log is opened when its first connection begins.
func zeekHead(b *bytes.Buffer, opened int64) {
	b.WriteString("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n")
	fmt.Fprintf(b, "#open\t%s\n#fields", zeekTime(opened))
	for _, f := range zeekFields {
		b.WriteString("\t" + f.Name)
	}
	b.WriteString("\n#types")
	for _, f := range zeekFields {
		b.WriteString("\t" + f.zeek)
	}
	b.WriteByte('\n')
}

// zeekTime writes a time as the log's head and end have it.
func zeekTime(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02-15-04-05") }

// zeekText writes a cell: "-" when it is not set, and what would be taken for something else by its bytes.
func zeekText(cell string) string {
	if cell == "" {
		return "-"
	}
	if cell == "-" {
		return `\x2d`
	}
	return strings.NewReplacer("\\", `\x5c`, "\t", `\x09`, "\n", `\x0a`, "\r", `\x0d`).Replace(cell)
}

// zeekFields are the columns of conn.log (Zeek 6), and labels.
var zeekFields = append([]field{
	{table.Column{Name: "ts", Kind: table.Float, Unit: "s", Doc: "Time of the first packet, since the Unix epoch, to the microsecond."}, "time",
		func(c *connection) string { return fmt.Sprintf("%d.%06d", c.seen.start/1e9, c.seen.start%1e9/1e3) }},
	textual("uid", "string", "Name of the connection, from the run's id and the connection's number.", zeekUID),
	textual("id.orig_h", "addr", "Address of the client.", func(c *connection) string { return c.Client.Address.String() }),
	number("id.orig_p", "port", "", "Its port; of ICMP the type.", func(c *connection) int64 { return c.zeekPort(0) }),
	textual("id.resp_h", "addr", "Address of the server.", func(c *connection) string { return c.Server.Address.String() }),
	number("id.resp_p", "port", "", "Its port; of ICMP the type of the answer to an echo request, else 0.", func(c *connection) int64 { return c.zeekPort(1) }),
	textual("proto", "enum", "tcp, udp, icmp or unknown_transport.", zeekProtocol),
	textual("service", "string", "Application protocol, by the first bytes that client and server sent; not the port.", func(c *connection) string { return zeekService(c.service) }),
	optional("duration", "interval", "s", "Time from the first packet to the last.", table.Float, func(c *connection) string { return decimal(c.seen.duration()) }),
	optional("orig_bytes", "count", "bytes", "Payload that the client sent; of TCP by its sequence numbers.", table.Int, func(c *connection) string { return strconv.FormatInt(c.seen.sides[0].stream, 10) }),
	optional("resp_bytes", "count", "bytes", "The same for the server.", table.Int, func(c *connection) string { return strconv.FormatInt(c.seen.sides[1].stream, 10) }),
	textual("conn_state", "string", "How it began and ended.", func(c *connection) string { return c.seen.state }),
	flag("local_orig", "The client's address is a private one.", func(c *connection) bool { return c.Client.Address.IsPrivate() }),
	flag("local_resp", "The server's address is a private one.", func(c *connection) bool { return c.Server.Address.IsPrivate() }),
	number("missed_bytes", "count", "bytes", "0: captures have all packets.", func(c *connection) int64 { return 0 }),
	textual("history", "string", "What happened in which order: a letter for the first time of each.", func(c *connection) string { return c.seen.history }),
	number("orig_pkts", "count", "packets", "Packets that the client sent.", func(c *connection) int64 { return c.seen.sides[0].packets }),
	number("orig_ip_bytes", "count", "bytes", "Their IP lengths.", func(c *connection) int64 { return c.seen.sides[0].ip }),
	number("resp_pkts", "count", "packets", "Packets that the server sent.", func(c *connection) int64 { return c.seen.sides[1].packets }),
	number("resp_ip_bytes", "count", "bytes", "Their IP lengths.", func(c *connection) int64 { return c.seen.sides[1].ip }),
	textual("tunnel_parents", "set[string]", "Not set: tunnels are not followed.", func(c *connection) string { return "" }),
	textual("label", "string", "In the words of CICIDS-2017.", func(c *connection) string { return c.words.in(CICIDS2017) }),
}, ours...)

// optional is a column that a connection of one packet does not have.
func optional(name, zeek, unit, doc string, kind table.Kind, text func(c *connection) string) field {
	return field{table.Column{Name: name, Kind: kind, Unit: unit, Doc: doc, Optional: true}, zeek, func(c *connection) string {
		if c.seen.end == c.seen.start {
			return ""
		}
		return text(c)
	}}
}

func flag(name, doc string, is func(c *connection) bool) field {
	return field{table.Column{Name: name, Kind: table.Bool, Doc: doc}, "bool", func(c *connection) string {
		if is(c) {
			return "T"
		}
		return "F"
	}}
}

// zeekUID is a name of Zeek's form: C and 17 digits of base 62.
func zeekUID(c *connection) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", c.run.ID, c.number))
	text := new(big.Int).SetBytes(sum[:16]).Text(62)
	return "C" + strings.Repeat("0", max(0, 17-len(text))) + text[max(0, len(text)-17):]
}

// Types of echo requests and answers (RFC 792, RFC 4443).
const (
	echo, echoReply   = 8, 0
	echo6, echoReply6 = 128, 129
	protocolICMP      = 1
	protocolICMPv6    = 58
	unknownTransport  = "unknown_transport"
)

// zeekPort gives the port of a side.
func (c *connection) zeekPort(side int) int64 {
	switch c.Protocol {
	case protocolICMP:
		return [2]int64{echo, echoReply}[side]
	case protocolICMPv6:
		return [2]int64{echo6, echoReply6}[side]
	}
	return [2]int64{int64(c.Client.Port), int64(c.Server.Port)}[side]
}

func zeekProtocol(c *connection) string {
	switch c.Protocol {
	case packet.ProtocolTCP:
		return "tcp"
	case packet.ProtocolUDP:
		return "udp"
	case protocolICMP, protocolICMPv6:
		return "icmp"
	}
	return unknownTransport
}

// zeekService gives the name that Zeek's conn.log has for a service.
func zeekService(name string) string {
	switch name {
	case "krb":
		return "krb_tcp"
	case "ldap":
		return "ldap_tcp"
	}
	return name
}
