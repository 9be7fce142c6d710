package packet

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Block types and options of pcapng (draft-ietf-opsawg-pcapng).
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6

	byteOrderMagic = 0x1a2b3c4d

	optionEnd      = 0
	optionComment  = 1
	optionName     = 2  // if_name
	optionTSResol  = 9  // if_tsresol
	optionTSOffset = 14 // if_tsoffset
)

// maxBlock is the longest block that is read whole; longer ones of other kinds are passed over.
const maxBlock = 16 << 20

// maxInterfaces bounds what a hostile file can make a reader remember.
const maxInterfaces = 1 << 16

// startPcapng reads the first section header.
func (r *Reader) startPcapng() error {
	if head := r.in.peek(12); len(head) < 12 {
		if err := r.failure(); err != nil {
			return r.notStarted(err)
		}
		return r.notStarted(fmt.Errorf("the pcapng section header is cut after %d bytes", len(head)))
	}
	if err := r.readSection(); err != nil {
		r.err = nil
		return r.notStarted(fmt.Errorf("pcapng: %w", err))
	}
	return nil
}

// readSection reads a section header block, which the stream is at. It decides about the byte order of
// what follows.
func (r *Reader) readSection() error {
	head := r.in.peek(28)
	if len(head) < 28 {
		return r.end(true, "the file ends within a section header")
	}
	switch magic := binary.LittleEndian.Uint32(head[8:]); magic {
	case byteOrderMagic:
		r.swapped = false
	case bits.ReverseBytes32(byteOrderMagic):
		r.swapped = true
	default:
		return r.damaged("a section header with byte-order magic %#08x", magic)
	}
	total := r.uint32(head[4:])
	major, minor := r.uint16(head[12:]), r.uint16(head[14:])
	if major != 1 || minor != 0 && minor != 2 {
		return r.damaged("pcapng version %d.%d; 1.0 and 1.2 can be read", major, minor)
	}
	body, err := r.readBlock(total, 28)
	if err != nil {
		return err
	}
	r.in.pos += len(body)
	r.section = len(r.interfaces)
	return nil
}

// readBlock gives the whole block that the stream is at, its total length rounded up to 4
// bytes, as some writers leave the padding out of it.
func (r *Reader) readBlock(total uint32, least int) ([]byte, error) {
	size := (int(total) + 3) &^ 3
	if size < least {
		return nil, r.damaged("a block of %d bytes, at least %d are needed", total, least)
	}
	if size > maxBlock {
		return nil, r.damaged("a block of %d bytes (at most %d are believed)", total, maxBlock)
	}
	block := r.in.peek(size)
	if len(block) < size {
		return nil, r.end(true, "the file ends within a block: %d of %d bytes are there", len(block), size)
	}
	block = block[:size]
	if last := r.uint32(block[size-4:]); last != total && last != uint32(size) {
		return nil, r.damaged("the lengths at the two ends of a block differ: %d and %d", total, last)
	}
	return block, nil
}

// nextPcapng reads blocks until one holds a frame.
func (r *Reader) nextPcapng(f *Frame) error {
	for r.err == nil {
		head := r.in.peek(8)
		if len(head) < 8 {
			return r.end(len(head) > 0, "the file ends within a block header")
		}
		kind, total := r.uint32(head), r.uint32(head[4:])
		var least int
		switch kind {
		case blockSection:
			r.readSection()
			continue
		case blockEnhanced, blockPacket:
			least = 32
		case blockSimple:
			least = 16
		case blockInterface:
			least = 20
		default:
			r.skipBlock(total)
			continue
		}
		block, err := r.readBlock(total, least)
		if err != nil {
			return err
		}
		switch kind {
		case blockInterface:
			err = r.readInterface(block)
		case blockSimple:
			err = r.readSimple(block, f)
		default:
			err = r.readPacket(block, kind == blockPacket, f)
		}
		if err != nil {
			return err
		}
		r.in.pos += len(block)
		if kind != blockInterface {
			return nil
		}
	}
	return r.err
}

// skipBlock passes over a block that holds no frame.
func (r *Reader) skipBlock(total uint32) {
	size := (int(total) + 3) &^ 3
	if size < 12 {
		r.damaged("a block of %d bytes, at least 12 are needed", total)
		return
	}
	if missing := r.in.skip(size - 4); missing > 0 {
		r.end(true, "the file ends within a block: %d of %d bytes are missing", missing+4, size)
		return
	}
	tail := r.in.peek(4)
	if len(tail) < 4 {
		r.end(true, "the file ends within a block")
		return
	}
	if last := r.uint32(tail); last != total && last != uint32(size) {
		r.damaged("the lengths at the two ends of a block differ: %d and %d", total, last)
		return
	}
	r.in.pos += 4
}

// readInterface reads an interface description block.
func (r *Reader) readInterface(block []byte) error {
	if len(r.interfaces) == maxInterfaces {
		return r.damaged("more than %d interfaces", maxInterfaces)
	}
	i := Interface{LinkType: LinkType(r.uint16(block[8:])), SnapLen: r.uint32(block[12:]), units: 1e6}
	for code, value := range options(block[16:len(block)-4], r.swapped) {
		switch {
		case code == optionName:
			i.Name = validText(value)
		case code == optionTSResol && len(value) == 1:
			i.units = timeUnits(value[0])
		case code == optionTSOffset && len(value) == 8:
			i.offset = int64(r.uint64(value))
		}
	}
	r.interfaces = append(r.interfaces, i)
	return nil
}

