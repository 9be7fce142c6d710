package packet

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"
)

// order is a byte order in which tests write files.
type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// pcapFile makes a pcap file header and records of {seconds, fraction, captured, wire}; the data of record i are bytes i+1.
func pcapFile(o order, magic uint32, major, minor uint16, snap, link uint32, records ...[4]uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(b, major)
	b = o.AppendUint16(b, minor)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, snap)
	b = o.AppendUint32(b, link)
	for i, r := range records {
		lengths := [2]uint32{r[2], r[3]}
		if major == 2 && minor < 3 {
			lengths = [2]uint32{r[3], r[2]}
		}
		for _, v := range []uint32{r[0], r[1], lengths[0], lengths[1]} {
			b = o.AppendUint32(b, v)
		}
		if magic == 0xa1b2cd34 {
			b = append(b, make([]byte, 8)...)
		}
		b = append(b, bytes.Repeat([]byte{byte(i + 1)}, int(r[2]))...)
	}
	return b
}

// block makes a pcapng block.
func block(o order, kind uint32, body ...[]byte) []byte {
	content := slices.Concat(body...)
	for len(content)%4 != 0 {
		content = append(content, 0)
	}
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, uint32(len(content)+12))
	b = append(b, content...)
	return o.AppendUint32(b, uint32(len(content)+12))
}

func section(o order) []byte {
	return block(o, blockSection, o.AppendUint32(nil, byteOrderMagic), o.AppendUint16(nil, 1), o.AppendUint16(nil, 0), bytes.Repeat([]byte{0xff}, 8))
}

func opt(o order, code uint16, value string) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, (4-len(value)%4)%4)...)
}

func interfaceBlock(o order, link uint16, snap uint32, options ...[]byte) []byte {
	return block(o, blockInterface, o.AppendUint16(nil, link), []byte{0, 0}, o.AppendUint32(nil, snap), slices.Concat(options...))
}

func enhanced(o order, id uint32, stamp uint64, wire uint32, data string, options ...[]byte) []byte {
	var head []byte
	for _, v := range []uint32{id, uint32(stamp >> 32), uint32(stamp), uint32(len(data)), wire} {
		head = o.AppendUint32(head, v)
	}
	padded := append([]byte(data), make([]byte, (4-len(data)%4)%4)...)
	return block(o, blockEnhanced, head, padded, slices.Concat(options...))
}

// read gives a line per frame, and how reading ended.
func read(src io.Reader) (lines []string, warnings []Warning, err error) {
	r, err := NewReader(src)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	var f Frame
	for {
		if err = r.Next(&f); err != nil {
			return lines, r.Warnings(), err
		}
		line := fmt.Sprintf("%d: %d ns, %x of %d, %v, interface %d", f.Number, f.Time, f.Data, f.WireLen, f.LinkType, f.Interface)
		for _, c := range f.Comments() {
			line += ", " + c
		}
		lines = append(lines, line)
	}
}

func TestReadPcap(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	two := [][4]uint32{{1, 2, 2, 3}, {4000000000, 999999, 1, 1}}
	micro := "1: 1000002000 ns, 0101 of 3, ethernet, interface 0|2: 4000000000999999000 ns, 02 of 1, ethernet, interface 0"
	nano := "1: 1000000002 ns, 0101 of 3, ethernet, interface 0|2: 4000000000000999999 ns, 02 of 1, ethernet, interface 0"
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"us le", pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 1, two...), micro},
		{"us be", pcapFile(be, 0xa1b2c3d4, 2, 4, 100, 1, two...), micro},
		{"ns le", pcapFile(le, 0xa1b23c4d, 2, 4, 100, 1, two...), nano},
		{"ns be", pcapFile(be, 0xa1b23c4d, 2, 4, 100, 1, two...), nano},
		{"modified", pcapFile(le, 0xa1b2cd34, 2, 4, 100, 1, two...), micro},
		{"version 2.1", pcapFile(le, 0xa1b2c3d4, 2, 1, 100, 1, two...), micro},
		{"version 2.3", pcapFile(le, 0xa1b2c3d4, 2, 3, 100, 1, two...), micro},
		{"version 2.3 with lengths exchanged", pcapFile(le, 0xa1b2c3d4, 2, 3, 100, 1, [4]uint32{1, 2, 3, 3}), "1: 1000002000 ns, 010101 of 3, ethernet, interface 0"},
		{"longer than the limit", pcapFile(le, 0xa1b2c3d4, 2, 4, 1, 1, two...), micro},
		{"limit 0", pcapFile(le, 0xa1b2c3d4, 2, 4, 0, 1, two...), micro},
		{"check sequence length in the link type", pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 0x24000001, two...), micro},
		{"other link type", pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 195, two[:1]...), "1: 1000002000 ns, 0101 of 3, link type 195, interface 0"},
		{"aix", pcapFile(le, 0xa1b2c3d4, 2, 2, 100, 6, two...), nano},
		{"no frames", pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 1), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, warnings, err := read(bytes.NewReader(c.file))
			if err != io.EOF {
				t.Fatal(err)
			}
			if got := strings.Join(lines, "|"); got != c.want {
				t.Errorf("read %s\nwant %s", got, c.want)
			}
			if len(warnings) > 0 {
				t.Errorf("warnings: %v", warnings)
			}
			// In small pieces, the same must come out.
			if again, _, _ := read(iotest.OneByteReader(bytes.NewReader(c.file))); !slices.Equal(again, lines) {
				t.Errorf("byte by byte %v", again)
			}
		})
	}
}

