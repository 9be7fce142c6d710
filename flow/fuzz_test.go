package flow

import (
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"detgen/packet"
)

// FuzzMeter gives scripts of packets between a few endpoints to every mode. Whatever the packets: those of the
// flows are those that were given, each flow is known by its first frame, and the number of jobs makes no difference.
func FuzzMeter(f *testing.F) {
	for _, c := range []*capture{craftPad(), craftTimeout(), craftUDP()} {
		f.Add(scriptOf(c), uint8(0))
	}
	f.Add([]byte("00000000zzzzzzzz01010101\xff\xff\xff\xff\xff\xff\xff\xff"), uint8(1))
	f.Add(slices.Repeat([]byte{0, 5, 2, 0, 200, 1, 0, 0}, 40), uint8(2))
	f.Add(slices.Repeat([]byte{1, 200, 16, 9, 1, 7, 3, 0, 2, 0, 17, 4, 4, 7, 3, 0}, 20), uint8(3))
	f.Fuzz(func(t *testing.T, script []byte, timeouts uint8) {
		c := &numbered{capture: *play(script), stride: 100}
		for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed} {
			o := NewOptions(mode)
			if timeouts&1 != 0 {
				o.FlowTimeout = 3 * time.Second
			}
			if timeouts&2 != 0 {
				o.IdleTimeout, o.LingerTimeout = 2*time.Second, time.Second
			}
			conserve(t, c.again(), o)
			alone := slices.Collect(flowsWith(t, c.again(), o, 1))
			shared := slices.Collect(flowsWith(t, c.again(), o, 3))
			if !slices.Equal(alone, shared) {
				t.Fatalf("%v: with 1 job\n%v\nwith 3\n%v", mode, alone, shared)
			}
		}
	})
}

