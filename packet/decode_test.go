package packet

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// parts joins hexadecimal text (with spaces) to bytes.
func parts(t testing.TB, text ...string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(strings.Join(text, "")), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Pieces of frames. ip4 and ip6 take the protocol and the length of what follows.
const (
	macs = "020000000002 020000000001"
	udp  = "0035 1234 000c 0000 61626364"                                     // port 53 to 4660, 4 bytes
	tcp  = "0050 1234 00000005 00000006 5018 0400 0000 0000"                  // port 80 to 4660, PSH ACK, no payload
	sctp = "0b59 0b5a 00000001 00000002 00000000"                             // port 2905 to 2906
	arp  = "0001 0800 06 04 0002 020000000001 0a000001 020000000002 0a000002" // a reply
)

func ip4(protocol, length int) string {
	return fmt.Sprintf("4500 %04x 1234 0000 40 %02x 0000 0a000001 0a000002", 20+length, protocol)
}

func ip6(protocol, length int) string {
	return fmt.Sprintf("60000000 %04x %02x 40 20010db8000000000000000000000001 20010db8000000000000000000000002", length, protocol)
}

// describe tells what headers say, without what is 0.
func describe(h *Headers) string {
	var b strings.Builder
	add := func(there bool, format string, args ...any) {
		if there {
			fmt.Fprintf(&b, format+" ", args...)
		}
	}
	add(h.VLANs > 0, "vlan %d/%d", h.VLAN, h.VLANs)
	add(h.ARPOpcode > 0, "arp %d", h.ARPOpcode)
	add(h.IPVersion > 0, "ip%d+%d len %d proto %d ttl %d", h.IPVersion, h.IPOffset, h.IPLength, h.Protocol, h.TTL)
	add(h.Source().IsValid(), "%v>%v", h.Source(), h.Destination())
	add(h.Fragment > 0, "fragment %d", h.Fragment)
	add(h.L4Offset > 0, "l4+%d len %d", h.L4Offset, h.L4Length)
	add(h.SrcPort|h.DstPort > 0, "%d>%d", h.SrcPort, h.DstPort)
	add(h.Flags > 0, "%v seq %d ack %d win %d", h.Flags, h.Seq, h.Ack, h.Window)
	add(h.ICMPType > 0, "icmp %d/%d", h.ICMPType, h.ICMPCode)
	add(h.IPVersion > 0, "payload %d", h.Payload)
	add(h.Padding > 0, "padding %d", h.Padding)
	add(h.Truncated, "truncated")
	add(h.Malformed, "malformed")
	return strings.TrimSpace(b.String())
}

var decodeCases = []struct {
	name string
	link LinkType
	data []string
	wire int // 0: as captured
	want string
}{
	{"udp", 1, []string{macs, "0800", ip4(17, 12), udp}, 0, "ip4+14 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+34 len 8 53>4660 payload 4"},
	{"tcp", 1, []string{macs, "0800", ip4(6, 20), tcp}, 0, "ip4+14 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+34 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0"},
	{"padding", 1, []string{macs, "0800", ip4(6, 20), tcp, "000000000000"}, 0,
		"ip4+14 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+34 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0 padding 6"},
	{"udp over ipv6", 1, []string{macs, "86dd", ip6(17, 12), udp}, 0, "ip6+14 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+54 len 8 53>4660 payload 4"},
	{"sctp", 1, []string{macs, "0800", ip4(132, 16), sctp}, 0, "ip4+14 len 36 proto 132 ttl 64 10.0.0.1>10.0.0.2 l4+34 len 12 2905>2906 payload 4"},
	{"icmp", 1, []string{macs, "0800", ip4(1, 8), "0301 0000 00000000"}, 0, "ip4+14 len 28 proto 1 ttl 64 10.0.0.1>10.0.0.2 l4+34 len 8 icmp 3/1 payload 0"},
	{"arp", 1, []string{macs, "0806", arp}, 0, "arp 2 10.0.0.1>10.0.0.2"},
	{"vlan", 1, []string{macs, "8100 0064 0800", ip4(17, 12), udp}, 0, "vlan 100/1 ip4+18 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+38 len 8 53>4660 payload 4"},
	{"vlan stack", 1, []string{macs, "88a8 0064 8100 e0c8 9100 012c 0800", ip4(17, 12), udp}, 0, "vlan 300/3 ip4+26 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+46 len 8 53>4660 payload 4"},
	{"mpls", 1, []string{macs, "8847 00001040 00002140", ip4(17, 12), udp}, 0, "ip4+22 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+42 len 8 53>4660 payload 4"},
	{"pppoe", 1, []string{macs, "8864 1100 0001 0022 0021", ip4(17, 12), udp, "ffff"}, 0, "ip4+22 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+42 len 8 53>4660 payload 4"},
	{"llc and snap", 1, []string{macs, "0028 aaaa03 000000 0800", ip4(17, 12), udp, "0000"}, 0, "ip4+22 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+42 len 8 53>4660 payload 4"},
	{"sll", 113, []string{"0000 0001 0006 020000000001 0000 0800", ip4(17, 12), udp}, 0, "ip4+16 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+36 len 8 53>4660 payload 4"},
	{"sll with llc", 113, []string{"0000 0001 0006 020000000001 0000 0004", "aaaa03 000000 0800", ip4(17, 12), udp}, 0, "ip4+24 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+44 len 8 53>4660 payload 4"},
	{"sll with ethernet", 113, []string{"0000 0001 0006 020000000001 0000 0003", macs, "0800", ip4(17, 12), udp}, 0, "ip4+30 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+50 len 8 53>4660 payload 4"},
	{"sll2", 276, []string{"86dd 0000 00000002 0001 00 06 0200000000010000", ip6(17, 12), udp}, 0, "ip6+20 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+60 len 8 53>4660 payload 4"},
	{"null, little endian", 0, []string{"02000000", ip4(17, 12), udp}, 0, "ip4+4 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"null, big endian", 0, []string{"0000001e", ip6(17, 12), udp}, 0, "ip6+4 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+44 len 8 53>4660 payload 4"},
	{"loop", 108, []string{"00000002", ip4(17, 12), udp}, 0, "ip4+4 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"raw", 101, []string{ip6(17, 12), udp}, 0, "ip6+0 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+40 len 8 53>4660 payload 4"},
	{"ppp", 9, []string{"ff03 0021", ip4(17, 12), udp}, 0, "ip4+4 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"cisco hdlc", 104, []string{"0f00 0800", ip4(17, 12), udp}, 0, "ip4+4 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"cisco hdlc for ppp", 9, []string{"0f00 0800", ip4(17, 12), udp}, 0, "ip4+4 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"fabricpath", 1, []string{macs, "8903 0020", macs, "8100 0007 0800", ip4(17, 12), udp}, 0, "vlan 7/1 ip4+34 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+54 len 8 53>4660 payload 4"},
	{"ipv6 under the type of ipv4", 1, []string{macs, "0800", ip6(17, 12), udp}, 0, "ip6+14 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+54 len 8 53>4660 payload 4"},
	{"first fragment", 101, []string{"4500 0020 1234 2000 40 11 0000 0a000001 0a000002", udp}, 0, "ip4+0 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 fragment 1 l4+20 len 8 53>4660 payload 4"},
	{"later fragment", 101, []string{"4500 0020 1234 0003 40 11 0000 0a000001 0a000002", udp}, 0, "ip4+0 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 fragment 2 payload 12"},
	{"do not fragment", 101, []string{"4500 0020 1234 4000 40 11 0000 0a000001 0a000002", udp}, 0, "ip4+0 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 8 53>4660 payload 4"},
	{"options", 101, []string{"4600 0024 1234 0000 40 11 0000 0a000001 0a000002 01010101", udp}, 0, "ip4+0 len 36 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+24 len 8 53>4660 payload 4"},
	{"source route", 101, []string{"4700 0028 1234 0000 40 11 0000 0a000001 0a000002 01 83 07 04 0a000009", udp}, 0, "ip4+0 len 40 proto 17 ttl 64 10.0.0.1>10.0.0.9 l4+28 len 8 53>4660 payload 4"},
	{"ipv6 extensions", 101, []string{ip6(0, 12+8+24+16), "2b00 010400000000", "3c02 0002 0000 0000 00000000 00000000 00000000 00000000", "1101 0000 00000000 00000000 00000000", udp}, 0,
		"ip6+0 len 100 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+88 len 8 53>4660 payload 4"},
	{"ipv6 authentication", 101, []string{ip6(51, 12+16), "1102 0000 00000000 00000000 00000000", udp}, 0, "ip6+0 len 68 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+56 len 8 53>4660 payload 4"},
	{"ipv6 first fragment", 101, []string{ip6(44, 20), "1100 0001 00000007", udp}, 0, "ip6+0 len 60 proto 17 ttl 64 2001:db8::1>2001:db8::2 fragment 1 l4+48 len 8 53>4660 payload 4"},
	{"ipv6 later fragment", 101, []string{ip6(44, 20), "1100 0008 00000007", udp}, 0, "ip6+0 len 60 proto 17 ttl 64 2001:db8::1>2001:db8::2 fragment 2 payload 12"},
	{"ipv6 atomic fragment", 101, []string{ip6(44, 20), "1100 0000 00000007", udp}, 0, "ip6+0 len 60 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+48 len 8 53>4660 payload 4"},
	{"jumbogram", 101, []string{ip6(0, 0), "1100 c204 00000014", udp}, 0, "ip6+0 len 60 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+48 len 8 53>4660 payload 4"},
	{"no next header", 101, []string{ip6(59, 4), "00000000"}, 0, "ip6+0 len 44 proto 59 ttl 64 2001:db8::1>2001:db8::2 l4+40 len 0 payload 4"},
	{"length 0: offload", 101, []string{"4500 0000 1234 0000 40 06 0000 0a000001 0a000002", tcp}, 5000,
		"ip4+0 len 5000 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 4960"},
	{"ipv6 length 0: offload", 101, []string{ip6(6, 0), tcp}, 5000, "ip6+0 len 5000 proto 6 ttl 64 2001:db8::1>2001:db8::2 l4+40 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 4940"},
	{"more than there was", 101, []string{"4500 0040 1234 0000 40 06 0000 0a000001 0a000002", tcp}, 0,
		"ip4+0 len 64 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0"},
	{"wire length below the captured", 101, []string{ip4(6, 20), tcp}, 10, "ip4+0 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0"},

	{"cut in ethernet", 1, []string{macs}, 60, "truncated"},
	{"cut in vlan", 1, []string{macs, "8100 00"}, 60, "truncated"},
	{"cut in ipv4", 1, []string{macs, "0800", ip4(17, 12)[:30]}, 60, "ip4+14 len 32 proto 17 ttl 64 payload 0 truncated"},
	{"cut in the destination", 1, []string{macs, "0800", ip4(17, 12)[:40]}, 60, "ip4+14 len 32 proto 17 ttl 64 10.0.0.1>invalid IP payload 0 truncated"},
	{"cut in ipv6", 101, []string{ip6(17, 12)[:69]}, 60, "ip6+0 len 52 proto 17 ttl 64 2001:db8::1>invalid IP payload 0 truncated"},
	{"cut after ip", 101, []string{ip4(17, 12)}, 32, "ip4+0 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 0 payload 4 truncated"},
	{"cut in udp", 101, []string{ip4(17, 12), "0035 1234"}, 32, "ip4+0 len 32 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 0 53>4660 payload 4 truncated"},
	{"cut in tcp", 101, []string{ip4(6, 20), tcp[:18]}, 40, "ip4+0 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 0 80>4660 payload 0 truncated"},
	{"cut in tcp after the window", 101, []string{ip4(6, 20), tcp[:40]}, 40, "ip4+0 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0 truncated"},
	{"cut in tcp options", 101, []string{ip4(6, 40), "0050 1234 00000005 00000006 8018 0400 0000 0000 0101"}, 60,
		"ip4+0 len 60 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 32 80>4660 PA seq 5 ack 6 win 1024 payload 8 truncated"},
	{"cut in an extension", 101, []string{ip6(0, 20), "1100 00"}, 60, "ip6+0 len 60 proto 0 ttl 64 2001:db8::1>2001:db8::2 payload 0 truncated"},
	{"empty", 1, nil, 0, "truncated"},
	{"empty raw", 101, nil, 0, "truncated"},

	{"ipv4 header of 16 bytes", 101, []string{"4400 0020 1234 0000 40 11 0000 0a000001 0a000002", udp}, 0, "ip4+0 len 0 proto 0 ttl 0 payload 0 malformed"},
	{"ipv4 length below its header", 101, []string{"4500 0013 1234 0000 40 11 0000 0a000001 0a000002", udp}, 0, "ip4+0 len 19 proto 0 ttl 0 payload 0 malformed"},
	{"ip version 5", 1, []string{macs, "0800", "5500 0020"}, 0, "malformed"},
	{"tcp header of 16 bytes", 101, []string{ip4(6, 20), "0050 1234 00000005 00000006 4018 0400 0000 0000"}, 0,
		"ip4+0 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 16 80>4660 PA seq 5 ack 6 win 1024 payload 4 malformed"},
	{"tcp header longer than its segment", 101, []string{ip4(6, 20), "0050 1234 00000005 00000006 f018 0400 0000 0000"}, 0,
		"ip4+0 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 60 80>4660 PA seq 5 ack 6 win 1024 payload 0 truncated malformed"},
	{"udp in 4 bytes", 101, []string{ip4(17, 4), udp}, 0, "ip4+0 len 24 proto 17 ttl 64 10.0.0.1>10.0.0.2 l4+20 len 0 53>4660 payload 0 padding 8 malformed"},
	{"extension longer than the datagram", 101, []string{ip6(0, 12), "11ff 0000 00000000 00000000 00000000"}, 0,
		"ip6+0 len 52 proto 0 ttl 64 2001:db8::1>2001:db8::2 payload 0 padding 4 truncated"},
	{"hop by hop without a length", 101, []string{ip6(0, 0), "1100 010400000000", udp}, 0, "ip6+0 len 40 proto 0 ttl 64 2001:db8::1>2001:db8::2 payload 0 padding 20 malformed"},
	{"another link type", 195, []string{macs, "0800", ip4(17, 12), udp}, 0, ""},
	{"another ethertype", 1, []string{macs, "88cc 0000"}, 0, ""},
	{"spanning tree", 1, []string{macs, "0026 424203 0000"}, 0, ""},
}

func TestDecode(t *testing.T) {
	for _, c := range decodeCases {
		t.Run(c.name, func(t *testing.T) {
			data := parts(t, c.data...)
			f := Frame{Data: data, WireLen: c.wire, LinkType: c.link}
			h := Headers{SrcPort: 7, Truncated: true, Malformed: true, Payload: 9, tcp: true} // what it held must not matter
			Decode(&f, &h)
			if got := describe(&h); got != c.want {
				t.Errorf("decoded\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestDecodeTunnels(t *testing.T) {
	inner4 := "10.0.0.1>10.0.0.2"
	for _, c := range []struct {
		name        string
		data        []string
		plain, want string
	}{
		{"6in4", []string{ip4(41, 52), ip6(17, 12), udp},
			"ip4+0 len 72 proto 41 ttl 64 " + inner4 + " l4+20 len 0 payload 52",
			"ip6+20 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+60 len 8 53>4660 payload 4"},
		{"4in6", []string{ip6(4, 32), ip4(17, 12), udp},
			"ip6+0 len 72 proto 4 ttl 64 2001:db8::1>2001:db8::2 l4+40 len 0 payload 32",
			"ip4+40 len 32 proto 17 ttl 64 " + inner4 + " l4+60 len 8 53>4660 payload 4"},
		{"gre", []string{ip4(47, 36), "0000 0800", ip4(17, 12), udp},
			"ip4+0 len 56 proto 47 ttl 64 " + inner4 + " l4+20 len 0 payload 36",
			"ip4+24 len 32 proto 17 ttl 64 " + inner4 + " l4+44 len 8 53>4660 payload 4"},
		{"gre with everything, ethernet and vlan", []string{ip4(47, 66), "b000 6558 00000000 00000001 00000002", macs, "8100 0007 0800", ip4(17, 12), udp},
			"ip4+0 len 86 proto 47 ttl 64 " + inner4 + " l4+20 len 0 payload 66",
			"vlan 7/1 ip4+54 len 32 proto 17 ttl 64 " + inner4 + " l4+74 len 8 53>4660 payload 4"},
		{"pptp", []string{ip4(47, 49), "3081 880b 0022 0001 00000002 00000003 21", ip4(17, 12), udp},
			"ip4+0 len 69 proto 47 ttl 64 " + inner4 + " l4+20 len 0 payload 49",
			"ip4+37 len 32 proto 17 ttl 64 " + inner4 + " l4+57 len 8 53>4660 payload 4"},
		{"twice", []string{ip4(4, 72), ip4(41, 52), ip6(17, 12), udp},
			"ip4+0 len 92 proto 4 ttl 64 " + inner4 + " l4+20 len 0 payload 72",
			"ip6+40 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+80 len 8 53>4660 payload 4"},
		{"fragment inside", []string{ip4(4, 32), "4500 0020 1234 0003 40 11 0000 0a000003 0a000004", udp},
			"ip4+0 len 52 proto 4 ttl 64 " + inner4 + " l4+20 len 0 payload 32",
			"ip4+20 len 32 proto 17 ttl 64 10.0.0.3>10.0.0.4 fragment 2 payload 12"},
		{"something else inside", []string{ip4(4, 4), "ffffffff"},
			"ip4+0 len 24 proto 4 ttl 64 " + inner4 + " l4+20 len 0 payload 4", "ip4+0 len 24 proto 4 ttl 64 " + inner4 + " l4+20 len 0 payload 4"},
		{"no tunnel", []string{ip4(17, 12), udp},
			"ip4+0 len 32 proto 17 ttl 64 " + inner4 + " l4+20 len 8 53>4660 payload 4", "ip4+0 len 32 proto 17 ttl 64 " + inner4 + " l4+20 len 8 53>4660 payload 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := parts(t, c.data...)
			f := Frame{Data: data, WireLen: len(data), LinkType: LinkRaw}
			var h Headers
			Decode(&f, &h)
			if got := describe(&h); got != c.plain {
				t.Errorf("outside\n%s\nwant\n%s", got, c.plain)
			}
			Decoder{Tunnels: true}.Decode(&f, &h)
			if got := describe(&h); got != c.want {
				t.Errorf("inside\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestQuoted(t *testing.T) {
	four := ip4(6, 20) + tcp
	six := ip6(17, 12) + udp
	for _, c := range []struct {
		name string
		data []string
		want string // "" when nothing is quoted
	}{
		{"unreachable", []string{ip4(1, 48), "0301 0000 00000000", four}, "ip4+28 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+48 len 20 80>4660 PA seq 5 ack 6 win 1024 payload 0"},
		{"8 bytes", []string{ip4(1, 36), "0b00 0000 00000000", ip4(6, 20), tcp[:18]}, "ip4+28 len 40 proto 6 ttl 64 10.0.0.1>10.0.0.2 l4+48 len 0 80>4660 payload 0 malformed"},
		{"version 6", []string{ip6(58, 60), "0100 0000 00000000", six}, "ip6+48 len 52 proto 17 ttl 64 2001:db8::1>2001:db8::2 l4+88 len 8 53>4660 payload 4"},
		{"echo", []string{ip4(1, 48), "0800 0000 00000000", four}, ""},
		{"echo of version 6", []string{ip6(58, 60), "8000 0000 00000000", six}, ""},
		{"udp", []string{ip4(17, 12), udp}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := parts(t, c.data...)
			f := Frame{Data: data, WireLen: len(data), LinkType: LinkRaw}
			var h, quoted Headers
			Decode(&f, &h)
			ok := Quoted(&f, &h, &quoted)
			if got := describe(&quoted); ok != (c.want != "") || ok && got != c.want {
				t.Errorf("%v %s\nwant %s", ok, got, c.want)
			}
		})
	}
}

// TestDecodeCutAnywhere cuts frames everywhere: nothing may be read beyond the cut, and what is
// said must not contradict itself.
func TestDecodeCutAnywhere(t *testing.T) {
	for _, c := range decodeCases {
		whole := parts(t, c.data...)
		for cut := range whole {
			checkDecoded(t, c.link, whole[:cut:cut], len(whole))
		}
	}
}

// checkDecoded decodes a frame in every way and checks what must hold for any frame.
func checkDecoded(t *testing.T, link LinkType, data []byte, wire int) {
	t.Helper()
	f := Frame{Number: 1, Data: data, WireLen: wire, LinkType: link}
	for _, d := range []Decoder{{}, {Tunnels: true}} {
		var h, quoted Headers
		d.Decode(&f, &h)
		// The end of the frame must be all that bounds the reading.
		longer := append(bytes.Clone(data), bytes.Repeat([]byte{0x45}, 100)...)
		again := Headers{}
		d.Decode(&Frame{Number: 1, Data: longer[:len(data)], WireLen: wire, LinkType: link}, &again)
		if h != again {
			t.Errorf("%v % x: bytes after the frame matter:\n%+v\n%+v", link, data, h, again)
		}
		if d.decode(&f, &again); h != again {
			t.Errorf("%v % x: the quick way and the general one differ:\n%+v\n%+v", link, data, h, again)
		}
		length := max(wire, len(data))
		for name, v := range map[string]int{"IPOffset": h.IPOffset, "IPLength": h.IPLength, "L4Offset": h.L4Offset, "L4Length": h.L4Length, "Segment": h.Segment,
			"Payload": h.Payload, "Padding": h.Padding} {
			if v < 0 || name != "IPLength" && name != "L4Length" && v > length { // those two are what the headers say
				t.Errorf("%v % x: %s is %d in a frame of %d bytes", link, data, name, v, length)
			}
		}
		if h.Payload > h.Segment || h.L4Offset+h.Segment > length && h.Segment > 0 {
			t.Errorf("%v % x: payload %d in a segment of %d at %d in %d", link, data, h.Payload, h.Segment, h.L4Offset, length)
		}
		Quoted(&f, &h, &quoted)
		conversations := NewConversations(0)
		for range 2 {
			conversations.Analyze(&f, &h)
		}
	}
}

func TestFlagsString(t *testing.T) {
	for flags, want := range map[TCPFlags]string{0: "", SYN: "S", SYN | ACK: "SA", FIN | PSH | ACK: "FPA", 0xff: "FSRPAUEC"} {
		if got := flags.String(); got != want {
			t.Errorf("%#x: %q, want %q", uint16(flags), got, want)
		}
	}
}

// TestDecodeAnyFirstBytes tries all link types on headers that differ in their first bytes.
func TestDecodeAnyFirstBytes(t *testing.T) {
	links := []LinkType{LinkNull, LinkEthernet, LinkPPP, LinkRaw, LinkLoop, LinkLinuxSLL, LinkSLL2, LinkPPPHDLC, LinkDLTRaw, LinkIPv6}
	tail := parts(t, ip4(4, 60), ip6(0, 20), "2c00 0000 00000000", "0600 0001 00000000", tcp)
	for first := range 1 << 16 {
		data := slices.Concat(binary.BigEndian.AppendUint16(nil, uint16(first)), tail)
		checkDecodedQuickly(t, links[first%len(links)], data)
	}
}

func checkDecodedQuickly(t *testing.T, link LinkType, data []byte) {
	f := Frame{Number: 1, Data: data, WireLen: len(data), LinkType: link}
	var h Headers
	Decoder{Tunnels: true}.Decode(&f, &h)
	if h.L4Offset+h.L4Length > len(data) && !h.Truncated && !h.Malformed {
		t.Errorf("%v % x: a transport header beyond the end that is not truncated: %+v", link, data[:2], h)
	}
}