func TestReadPcapng(t *testing.T) {
	for _, o := range []order{binary.LittleEndian, binary.BigEndian} {
		file := slices.Concat(
			section(o),
			interfaceBlock(o, 1, 0, opt(o, optionName, "eth0"), opt(o, optionTSResol, "\x09"), opt(o, optionEnd, "")),
			interfaceBlock(o, 101, 3),
			enhanced(o, 0, 1_700_000_000_000_000_001, 5, "abcde", opt(o, optionComment, "one"), opt(o, 2, "\x00\x00\x00\x00"), opt(o, optionComment, "two"), opt(o, optionEnd, "")),
			enhanced(o, 1, 1_700_000_000_000_001, 9, "xy"),
			block(o, 0x0bad, []byte("something unknown")),
			block(o, blockSimple, o.AppendUint32(nil, 2), []byte("zz")),
			block(o, blockPacket, o.AppendUint16(nil, 1), []byte{0, 0}, o.AppendUint32(nil, 0), o.AppendUint32(nil, 7), o.AppendUint32(nil, 3), o.AppendUint32(nil, 4), []byte("old")),
			section(o),
			interfaceBlock(o, 113, 1, opt(o, optionTSResol, "\x8a"), opt(o, optionTSOffset, string(o.AppendUint64(nil, 100)))),
			block(o, blockSimple, o.AppendUint32(nil, 2), []byte("y")),
			enhanced(o, 0, 1536, 1, "q"),
		)
		lines, warnings, err := read(bytes.NewReader(file))
		if err != io.EOF || len(warnings) != 1 || warnings[0].Text != "times go back 1 times, first at frame 4" {
			t.Fatal(err, warnings)
		}
		want := []string{
			"1: 1700000000000000001 ns, 6162636465 of 5, ethernet, interface 0, one, two",
			"2: 1700000000000001000 ns, 7879 of 9, raw, interface 1",
			"3: 0 ns, 7a7a of 2, ethernet, interface 0",
			"4: 7000 ns, 6f6c64 of 4, raw, interface 1",
			"5: 0 ns, 79 of 2, linux-sll, interface 2",
			"6: 101500000000 ns, 71 of 1, linux-sll, interface 2",
		}
		if !slices.Equal(lines, want) {
			t.Errorf("%v: read\n%s\nwant\n%s", o, strings.Join(lines, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestTimeOfInterface(t *testing.T) {
	for _, c := range []struct {
		resolution byte
		offset     int64
		stamp      uint64
		want       int64
	}{
		{6, 0, 1_700_000_000_123_456, 1_700_000_000_123_456_000},
		{3, 0, 1_700_000_000_123, 1_700_000_000_123_000_000},
		{0, 5, 7, 12e9},
		{12, 0, 1_700_000_000_123_456_789_000 % (1 << 63), 1_700_000_000_123_456_789_000 % (1 << 63) / 1000},
		{0x80 | 32, 0, 3<<32 | 1<<31, 3_500_000_000},
		{19, 0, 15_000_000_000_000_000_000, 1_500_000_000},
		{9, -1, 500, -999_999_500},
		{0, 0, 1 << 63, 9_223_372_035_000_000_000}, // too late for 64 bits
	} {
		i := Interface{units: timeUnits(c.resolution), offset: c.offset}
		if got := i.time(c.stamp); got != c.want {
			t.Errorf("resolution %#x, offset %d, stamp %d: %d ns, want %d", c.resolution, c.offset, c.stamp, got, c.want)
		}
	}
}

func TestReadCompressed(t *testing.T) {
	plain := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 30, 30}, [4]uint32{1, 3, 30, 30})
	want, _, _ := read(bytes.NewReader(plain))
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	z.Write(plain)
	z.Close()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string][]byte{"gzip": zipped.Bytes(), "zstd": encoder.EncodeAll(plain, nil)} {
		got, _, err := read(bytes.NewReader(file))
		if err != io.EOF || !slices.Equal(got, want) {
			t.Errorf("%s: %v %v", name, got, err)
		}
		_, _, err = read(bytes.NewReader(file[:len(file)-9]))
		var damage *DamageError
		if !errors.As(err, &damage) || damage.Reason != "the compressed data ends too early" {
			t.Errorf("%s cut: %v, want damage", name, err)
		}
	}
}

func TestDamage(t *testing.T) {
	le := binary.LittleEndian
	whole := pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 4, 4}, [4]uint32{1, 3, 4, 4})
	ng := slices.Concat(section(le), interfaceBlock(le, 1, 0), enhanced(le, 0, 1, 4, "abcd"), enhanced(le, 0, 2, 4, "efgh"))
	start := len(ng) - 36 // of the last block
	changed := func(at int, v byte) []byte {
		b := bytes.Clone(ng)
		b[at] = v
		return b
	}
	for _, c := range []struct {
		name   string
		file   []byte
		frames int
		want   string
	}{
		{"in a record header", whole[:24+20+7], 1, "damaged at byte 44, after frame 1: the file ends within a record header"},
		{"in a frame", whole[:24+20+18], 1, "damaged at byte 44, after frame 1: the file ends within a frame: 2 of 4 bytes are there"},
		{"in the first frame", whole[:24+18], 0, "damaged at byte 24, after frame 0: the file ends within a frame: 2 of 4 bytes are there"},
		{"absurd length", pcapFile(le, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 1 << 20, 4}), 0,
			"damaged at byte 24, after frame 0: a record says that it holds 1048576 bytes (at most 262144 are believed)"},
		{"in a block", ng[:len(ng)-5], 1, fmt.Sprintf("damaged at byte %d, after frame 1: the file ends within a block: 31 of 36 bytes are there", start)},
		{"in a block header", ng[:start+3], 1, fmt.Sprintf("damaged at byte %d, after frame 1: the file ends within a block header", start)},
		{"lengths of a block", changed(len(ng)-4, 40), 1, fmt.Sprintf("damaged at byte %d, after frame 1: the lengths at the two ends of a block differ: 36 and 40", start)},
		{"short block", changed(start+4, 8), 1, fmt.Sprintf("damaged at byte %d, after frame 1: a block of 8 bytes, at least 32 are needed", start)},
		{"no such interface", changed(start+8, 1), 1, fmt.Sprintf("damaged at byte %d, after frame 1: a frame of interface 1, but the section has described 1", start)},
		{"frame longer than its block", changed(start+20, 9), 1, fmt.Sprintf("damaged at byte %d, after frame 1: a block of 36 bytes says that it holds a frame of 9", start)},
		{"packet block before an interface", slices.Concat(section(le), enhanced(le, 0, 2, 4, "efgh")), 0,
			"damaged at byte 28, after frame 0: a frame of interface 0, but the section has described 0"},
		{"block too long", slices.Concat(ng, le.AppendUint32(le.AppendUint32(nil, 6), 1<<31)), 2,
			fmt.Sprintf("damaged at byte %d, after frame 2: a block of 2147483648 bytes (at most 16777216 are believed)", len(ng))},
		{"unknown block cut", slices.Concat(ng, le.AppendUint32(le.AppendUint32(nil, 99), 1<<31)), 2,
			fmt.Sprintf("damaged at byte %d, after frame 2: the file ends within a block: 2147483640 of 2147483648 bytes are missing", len(ng)+8)},
		{"later section", slices.Concat(ng, block(le, blockSection, []byte("nonsense"), make([]byte, 8))), 2,
			fmt.Sprintf("damaged at byte %d, after frame 2: a section header with byte-order magic 0x736e6f6e", len(ng))},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, _, err := read(bytes.NewReader(c.file))
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
			if len(lines) != c.frames {
				t.Errorf("%d frames, want %d", len(lines), c.frames)
			}
		})
	}
}