// timeUnits gives the units per second of an if_tsresol: a power of 10, or of 2 when the
// highest bit is set. What does not fit into 64 bits is as fine as they allow.
func timeUnits(resolution byte) uint64 {
	exponent := int(resolution & 0x7f)
	switch {
	case resolution&0x80 != 0 && exponent < 64:
		return 1 << exponent
	case resolution&0x80 == 0 && exponent < 20:
		units := uint64(1)
		for range exponent {
			units *= 10
		}
		return units
	}
	return math.MaxUint64
}

// time converts a timestamp of the interface to ns since the Unix epoch, as far as 64 bits
// reach.
func (i *Interface) time(stamp uint64) int64 {
	seconds := stamp / i.units
	high, low := bits.Mul64(stamp%i.units, 1e9)
	fraction, _ := bits.Div64(high, low, i.units)
	const farthest = math.MaxInt64 / 1_000_000_000
	s := int64(min(seconds, farthest))
	if sum := s + i.offset; i.offset < farthest && i.offset > -farthest {
		s = sum
	}
	s = max(min(s, farthest-1), -farthest+1)
	return s*1e9 + int64(fraction)
}

// readPacket reads an enhanced packet block, or the obsolete packet block.
func (r *Reader) readPacket(block []byte, obsolete bool, f *Frame) error {
	id := r.uint32(block[8:])
	if obsolete {
		id = uint32(r.uint16(block[8:]))
	}
	stamp := uint64(r.uint32(block[12:]))<<32 | uint64(r.uint32(block[16:]))
	captured, wire := r.uint32(block[20:]), r.uint32(block[24:])
	if captured > maxCaptured {
		return r.damaged("a block says that it holds a frame of %d bytes (at most %d are believed)", captured, maxCaptured)
	}
	padded := (int(captured) + 3) &^ 3
	if 32+padded > len(block) {
		return r.damaged("a block of %d bytes says that it holds a frame of %d", len(block), captured)
	}
	if captured > wire {
		r.warn("lengths", "more bytes captured (%d) than there were on the wire (%d)", captured, wire)
	}
	return r.give(f, int(id), stamp, block[28:28+captured:28+captured], wire, block[28+padded:len(block)-4])
}

// readSimple reads a simple packet block: no time, the first interface of the section, and
// a captured length that follows from that interface's limit.
func (r *Reader) readSimple(block []byte, f *Frame) error {
	wire := r.uint32(block[8:])
	captured := wire
	if r.section < len(r.interfaces) {
		if snap := r.interfaces[r.section].SnapLen; snap != 0 && snap < captured {
			captured = snap
		}
	}
	if captured > maxCaptured || int(captured) > len(block)-16 {
		return r.damaged("a block of %d bytes says that it holds a frame of %d", len(block), captured)
	}
	if err := r.give(f, 0, 0, block[12:12+captured:12+captured], wire, nil); err != nil {
		return err
	}
	f.Time = 0
	return nil
}

// give fills in the frame.
func (r *Reader) give(f *Frame, id int, stamp uint64, data []byte, wire uint32, options []byte) error {
	index := r.section + id
	if index >= len(r.interfaces) {
		return r.damaged("a frame of interface %d, but the section has described %d", id, len(r.interfaces)-r.section)
	}
	from := &r.interfaces[index]
	r.number++
	f.Number = r.number
	switch {
	case from.units == 1e9 && from.offset == 0 && stamp < math.MaxInt64:
		f.Time = int64(stamp)
	case from.units == 1e6 && from.offset == 0 && stamp < math.MaxInt64/1000:
		f.Time = int64(stamp) * 1000
	default:
		f.Time = from.time(stamp)
	}
	f.Data = data
	f.WireLen = int(min(wire, maxWire))
	f.LinkType = from.LinkType
	f.Interface = index
	f.options = options
	f.bigEndian = r.swapped
	return nil
}

// Comments are the comments that a pcapng file has on the frame (opt_comment, UTF-8).
func (f *Frame) Comments() []string {
	var comments []string
	for code, value := range options(f.options, f.bigEndian) {
		if code == optionComment {
			comments = append(comments, validText(value))
		}
	}
	return comments
}

// validText gives text that is UTF-8, with U+FFFD for what is not.
func validText(b []byte) string { return strings.ToValidUTF8(string(b), "\uFFFD") }

// options gives code and value of each option, up to the end or to the first that is broken.
func options(b []byte, bigEndian bool) func(yield func(uint16, []byte) bool) {
	order := binary.ByteOrder(binary.LittleEndian)
	if bigEndian {
		order = binary.BigEndian
	}
	return func(yield func(uint16, []byte) bool) {
		for len(b) >= 4 {
			code, size := order.Uint16(b), int(order.Uint16(b[2:]))
			if code == optionEnd || size > len(b)-4 {
				return
			}
			if !yield(code, b[4:4+size]) {
				return
			}
			b = b[min(len(b), 4+(size+3)&^3):]
		}
	}
}
