package packet

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Frame is one captured frame.
type Frame struct {
	Number    uint64 // in its capture, from 1; in a Series counted through
	Time      int64  // ns since the Unix epoch
	Data      []byte // what was captured of it; valid until the next read
	WireLen   int    // its length on the wire as the file says, bytes; at most 2^31-1
	LinkType  LinkType
	Interface int // index into Reader.Interfaces
	Capture   int // index into Series.Paths

	options   []byte // of a pcapng packet block
	bigEndian bool   // the byte order of the section that holds it
}

// Interface is what a capture says about one interface: a pcapng interface description, or
// the header of a pcap file.
type Interface struct {
	Name     string
	LinkType LinkType
	SnapLen  uint32 // 0: no limit

	units  uint64 // of time per second
	offset int64  // seconds
}

// Warning is something odd in a capture that did not keep its frames from being read.
type Warning struct {
	Offset int64 // in the (uncompressed) file
	Text   string
}

func (w Warning) String() string { return fmt.Sprintf("at byte %d: %s", w.Offset, w.Text) }

// ErrNotCapture is what NewReader and Open wrap when the input is no capture.
var ErrNotCapture = errors.New("not a capture")

// DamageError says where and why a capture could not be read to its end. The frames before
// that place were read and are good.
type DamageError struct {
	Offset int64  // in the (uncompressed) file
	Frames uint64 // that were read before
	Reason string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("damaged at byte %d, after frame %d: %s", e.Offset, e.Frames, e.Reason)
}

// maxCaptured is the longest captured frame that is believed (as in libpcap and Wireshark);
// a longer one means that the file is damaged.
const maxCaptured = 256 << 10

// maxWire is the longest length on the wire that is reported (as in Wireshark).
const maxWire = 1<<31 - 1

// maxWarnings bounds what a hostile file can make a reader remember.
const maxWarnings = 100

// Reader reads the frames of a capture: pcap (versions 2.0 to 2.4, microseconds, nanoseconds,
// and Kuznetzov's modified format) or pcapng, in either byte order, plain or compressed with
// gzip or zstd. The format is found by its content. It reads ahead in blocks of 256 KiB and holds no more
// than that, unless a single frame needs it.
type Reader struct {
	in         input
	number     uint64
	interfaces []Interface
	warnings   []Warning
	warned     map[string]bool
	err        error // final
	closers    []func() error
	compressed *source // nil when the file is plain
	clock      clock

	swapped bool // byte order differs from little endian
	pcapng  bool

	// pcap
	link       LinkType
	header     int   // bytes of a record header
	fraction   int64 // ns per unit of a record's fraction of a second
	exchanged  bool  // captured and wire length are in each other's place
	maybeSwaps bool  // ... when they look like it (version 2.3)

	// pcapng
	section int // index into interfaces of the section's first one
}