func TestNotCapture(t *testing.T) {
	dir := t.TempDir()
	whole := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":           {nil, "not a capture: empty"},
		"text":            {[]byte("hello, world"), "not a capture: it starts with 68 65 6c 6c, which is neither pcap nor pcapng (nor gzip or zstd)"},
		"two bytes":       {[]byte("hi"), "not a capture: it starts with 68 69, which is neither pcap nor pcapng (nor gzip or zstd)"},
		"pcap header cut": {whole[:20], "not a capture: the pcap file header is cut after 20 of 24 bytes"},
		"pcap version 1":  {pcapFile(binary.LittleEndian, 0xa1b2c3d4, 1, 0, 0, 1), "not a capture: pcap version 1.0; versions from 2.0 on can be read"},
		"pcapng cut":      {section(binary.LittleEndian)[:11], "not a capture: the pcapng section header is cut after 11 bytes"},
		"bad gzip":        {[]byte{0x1f, 0x8b, 0, 0, 0}, "not a capture: bad gzip: unexpected EOF"},
		"text in zstd":    {zstdOf(t, "hello"), "not a capture: it starts with 68 65 6c 6c, which is neither pcap nor pcapng (nor gzip or zstd)"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, c.content, 0o666); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path)
			if !errors.Is(err, ErrNotCapture) || err.Error() != path+": "+c.want {
				t.Errorf("%v\nwant %s: %s", err, path, c.want)
			}
		})
	}
	if _, err := Open(dir); !errors.Is(err, ErrNotCapture) || err.Error() != dir+": not a capture: a directory" {
		t.Errorf("a directory: %v", err)
	}
	if _, err := Open(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

func zstdOf(t *testing.T, text string) []byte {
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll([]byte(text), nil)
}

func TestSourceFails(t *testing.T) {
	failure := errors.New("the disk is gone")
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 4, 4})
	lines, _, err := read(io.MultiReader(bytes.NewReader(file), iotest.ErrReader(&os.PathError{Op: "read", Path: "x", Err: failure})))
	if !errors.Is(err, failure) || len(lines) != 1 {
		t.Errorf("%d frames, %v; want 1 and the failure", len(lines), err)
	}
}

