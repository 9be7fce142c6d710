package flow

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/packet"
)

// flowsOf gives a line for each flow of a capture: ID, packets and payload bytes forward/backward, and why it ended.
func flowsOf(t *testing.T, c *capture, o Options) []string {
	t.Helper()
	var lines []string
	err := Extract(t.Context(), c.again(), o, 1, func(f *Flow) error {
		lines = append(lines, fmt.Sprintf("%s %d/%d %d/%d %v", f.ID(), f.Packets(Forward), f.Packets(Backward), f.Bytes(Forward), f.Bytes(Backward), f.Reason()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// wantFlows compares the flows of a capture with lines.
func wantFlows(t *testing.T, c *capture, o Options, want ...string) {
	t.Helper()
	if got := flowsOf(t, c, o); !slices.Equal(got, want) {
		t.Errorf("%v:\n%s\nwant\n%s", o.Mode, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// times2 is a capture with each of some frames twice, a millisecond apart, so that no mode passes their flows
// over for having one packet.
func times2(frames ...[]byte) *capture {
	var c capture
	for i, f := range frames {
		at := time.Second + time.Duration(i)*2*time.Millisecond
		c.add(at, f).add(at+time.Millisecond, f)
	}
	return &c
}

// to gives a frame other station addresses.
func to(destination string, source byte, frame []byte) []byte {
	copy(frame, destination)
	frame[9] = source
	return frame
}

func tcpAB(payload int) []byte {
	return ip(hostA, hostB, 6, segmentOf{1000, 80, 1, 1, ack, 500, payload, nil}.bytes())
}

// TestOddFrames shows what each mode makes of frames that are not just Ethernet, IPv4 and TCP or UDP.
func TestOddFrames(t *testing.T) {
	const broadcast = "\xff\xff\xff\xff\xff\xff"
	arp := append([]byte{0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20)...)
	large := udp(53, 4000, 40)
	snap := append([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0}, tcpAB(100)...)
	noLength := ethernet(0x0800, tcpAB(100))
	binary.BigEndian.PutUint16(noLength[16:], 0)
	badOffset := ethernet(0x0800, tcpAB(0))
	badOffset[14+20+12] = 3 << 4
	ppp := append([]byte{0x00, 0x02, 0, 7, 0, 9, 0xff, 0x03, 0x00, 0x21}, tcpAB(5)...)
	l2tp := udp(1701, 1701, len(ppp))
	copy(l2tp[8:], ppp)
	cut := &capture{}
	for i := range 2 {
		cut.add(time.Duration(i)*time.Millisecond, ethernet(0x0800, tcpAB(100))[:80])
		cut.frames[i].WireLen = 154
	}
	tooLong := times2(ethernet(0x0800, tcpAB(10)))
	for i := range tooLong.frames {
		tooLong.frames[i].WireLen -= 5
	}
	raw := times2(tcpAB(10))
	for i := range raw.frames {
		raw.frames[i].LinkType = packet.LinkRaw
	}

	cases := []struct {
		name    string
		capture *capture
		want    map[Mode]string
	}{
		{"ARP to all stations is taken for IPv4 from the frame's first byte", times2(to(broadcast, 99, ethernet(0x0806, arp))), map[Mode]string{
			CIC2017: "8.0.6.4-8.6.0.1-0-0-0 2/0 0/0 open",
			CIC2021: "8.6.0.1-8.0.6.4-0-0-0 2/0 0/0 open",
			// IP protocol 99 has no name.
		}},
		{"ARP from a station with the number of a named protocol in its address", times2(to(broadcast, 41, ethernet(0x0806, arp))), map[Mode]string{
			CIC2017:  "8.0.6.4-8.6.0.1-0-0-0 2/0 0/0 open",
			CIC2021:  "8.6.0.1-8.0.6.4-0-0-0 2/0 0/0 open",
			CICFixed: "8.6.0.1-8.0.6.4-0-0-0 2/0 0/0 open",
		}},
		{"ARP to one station: too short for an IPv4 header of 2 words", times2(ethernet(0x0806, arp)), nil},
		{"IPv6", times2(ethernet(0x86dd, ip("2001:db8::1", "2001:db8::2", 17, udp(1, 2, 10)))), map[Mode]string{
			Default: "2001:db8::1-2001:db8::2-1-2-17 2/0 20/0 open",
		}},
		{"padding behind a VLAN tag is payload", times2(padded(vlan(5, 0x0800, tcpAB(0)), 64)), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 12/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 12/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-1000-80-6 2/0 12/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 0/0 open",
		}},
		{"padding behind Ethernet is not", times2(padded(ethernet(0x0800, tcpAB(0)), 60)), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 0/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 0/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-1000-80-6 2/0 0/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 0/0 open",
		}},
		{"later fragments have no ports", times2(
			ethernet(0x0800, piece(ip(hostA, hostB, 17, large[:24]), 0, true)),
			ethernet(0x0800, piece(ip(hostA, hostB, 17, large[24:]), 24, false))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-53-4000-17 2/0 32/0 open\n10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-53-4000-17 2/0 32/0 open\n10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-53-4000-17 2/0 32/0 open\n10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			Default:  "10.0.0.1-10.0.0.2-53-4000-17 4/0 80/0 open",
		}},
		{"IPv4 in IPv4: the ports inside with the addresses outside", times2(ethernet(0x0800, ip("10.9.9.1", "10.9.9.2", 4, tcpAB(7)))), map[Mode]string{
			CIC2017:  "10.9.9.1-10.9.9.2-1000-80-6 2/0 14/0 open",
			CIC2021:  "10.9.9.1-10.9.9.2-1000-80-6 2/0 14/0 open",
			CICFixed: "10.9.9.1-10.9.9.2-1000-80-6 2/0 14/0 open",
			Default:  "10.9.9.1-10.9.9.2-0-0-4 2/0 94/0 open",
		}},
		{"L2TP: likewise", times2(ethernet(0x0800, ip("10.9.9.1", "10.9.9.2", 17, l2tp))), map[Mode]string{
			CIC2017:  "10.9.9.1-10.9.9.2-1000-80-6 2/0 10/0 open",
			CIC2021:  "10.9.9.1-10.9.9.2-1000-80-6 2/0 10/0 open",
			CICFixed: "10.9.9.1-10.9.9.2-1000-80-6 2/0 10/0 open",
			Default:  "10.9.9.1-10.9.9.2-1701-1701-17 2/0 110/0 open",
		}},
		{"a protocol that the fork names but does not know", times2(ethernet(0x0800, ip(hostA, hostB, 47, make([]byte, 8)))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			Default:  "10.0.0.1-10.0.0.2-0-0-47 2/0 16/0 open",
		}},
		{"a protocol that the fork has no name for", times2(ethernet(0x0800, ip(hostA, hostB, 89, make([]byte, 8)))), map[Mode]string{
			CIC2017: "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021: "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			Default: "10.0.0.1-10.0.0.2-0-0-89 2/0 16/0 open",
		}},
		{"IGMP", times2(ethernet(0x0800, ip(hostA, "224.0.0.22", 2, make([]byte, 8)))), map[Mode]string{
			CIC2017:  "224.0.0.22-10.0.0.1-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.1-224.0.0.22-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.1-224.0.0.22-0-0-2 2/0 0/0 open",
			Default:  "10.0.0.1-224.0.0.22-0-0-2 2/0 16/0 open",
		}},
		{"SCTP", times2(ethernet(0x0800, ip(hostA, hostB, 132, append([]byte{0, 9, 0, 10}, make([]byte, 28)...)))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-9-10-132 2/0 40/0 open",
			Default:  "10.0.0.1-10.0.0.2-9-10-132 2/0 40/0 open",
		}},
		{"an ICMP error quotes a segment", times2(ethernet(0x0800, ip(hostB, hostA, 1, icmp(3, 3, tcpAB(3))))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-80-1000-6 2/0 6/0 open",
			CIC2021:  "10.0.0.2-10.0.0.1-1000-80-6 2/0 6/0 open",
			CICFixed: "10.0.0.2-10.0.0.1-0-0-1 2/0 0/0 open",
			Default:  "10.0.0.2-10.0.0.1-0-0-1 2/0 86/0 open",
		}},
		{"time exceeded quotes one too, which is not looked at", times2(ethernet(0x0800, ip(hostB, hostA, 1, icmp(11, 0, tcpAB(3))))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.2-10.0.0.1-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.2-10.0.0.1-0-0-1 2/0 0/0 open",
			Default:  "10.0.0.2-10.0.0.1-0-0-1 2/0 86/0 open",
		}},
		{"ports of one address", times2(
			ethernet(0x0800, ip(hostA, hostA, 17, udp(7, 9, 1))),
			ethernet(0x0800, ip(hostA, hostA, 17, udp(9, 7, 2)))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.1-7-9-17 2/0 2/0 open\n10.0.0.1-10.0.0.1-9-7-17 2/0 4/0 open",
			CIC2021:  "10.0.0.1-10.0.0.1-7-9-17 4/0 6/0 open",
			CICFixed: "10.0.0.1-10.0.0.1-7-9-17 4/0 6/0 open",
			Default:  "10.0.0.1-10.0.0.1-7-9-17 2/2 2/4 open",
		}},
		{"one port of one address", times2(ethernet(0x0800, ip(hostA, hostA, 17, udp(7, 7, 1)))), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.1-7-7-17 2/0 2/0 open",
			CIC2021:  "10.0.0.1-10.0.0.1-7-7-17 2/0 2/0 open",
			CICFixed: "10.0.0.1-10.0.0.1-7-7-17 2/0 2/0 open",
			Default:  "10.0.0.1-10.0.0.1-7-7-17 2/0 2/0 open",
		}},
		{"segmentation offload: a total length of 0", times2(noLength), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-0-0-0 2/0 0/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 200/0 open",
		}},
		{"IEEE 802.3: the length is taken to include the Ethernet header", times2(ethernet(uint16(len(snap)), snap)), map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 172/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 172/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-1000-80-6 2/0 172/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 200/0 open",
		}},
		{"raw IP is found all the same", raw, map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 20/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 20/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-1000-80-6 2/0 20/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 20/0 open",
		}},
		{"a cut frame: what was captured counts, or what was sent", cut, map[Mode]string{
			CIC2017:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 52/0 open",
			CIC2021:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 52/0 open",
			CICFixed: "10.0.0.1-10.0.0.2-1000-80-6 2/0 52/0 open",
			Default:  "10.0.0.1-10.0.0.2-1000-80-6 2/0 200/0 open",
		}},
		{"more captured than was on the wire", tooLong, map[Mode]string{
			Default: "10.0.0.1-10.0.0.2-1000-80-6 2/0 20/0 open",
		}},
		{"a TCP header of 3 words", times2(badOffset), map[Mode]string{
			Default: "10.0.0.1-10.0.0.2-1000-80-6 2/0 16/0 open",
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			for _, mode := range []Mode{CIC2017, CIC2021, CICFixed, Default} {
				var want []string
				if lines := c.want[mode]; lines != "" {
					want = strings.Split(lines, "\n")
				}
				wantFlows(t, c.capture, NewOptions(mode), want...)
			}
		})
	}
}

// TestCountPadding counts padding where the capture library of 2017 did.
func TestCountPadding(t *testing.T) {
	o := NewOptions(CIC2017)
	o.CountPadding = true
	wantFlows(t, times2(padded(ethernet(0x0800, tcpAB(0)), 60)), o, "10.0.0.1-10.0.0.2-1000-80-6 2/0 12/0 open")
}

// TestTunnels looks into a tunnel when it is asked to.
func TestTunnels(t *testing.T) {
	o := NewOptions(Default)
	o.Tunnels = true
	wantFlows(t, times2(ethernet(0x0800, ip("10.9.9.1", "10.9.9.2", 4, tcpAB(7)))), o, "10.0.0.1-10.0.0.2-1000-80-6 2/0 14/0 open")
}

// TestOptionsOfIPv4 has the walk stumble where the capture library does: over options that end after the captured
// header.
func TestOptionsOfIPv4(t *testing.T) {
	header := func(words byte, options ...byte) []byte {
		return append([]byte{0x40 | words, 19: 0}, options...)
	}
	cases := []struct {
		name string
		ip   []byte
		want bool
	}{
		{"none", header(5), true},
		{"less than the addresses", header(5)[:19], false},
		{"end of the list", header(6, 0), true},
		{"nothing, then cut", header(6, 1, 1, 1), false},
		{"nothing, whole", header(6, 1, 1, 1, 1), true},
		{"with a length that goes beyond the end", header(6, 7, 39), true},
		{"cut before its length", header(6, 7), false},
		{"unknown", header(6, 22), true},
	}
	for _, c := range cases {
		if got := optionsReadable(c.ip); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestWalkStops gives the walk frames of every length and headers in headers, to see that it ends within them.
func TestWalkStops(t *testing.T) {
	nested := tcpAB(20)
	for range 100 {
		nested = ip(hostA, hostB, 4, nested)
	}
	frame := ethernet(0x0800, nested)
	var w walk
	for n := range len(frame) {
		for first := layerEthernet; first <= layerSCTP; first++ {
			w.run(first, frame[:n], n)
			w.run(first, bytes.Repeat(frame[14:min(n+14, len(frame))], 2), n)
		}
	}
}
