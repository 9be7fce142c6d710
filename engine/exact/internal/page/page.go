// Package page is the device that carries a job into the guest and its results out: both
// sides of engine/exact share this one description of its layout. The device is a file mapped
// into the guest's memory; the host writes the job before the guest runs and reads the results
// after it stopped, so nothing needs a lock.
//
// Layout: a header of one block at offset 0, then the job (JSON); a header of one block at
// ResultOffset, then the results (a tar archive). A header that was never written is zero.
package page

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// Sizes in bytes. The file is sparse: only what is written takes space.
const (
	Size         = 2 << 30 // of the whole device
	Block        = 4096    // headers are one block, and all of the guest's accesses are multiples of it
	ResultOffset = 64 << 20
	MaxJob       = ResultOffset - Block
	MaxResult    = Size - ResultOffset - Block
)

// Part is one of the two things on the device.
type Part struct {
	magic  string
	offset int64
	max    int64
}

// The parts.
var (
	Job    = Part{"DETGENJ1", 0, MaxJob}
	Result = Part{"DETGENR1", ResultOffset, MaxResult}
)

// ErrAbsent says that a part was never written.
var ErrAbsent = errors.New("not written")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Writer writes one part. Its content counts only after Close wrote the header.
type Writer struct {
	part   Part
	device io.WriterAt
	buffer []byte // content not yet on the device; len < cap
	length int64  // bytes on the device
	sum    hash.Hash32
}

// NewWriter makes a writer that reaches the device in whole blocks and buffers up to the
// length of buffer, a multiple of Block. The buffer's alignment is what the device asks for.
func NewWriter(device io.WriterAt, part Part, buffer []byte) *Writer {
	return &Writer{part: part, device: device, buffer: buffer[:0:len(buffer)], sum: crc32.New(castagnoli)}
}

// Write adds content; it fails when the part is full.
func (w *Writer) Write(p []byte) (int, error) {
	n := len(p)
	if w.length+int64(len(w.buffer)+n) > w.part.max {
		return 0, fmt.Errorf("more than %d bytes", w.part.max)
	}
	w.sum.Write(p)
	for len(p) > 0 {
		k := copy(w.buffer[len(w.buffer):cap(w.buffer)], p)
		w.buffer = w.buffer[:len(w.buffer)+k]
		p = p[k:]
		if len(w.buffer) == cap(w.buffer) {
			if err := w.flush(); err != nil {
				return 0, err
			}
		}
	}
	return n, nil
}

func (w *Writer) flush() error {
	if len(w.buffer) == 0 {
		return nil
	}
	padded := w.buffer[:(len(w.buffer)+Block-1)/Block*Block]
	clear(padded[len(w.buffer):])
	if _, err := w.device.WriteAt(padded, w.part.offset+Block+w.length); err != nil {
		return err
	}
	w.length += int64(len(w.buffer))
	w.buffer = w.buffer[:0]
	return nil
}

// Close writes what is buffered and then the header.
func (w *Writer) Close() error {
	if err := w.flush(); err != nil {
		return err
	}
	header := w.buffer[:Block]
	clear(header)
	copy(header, w.part.magic)
	binary.LittleEndian.PutUint64(header[8:], uint64(w.length))
	binary.LittleEndian.PutUint32(header[16:], w.sum.Sum32())
	_, err := w.device.WriteAt(header, w.part.offset)
	return err
}

// Read gives a part's content after checking its length and its CRC-32C. ReadAt is called
// with the given buffer alone, a multiple of Block long.
func Read(device io.ReaderAt, part Part, buffer []byte, to io.Writer) error {
	if _, err := device.ReadAt(buffer[:Block], part.offset); err != nil {
		return err
	}
	header := bytes.Clone(buffer[:20])
	if bytes.Equal(header, make([]byte, 20)) {
		return ErrAbsent
	}
	length := int64(binary.LittleEndian.Uint64(header[8:]))
	if string(header[:8]) != part.magic || length < 0 || length > part.max {
		return errors.New("damaged header")
	}
	sum := crc32.New(castagnoli)
	offset := part.offset + Block
	for left := length; left > 0; {
		n := min(left, int64(len(buffer)))
		blocks := (n + Block - 1) / Block * Block
		if _, err := device.ReadAt(buffer[:blocks], offset); err != nil {
			return err
		}
		sum.Write(buffer[:n])
		if _, err := to.Write(buffer[:n]); err != nil {
			return err
		}
		offset += n
		left -= n
	}
	if sum.Sum32() != binary.LittleEndian.Uint32(header[16:]) {
		return errors.New("damaged content (CRC-32C differs)")
	}
	return nil
}