func TestWarnings(t *testing.T) {
	file := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 100, 1, [4]uint32{1, 2, 4, 3}, [4]uint32{1, 2, 4, 2})
	lines, warnings, err := read(bytes.NewReader(file))
	if err != io.EOF || len(lines) != 2 {
		t.Errorf("%d frames, %v", len(lines), err)
	}
	if len(warnings) != 1 || warnings[0].String() != "at byte 24: more bytes captured (4) than there were on the wire (3)" {
		t.Errorf("warnings %v", warnings)
	}
}

// TestFramesAcrossBlocks reads more than one block of the input.
func TestFramesAcrossBlocks(t *testing.T) {
	var records [][4]uint32
	for i := range 40 {
		records = append(records, [4]uint32{uint32(i), 0, 200_000 - uint32(i), 200_000})
	}
	r, err := NewReader(bytes.NewReader(pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 0, 1, records...)))
	if err != nil {
		t.Fatal(err)
	}
	var f Frame
	for i := range 40 {
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if len(f.Data) != 200_000-i || f.Time != int64(i)*1e9 || bytes.Count(f.Data, []byte{byte(i + 1)}) != len(f.Data) {
			t.Fatalf("frame %d: %d bytes at %d", i, len(f.Data), f.Time)
		}
	}
	if err := r.Next(&f); err != io.EOF {
		t.Error(err)
	}
}

// TestReadInto reads the same frames, and damage at the same place, whatever memory they are read into and whenever that
// changes.
func TestReadInto(t *testing.T) {
	var records [][4]uint32
	for i := range 300 {
		size := uint32(i % 90)
		if i%7 == 0 {
			size = uint32(i * 797 % 250_000)
		}
		records = append(records, [4]uint32{uint32(i), 0, size, size})
	}
	plain := pcapFile(binary.LittleEndian, 0xa1b2c3d4, 2, 4, 0, 1, records...)
	cut := plain[:len(plain)-1]
	for _, file := range [][]byte{plain, cut} {
		want, _, wantErr := read(bytes.NewReader(file))
		for _, turn := range []int{1, 2, 3, 10, 100} {
			r, err := NewReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			var memory [3]Buffer
			var f Frame
			for i := 0; ; i++ {
				if i%turn == 0 {
					before := r.Left()
					r.ReadInto(&memory[i/turn%len(memory)])
					if r.Left() != before {
						t.Fatalf("turns of %d: %d bytes are left of %d", turn, r.Left(), before)
					}
				}
				if err = r.Next(&f); err != nil {
					if i != len(want) {
						t.Errorf("turns of %d: %d frames, want %d", turn, i, len(want))
					}
					break
				}
				if line := fmt.Sprintf("%d: %d ns, %x of %d, %v, interface %d", f.Number, f.Time, f.Data, f.WireLen, f.LinkType, f.Interface); i >= len(want) || line != want[i] {
					t.Fatalf("turns of %d: frame %d differs", turn, i)
				}
			}
			if err.Error() != wantErr.Error() {
				t.Errorf("turns of %d: %v, want %v", turn, err, wantErr)
			}
		}
	}
}

func TestReadAllocatesNothingPerFrame(t *testing.T) {
	file := benchmarkCapture(1000)
	var f Frame
	var h Headers
	allocations := testing.AllocsPerRun(5, func() {
		r, err := NewReader(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		for r.Next(&f) == nil {
			Decode(&f, &h)
		}
	})
	if allocations > 20 {
		t.Errorf("%.0f allocations for 1000 frames", allocations)
	}
}