// flowsWith gives the flows of a capture with their rows' numbers.
func flowsWith(t *testing.T, src Source, o Options, jobs int) func(func(string) bool) {
	return func(yield func(string) bool) {
		err := Extract(t.Context(), src, o, jobs, func(f *Flow) error {
			yield(fmt.Sprint(f.ID(), f.FirstFrame(), f.LastFrame(), f.Vector(), f.Reason()))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// numbered gives frames numbers that are a stride apart, so that a few of them are many portions.
type numbered struct {
	capture
	stride uint64
}

func (n *numbered) Next(f *packet.Frame) error {
	err := n.capture.Next(f)
	f.Number *= n.stride
	return err
}

func (n *numbered) again() *numbered { return &numbered{*n.capture.again(), n.stride} }

// conserve counts the packets that a meter says belong to each flow.
func conserve(t *testing.T, src Source, o Options) {
	given := map[uint64]uint64{} // packets by first frame
	m, err := NewMeter(o, func(f *Flow) {
		n := f.Packets(Forward) + f.Packets(Backward)
		want := given[f.FirstFrame()]
		if f.Reason() == EndFIN || f.Reason() == EndRST { // the packet that ends a flow is counted below, afterwards
			want++
		}
		if n != want {
			t.Fatalf("%v: flow %d has %d packets, %d were given", o.Mode, f.FirstFrame(), n, want)
		}
		if f.FirstFrame() > f.LastFrame() {
			t.Fatalf("%v: frames %d to %d", o.Mode, f.FirstFrame(), f.LastFrame())
		}
		delete(given, f.FirstFrame())
	})
	if err != nil {
		t.Fatal(err)
	}
	var f packet.Frame
	for src.Next(&f) != io.EOF {
		if number := m.Add(&f); number != 0 {
			given[number]++
		}
	}
	open := m.Open()
	m.Flush()
	if m.Open() != 0 {
		t.Fatalf("%v: %d of %d flows are open after Flush", o.Mode, m.Open(), open)
	}
	if o.Mode == CIC2017 || o.Mode == CIC2021 { // they give no flows of one packet
		for number, n := range given {
			if n > 1 {
				t.Fatalf("%v: the %d packets of flow %d are in no flow", o.Mode, n, number)
			}
		}
	} else if len(given) > 0 {
		t.Fatalf("%v: packets are in no flow: %v", o.Mode, given)
	}
}

// Each packet takes 8 bytes of a script: kind, time since the one before, flags, payload, sequence number,
// acknowledgement, ports and addresses, and padding.
const scripted = 8

// play makes the capture of a script.
func play(script []byte) *capture {
	c := &capture{}
	at := time.Second
	for ; len(script) >= scripted && len(c.frames) < 2000; script = script[scripted:] {
		kind, gap, flags, size, seq, ackNumber, ends, more := script[0], script[1], script[2], script[3], script[4], script[5], script[6], script[7]
		switch {
		case gap >= 250: // the clock goes back
			at -= time.Duration(gap-249) * time.Second
		case gap >= 200:
			at += time.Duration(gap-199) * 3 * time.Second
		default:
			at += time.Duration(gap) * 37 * time.Millisecond
		}
		hosts := [4]string{hostA, hostB, "192.168.7.7", hostA}
		src, dst := hosts[ends&3], hosts[ends>>2&3]
		if kind&0x40 != 0 {
			src, dst = "2001:db8::"+src[len(src)-1:], "2001:db8::"+dst[len(dst)-1:]
		}
		sport, dport := uint16(80+ends>>4&3), uint16(80+ends>>6&3)
		var data []byte
		protocol := uint8(6)
		switch kind & 7 {
		case 0, 1, 2:
			s := segmentOf{sport, dport, uint32(seq), uint32(ackNumber), packet.TCPFlags(flags), uint16(more & 3), int(size), make([]byte, int(more>>2&3)*4)}
			data = s.bytes()
		case 3, 4:
			protocol, data = 17, udp(sport, dport, int(size))
		case 5:
			protocol, data = 1, icmp(seq%15, ackNumber%4, tcpAB(int(size)))
		case 6:
			protocol, data = seq, make([]byte, size)
		default:
			protocol, data = 4, tcpAB(int(size))
		}
		datagram := ip(src, dst, protocol, data)
		if kind&0x08 != 0 && datagram[0]>>4 == 4 {
			piece(datagram, int(more)*8, flags&1 != 0)
		}
		frame := ethernet(0x0800, datagram)
		if datagram[0]>>4 == 6 {
			frame = ethernet(0x86dd, datagram)
		}
		if kind&0x10 != 0 {
			frame = vlan(uint16(more), uint16(frame[12])<<8|uint16(frame[13]), datagram)
		}
		if kind&0x20 != 0 {
			frame = padded(frame, 60)
		}
		c.add(at, frame)
		if kind&0x80 != 0 { // cut
			last := &c.frames[len(c.frames)-1]
			last.Data = last.Data[:min(len(last.Data), int(more))]
		}
	}
	return c
}

// scriptOf gives a script of packets with the kinds, times, sizes and flags of a capture, roughly.
func scriptOf(c *capture) []byte {
	var script []byte
	var h packet.Headers
	var last int64
	for i := range c.frames {
		f := &c.frames[i]
		packet.Decode(f, &h)
		kind := map[uint8]byte{6: 0, 17: 3, 1: 5}[h.Protocol]
		ends := byte(1 << 2)
		if h.SrcIP[3] == 2 {
			ends = 1
		}
		script = append(script, kind, byte(min(199, (f.Time-last)/37e6)), byte(h.Flags), byte(min(255, h.Payload)), byte(h.Seq), byte(h.Ack), ends, 0)
		last = f.Time
	}
	return script
}

// FuzzFrames gives any bytes as frames to every mode, also as the captured part of longer ones.
func FuzzFrames(f *testing.F) {
	for _, c := range []*capture{craftPad(), craftUDP()} {
		for i := range c.frames {
			f.Add(c.frames[i].Data, 0)
		}
	}
	f.Add(vlan(1, 0x86dd, ip("2001:db8::1", "2001:db8::2", 0, []byte{6, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4})), 3)
	f.Add(ethernet(40, []byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 0, 0x4f}), 1)
	f.Add(ethernet(0x0800, ip(hostA, hostB, 17, append(udp(1701, 1701, 0), 0xca, 2, 0, 7, 0, 9, 0, 0, 0xff, 3, 0, 0x21, 0x45))), 0)
	f.Fuzz(func(t *testing.T, data []byte, more int) {
		more = max(-1, min(more, 1<<20))
		c := &capture{}
		for i := range 3 {
			c.add(time.Duration(i)*time.Second, data)
			c.frames[i].WireLen += more
		}
		for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed} {
			conserve(t, c.again(), NewOptions(mode))
			o := NewOptions(mode)
			o.CountPadding, o.Tunnels = mode == CIC2017, mode == Default
			conserve(t, c.again(), o)
		}
	})
}
