package packet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// pcapHeader is the length of the header of a pcap file.
const pcapHeader = 24

// startPcap reads the file header (draft-ietf-opsawg-pcap, pcap-savefile(5)).
func (r *Reader) startPcap() error {
	head := r.in.peek(pcapHeader)
	if len(head) < pcapHeader {
		if err := r.failure(); err != nil {
			return r.notStarted(err)
		}
		return r.notStarted(fmt.Errorf("the pcap file header is cut after %d of %d bytes", len(head), pcapHeader))
	}
	major, minor := r.uint16(head[4:]), r.uint16(head[6:])
	snap, network := r.uint32(head[16:]), r.uint32(head[20:])
	if major < 2 {
		return r.notStarted(fmt.Errorf("pcap version %d.%d; versions from 2.0 on can be read", major, minor))
	}
	// Captured and wire length changed places with version 2.3, and some programs wrote 2.3
	// with the old order; so did DG/UX with its version 543.
	r.exchanged = major == 2 && minor < 3 || major == 543
	r.maybeSwaps = major == 2 && minor == 3
	// The upper half of the field says how long the frame check sequence is.
	r.link = LinkType(network & 0xffff)
	if major == 2 && minor == 2 && r.header == 16 && r.fraction == 1000 {
		r.aix(network)
	}
	r.interfaces = []Interface{{LinkType: r.link, SnapLen: snap}}
	r.in.pos += pcapHeader
	return nil
}

// aix recognises the files of AIX, which have interface types (RFC 1573) in place of link
// types, and nanoseconds.
func (r *Reader) aix(network uint32) {
	switch network {
	case 6:
		r.link, r.fraction = LinkEthernet, 1
	case 24:
		r.link, r.fraction = LinkNull, 1
	}
}

// nextPcap reads a record.
func (r *Reader) nextPcap(f *Frame) error {
	if r.err != nil {
		return r.err
	}
	in := &r.in
	if in.end-in.pos < r.header {
		if in.fill(r.header); in.end-in.pos < r.header {
			return r.end(in.end > in.pos, "the file ends within a record header")
		}
	}
	head := in.buf[in.pos : in.pos+16]
	seconds := binary.LittleEndian.Uint32(head)
	fraction := binary.LittleEndian.Uint32(head[4:])
	captured := binary.LittleEndian.Uint32(head[8:])
	wire := binary.LittleEndian.Uint32(head[12:])
	if r.swapped {
		seconds, fraction = bits.ReverseBytes32(seconds), bits.ReverseBytes32(fraction)
		captured, wire = bits.ReverseBytes32(captured), bits.ReverseBytes32(wire)
	}
	if r.exchanged || r.maybeSwaps && captured > wire {
		captured, wire = wire, captured
	}
	if captured > maxCaptured {
		return r.damaged("a record says that it holds %d bytes (at most %d are believed)", captured, maxCaptured)
	}
	if captured > wire {
		r.warn("lengths", "more bytes captured (%d) than there were on the wire (%d)", captured, wire)
	}
	size := r.header + int(captured)
	if in.end-in.pos < size {
		if in.fill(size); in.end-in.pos < size {
			return r.end(true, "the file ends within a frame: %d of %d bytes are there", in.end-in.pos-r.header, captured)
		}
	}
	r.number++
	f.Number = r.number
	f.Time = int64(seconds)*1e9 + int64(fraction)*r.fraction
	f.Data = in.buf[in.pos+r.header : in.pos+size : in.pos+size]
	f.WireLen = int(min(wire, maxWire))
	f.LinkType = r.link
	f.Interface = 0
	f.options = nil
	in.pos += size
	return nil
}

// uint16 and uint32 read in the byte order of the file.
func (r *Reader) uint16(b []byte) uint16 {
	if r.swapped {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

func (r *Reader) uint32(b []byte) uint32 {
	if r.swapped {
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

func (r *Reader) uint64(b []byte) uint64 {
	if r.swapped {
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}
