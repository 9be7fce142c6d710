package truth

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"detgen/internal/problem"
	"detgen/packet"
	"detgen/record"

	"golang.org/x/sync/errgroup"
)

// Open reads a run directory and finds out the truth about it; unchecked, its captures are taken as they are. A run that is
// recorded, but whose captures cannot be read, gives its record and the error.
func Open(dir string, unchecked bool) (*record.Record, *Truth, error) {
	rec, err := record.Read(dir)
	if err != nil {
		return nil, nil, problem.InRequest(err)
	}
	rec.Unchecked = unchecked
	t, err := Read(dir, rec)
	return rec, t, err
}

// Read reads the captures of the run directory dir, whose record is rec, and finds out the
// truth about them. A capture that is damaged or has another number of frames than the record
// says is an error.
func Read(dir string, rec *record.Record) (*Truth, error) {
	t, err := load(dir, rec)
	if err != nil {
		return nil, err
	}
	var log *record.LinkLog
	if t.hasLog {
		if log, err = t.readLog(); err != nil {
			return nil, err
		}
	}
	var known *joinedLog
	if log != nil {
		if known, err = t.joinLog(log); err != nil {
			return nil, err
		}
	}
	p, err := t.pair()
	if err != nil {
		return nil, err
	}
	if known != nil {
		if t.Corrected, err = t.correct(p, known); err != nil {
			return nil, err
		}
	}
	t.decide(p)
	if known != nil {
		t.explain(known)
	}
	t.hops()
	order := t.sent()
	t.connect(order)
	t.progress()
	t.classify(order)
	t.attribute()
	return t, nil
}

// load reads the captures.
func load(dir string, rec *record.Record) (*Truth, error) {
	n, err := newNetwork(&rec.Run)
	if err != nil {
		return nil, err
	}
	t := &Truth{Record: rec, dir: dir, net: n, Phases: []string{""}, Causes: []string{""}}
	for i, c := range rec.Result.Captures {
		s, ok := n.findCapture(&c)
		if !ok {
			return nil, fmt.Errorf("capture %s: the run has no %s", c.File, c.At())
		}
		n.stations[s].capture = i
		t.Captures = append(t.Captures, &Capture{Capture: c, station: s})
	}
	_, err = os.Lstat(filepath.Join(dir, record.LinkLogFile))
	t.hasLog = err == nil
	var group errgroup.Group
	for _, c := range t.Captures {
		group.Go(func() error {
			if err := rec.CheckCapture(dir, &c.Capture); err != nil {
				return err
			}
			if err := c.read(dir, n, t.hasLog); err != nil {
				return fmt.Errorf("capture %s: %w", c.File, err)
			}
			return nil
		})
	}
	return t, group.Wait()
}

// read reads the file. What comes from the station's own MAC was sent, everything else
// received; a tap sends nothing. With sums it also keeps the checksums that the links' log knows frames by.
func (c *Capture) read(dir string, n *network, sums bool) error {
	in, size, err := c.open(dir)
	if err != nil {
		return err
	}
	defer in.Close()
	expected := min(c.Capture.Frames, uint64(size)/smallestFrame)
	c.Frames = make([]Frame, 0, expected)
	c.prints = make([]fingerprint, 0, expected)
	tap := c.IsTap()
	forwards := !tap && n.forwards[n.stations[c.station].host]
	mac, addressee := n.stations[c.station].mac, n.addressees(c.station)
	var f packet.Frame
	var h packet.Headers
	conversations := packet.NewConversations(0)
	for {
		if err := in.Next(&f); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if f.LinkType != packet.LinkEthernet || len(f.Data) < 14 {
			return fmt.Errorf("frame %d is not an Ethernet frame", f.Number)
		}
		packet.Decode(&f, &h)
		c.Frames = append(c.Frames, Frame{})
		out := &c.Frames[len(c.Frames)-1]
		out.take(&f, &h)
		out.Sent = !tap && [6]byte(f.Data[6:12]) == mac
		out.to = addressee([6]byte(f.Data[:6]))
		c.prints = append(c.prints, fingerprintOf(f.Data))
		if forwards {
			c.datagrams = append(c.datagrams, datagram(&f, &h))
		}
		if sums {
			c.sums = append(c.sums, crc32.Checksum(f.Data, castagnoli))
		}
		if a, ok := conversations.Analyze(&f, &h); ok {
			out.Classes, out.Seen, out.handshake, out.closing = a.Classes, a.Seen, a.Handshake, a.Closing
		}
		if out.Kind == Error {
			c.quote(&f, &h)
		}
	}
	if n := uint64(len(c.Frames)); n != c.Capture.Frames {
		return fmt.Errorf("it has %d frames, but the record says %d", n, c.Capture.Frames)
	}
	return nil
}