// Open opens the capture at path, "-" for the standard input. Close it after use.
func Open(path string) (*Reader, error) {
	if path == "-" {
		r, err := NewReader(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
		return r, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err == nil && info.IsDir() {
		file.Close()
		return nil, fmt.Errorf("%s: %w: a directory", path, ErrNotCapture)
	}
	return OpenFile(file)
}

// OpenFile reads the capture in a file, which the reader's Close closes; an error does so, too.
func OpenFile(file *os.File) (*Reader, error) {
	r, err := NewReader(file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	r.closers = append(r.closers, file.Close)
	return r, nil
}

// NewReader starts reading a capture from src, which stays the caller's to close. The error
// wraps ErrNotCapture when src is something else.
func NewReader(src io.Reader) (*Reader, error) {
	r := &Reader{in: input{src: src}, warned: map[string]bool{}}
	if err := r.uncompress(); err != nil {
		r.Close()
		return nil, err
	}
	if err := r.start(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// uncompress looks for the magic numbers of gzip (RFC 1952) and zstd (RFC 8878) and puts the
// decompressor in front.
func (r *Reader) uncompress() error {
	head := r.in.peek(4)
	if len(head) == 0 {
		return r.notStarted(errors.New("empty"))
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		compressed := bufio.NewReader(r.rest())
		first, err := gzip.NewReader(compressed)
		if err != nil {
			return r.notStarted(fmt.Errorf("bad gzip: %w", err))
		}
		first.Multistream(false)
		r.in = input{src: &members{gzip: first, src: compressed, warn: r.warn}}
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		plain, err := zstd.NewReader(r.rest(), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return r.notStarted(fmt.Errorf("bad zstd: %w", err))
		}
		r.closers = append(r.closers, func() error { plain.Close(); return nil })
		r.in = input{src: plain}
	}
	return nil
}

// rest is everything from the current place on, for a decompressor.
func (r *Reader) rest() io.Reader {
	r.compressed = &source{Reader: r.in.src}
	return io.MultiReader(bytes.NewReader(r.in.buf[r.in.pos:r.in.end]), r.compressed)
}

// notStarted makes the error of a file that cannot even be started, for the given reason or, when
// the source has failed, for that.
func (r *Reader) notStarted(reason error) error {
	if r.compressed != nil && r.compressed.err != nil {
		return r.compressed.err
	}
	if err := r.in.err; r.compressed == nil && err != nil && err != io.EOF {
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotCapture, reason)
}

// start finds the format and reads the file header.
func (r *Reader) start() error {
	head := r.in.peek(4)
	if len(head) < 4 {
		return r.notCapture(head)
	}
	const (
		microseconds = 0xa1b2c3d4
		nanoseconds  = 0xa1b23c4d
		modified     = 0xa1b2cd34
		section      = 0x0a0d0d0a
	)
	magic := binary.LittleEndian.Uint32(head)
	if magic == section {
		r.pcapng = true
		return r.startPcapng()
	}
	switch bits.ReverseBytes32(magic) {
	case microseconds, nanoseconds, modified:
		r.swapped = true
		magic = bits.ReverseBytes32(magic)
	}
	r.header, r.fraction = 16, 1000
	switch magic {
	case microseconds:
	case nanoseconds:
		r.fraction = 1
	case modified:
		r.header = 24
	default:
		return r.notCapture(head)
	}
	return r.startPcap()
}

func (r *Reader) notCapture(head []byte) error {
	if len(head) < 4 && r.in.err != io.EOF {
		return r.notStarted(r.failure())
	}
	return r.notStarted(fmt.Errorf("it starts with % x, which is neither pcap nor pcapng (nor gzip or zstd)", head[:min(4, len(head))]))
}

// Next reads the next frame into f. It returns io.EOF after the last one, a *DamageError when
// the file is cut or broken there, or the error of the source.
func (r *Reader) Next(f *Frame) error {
	next := r.nextPcap
	if r.pcapng {
		next = r.nextPcapng
	}
	err := next(f)
	if err == nil {
		r.clock.note(f)
	}
	return err
}

// ReadInto makes b what the reader reads into from here on. Goroutines that take turns with a reader have one each, so that
// what a processor reads stays in its own cache. Data of frames that were read before is not valid any more.
func (r *Reader) ReadInto(b *Buffer) { r.in.readInto(b) }

// Left is how much was read ahead, bytes.
func (r *Reader) Left() int { return r.in.end - r.in.pos }

// clock counts how often the time of a frame is before that of the frame before it.
type clock struct {
	last  int64
	back  uint64
	first uint64 // frame after the first step back
}

func (c *clock) note(f *Frame) {
	if f.Time == 0 { // as that of a block without a time
		return
	}
	if f.Time < c.last {
		if c.back++; c.back == 1 {
			c.first = f.Number
		}
	}
	c.last = f.Time
}

// Interfaces are the interfaces seen so far, of all sections of the file.
func (r *Reader) Interfaces() []Interface { return r.interfaces }

// Warnings are what was odd so far, each kind once.
func (r *Reader) Warnings() []Warning {
	if c := &r.clock; c.back > 0 {
		return append(slices.Clip(r.warnings), Warning{Offset: r.in.at(), Text: fmt.Sprintf("times go back %d times, first at frame %d", c.back, c.first)})
	}
	return r.warnings
}

// Close closes what Open opened. Frames must not be used after it.
func (r *Reader) Close() error {
	var errs []error
	for _, closer := range r.closers {
		errs = append(errs, closer())
	}
	r.closers = nil
	return errors.Join(errs...)
}

// warn remembers an oddity of a kind once.
func (r *Reader) warn(kind, format string, args ...any) {
	if r.warned[kind] || len(r.warnings) == maxWarnings {
		return
	}
	r.warned[kind] = true
	r.warnings = append(r.warnings, Warning{Offset: r.in.at(), Text: fmt.Sprintf(format, args...)})
}

// failure is why the stream gave no more bytes, nil when it just ended: the error of the source, or damage of
// compressed data.
func (r *Reader) failure() error {
	err := r.in.err
	switch {
	case err == io.EOF:
		return nil
	case r.compressed == nil || r.compressed.err != nil:
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return r.damage("the compressed data ends too early")
	}
	return r.damage("the compressed data is broken: %v", err)
}

// end makes the final error of a stream that had no more bytes: the end of the file between
// two records, or damage within one.
func (r *Reader) end(within bool, format string, args ...any) error {
	r.err = r.failure()
	if r.err == nil && within {
		r.err = r.damage(format, args...)
	}
	if r.err == nil {
		r.err = io.EOF
	}
	return r.err
}

// damaged makes the final error of a file that is broken at the current place.
func (r *Reader) damaged(format string, args ...any) error {
	r.err = r.damage(format, args...)
	return r.err
}

func (r *Reader) damage(format string, args ...any) error {
	return &DamageError{Offset: r.in.at(), Frames: r.number, Reason: fmt.Sprintf(format, args...)}
}

// source remembers the failure of what a decompressor reads from, to tell it from broken data.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}
