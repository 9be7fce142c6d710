package packet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"
)

// FuzzReader reads anything as a capture: nothing may panic, allocate without bound or go on
// for ever, and reading byte by byte must give the same.
func FuzzReader(f *testing.F) {
	le, be := binary.LittleEndian, binary.BigEndian
	for _, o := range []order{le, be} {
		f.Add(pcapFile(o, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 4, 4}, [4]uint32{1, 3, 4, 4}))
		f.Add(pcapFile(o, 0xa1b23c4d, 2, 3, 100, 1, [4]uint32{1, 2, 5, 4}))
		f.Add(pcapFile(o, 0xa1b2cd34, 2, 2, 100, 6, [4]uint32{1, 2, 4, 4}))
		f.Add(slices.Concat(section(o), interfaceBlock(o, 1, 3, opt(o, optionName, "eth0"), opt(o, optionTSResol, "\x13"), opt(o, optionTSOffset, "12345678")),
			enhanced(o, 0, 1<<63, 5, "abcde", opt(o, optionComment, "hello")), block(o, blockSimple, o.AppendUint32(nil, 2), []byte("zz")),
			block(o, 77, []byte("unknown")), section(o), enhanced(o, 0, 1, 1, "x")))
	}
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0})
	f.Add([]byte{0x1f, 0x8b, 8, 0})
	f.Fuzz(func(t *testing.T, file []byte) {
		lines, warnings, err := read(bytes.NewReader(file))
		var damage *DamageError
		if err != io.EOF && !errors.As(err, &damage) && !errors.Is(err, ErrNotCapture) {
			t.Fatalf("ended with %v", err)
		}
		if len(warnings) > maxWarnings {
			t.Fatalf("%d warnings", len(warnings))
		}
		again, _, _ := read(&pieces{rest: file})
		if !slices.Equal(lines, again) {
			t.Fatalf("read at once\n%v\nin pieces\n%v", lines, again)
		}
		// What has been read of a file that is cut is the start of what is read of the whole one.
		cut, _, _ := read(bytes.NewReader(file[:len(file)/2]))
		if len(file) > 4 && !compressedMagic(file) && (len(cut) > len(lines) || !slices.Equal(cut, lines[:len(cut)])) {
			t.Fatalf("read of the first half\n%v\nof the whole\n%v", cut, lines)
		}
	})
}

func compressedMagic(b []byte) bool {
	return b[0] == 0x1f && b[1] == 0x8b || b[0] == 0x28 && b[1] == 0xb5
}

// pieces gives its bytes three at a time.
type pieces struct{ rest []byte }

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b[:min(3, len(b))], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// FuzzDecode decodes anything as a frame of any link type, and analyses it twice.
func FuzzDecode(f *testing.F) {
	for _, c := range decodeCases {
		f.Add(uint16(c.link), parts(f, c.data...), c.wire)
	}
	s := segment{src: 1, dst: 2, options: []byte{tcpNop, tcpWindowScale, 3, 9, tcpMultipath, 4, 0x20, 0}, flags: SYN, payload: 3}
	f.Add(uint16(LinkEthernet), s.frame(), 0)
	f.Add(uint16(LinkEthernet), icmpError(s.frame(), 100), 0)
	f.Fuzz(func(t *testing.T, link uint16, data []byte, wire int) {
		if wire < 0 || wire > maxWire {
			wire = len(data)
		}
		checkDecoded(t, LinkType(link), data[:len(data):len(data)], wire)
	})
}

// FuzzAnalyze analyses any sequence of segments between two endpoints: each takes 12 bytes of the input.
func FuzzAnalyze(f *testing.F) {
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x12\x80\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, script []byte) {
		conversations := NewConversations(2)
		frame := Frame{LinkType: LinkEthernet}
		var h Headers
		for ; len(script) >= 12; script = script[12:] {
			s := segment{
				six: script[1]&0x40 != 0, src: 1, dst: 2, sport: uint16(script[1] & 0x0f), dport: 80, flags: TCPFlags(script[0]),
				seq: uint32(int8(script[2])) + uint32(int8(script[3]))<<25, ack: uint32(int8(script[4])) + uint32(int8(script[5]))<<25,
				window: uint16(script[6]), payload: int(script[7]), fragment: script[1]&0x20 != 0,
			}
			if script[1]&0x80 != 0 {
				s.src, s.dst, s.sport, s.dport = 2, 1, 80, s.sport
			}
			if script[8] < 20 {
				s.options = []byte{tcpNop, tcpWindowScale, 3, script[8]}
			}
			frame.Number++
			frame.Time += int64(int32(binary.LittleEndian.Uint32(script[8:])))
			frame.Data = s.frame()
			frame.WireLen = len(frame.Data)
			Decode(&frame, &h)
			a, ok := conversations.Analyze(&frame, &h)
			if !ok {
				t.Fatalf("not analysed: %+v", s)
			}
			empty := s.payload == 0 && s.flags&(SYN|FIN) == 0 || s.flags&RST != 0 || s.fragment && !s.six
			if empty != (a.Seen == SeenEmpty) {
				t.Fatalf("%+v: seen %q", s, a.Seen)
			}
			if kinds := a.Classes & (Retransmission | FastRetransmission | SpuriousRetransmission | OutOfOrder); kinds&(kinds-1) != 0 {
				t.Fatalf("%+v: classes %b", s, a.Classes)
			}
			if conversations.Len() > 2 {
				t.Fatalf("%d conversations", conversations.Len())
			}
		}
	})
}