// smallestFrame is what a frame takes in a capture file: its record header and Ethernet's.
const smallestFrame = 16 + 14

// open opens the file, and gives its length in bytes.
func (c *Capture) open(dir string) (*packet.Reader, int64, error) {
	file, err := record.OpenCapture(dir, &c.Capture)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	in, err := packet.OpenFile(file)
	return in, info.Size(), err
}

// castagnoli is the polynomial of the log's checksums.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// take keeps what the headers of a frame say.
func (f *Frame) take(in *packet.Frame, h *packet.Headers) {
	*f = Frame{
		Time: in.Time, Length: int32(in.WireLen), Payload: int32(h.Payload),
		SrcIP: h.SrcIP, DstIP: h.DstIP, SrcPort: h.SrcPort, DstPort: h.DstPort,
		EtherType: h.EtherType, IPID: h.IPID, Window: h.Window, Flags: h.Flags, Seq: h.Seq, Ack: h.Ack,
		IPVersion: h.IPVersion, Protocol: h.Protocol, TTL: h.TTL, Fragment: h.Fragment,
		Connection: -1, Activity: -1, UpQueue: -1, DownQueue: -1,
	}
	f.Kind = kindOf(h)
	if f.Kind == ICMP && len(in.Data) >= h.L4Offset+6 && h.L4Length > 0 {
		f.identifier = uint16(in.Data[h.L4Offset+4])<<8 | uint16(in.Data[h.L4Offset+5])
	}
}

// kindOf gives what a frame is for, as far as its headers alone tell.
func kindOf(h *packet.Headers) Kind {
	switch {
	case h.EtherType == packet.EtherTypeARP:
		return ARP
	case h.IPVersion == 0:
		return Other
	}
	switch h.Protocol {
	case packet.ProtocolTCP:
		switch {
		case h.Fragment == packet.LaterFragment:
			return Data
		case h.Flags&packet.SYN != 0:
			return Handshake
		case h.Flags&(packet.FIN|packet.RST) != 0:
			return Close
		case h.Payload > 0:
			return Data
		}
		return Ack
	case packet.ProtocolUDP, packet.ProtocolUDPLite:
		return Datagram
	case packet.ProtocolICMP:
		const unreachable, quench, redirect, timeExceeded, parameter = 3, 4, 5, 11, 12
		switch h.ICMPType {
		case unreachable, quench, redirect, timeExceeded, parameter:
			return Error
		}
		return ICMP
	case packet.ProtocolICMPv6:
		return kindOfICMPv6(h.ICMPType)
	}
	return Other
}

// kindOfICMPv6 gives the kind of an ICMPv6 message: those of neighbour discovery (RFC 4861) and of multicast listeners
// (RFC 2710, RFC 3810) are the link's own affair, as ARP is.
func kindOfICMPv6(kind uint8) Kind {
	const echo, query, done, solicitation, redirect, report = 128, 130, 132, 133, 137, 143
	switch {
	case kind < echo:
		return Error
	case kind >= query && kind <= done, kind >= solicitation && kind <= redirect, kind == report:
		return Neighbour
	}
	return ICMP
}

// quote remembers what an ICMP error is about.
func (c *Capture) quote(f *packet.Frame, h *packet.Headers) {
	var quoted packet.Headers
	if !packet.Quoted(f, h, &quoted) {
		return
	}
	var about Frame
	about.take(f, &quoted)
	key, ok := about.key()
	if !ok {
		return
	}
	if c.quoted == nil {
		c.quoted = map[int]connectionKey{}
	}
	c.quoted[len(c.Frames)-1] = key
}
