package packet

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// PcapWriter writes a pcap file with nanosecond timestamps, in little endian.
type PcapWriter struct{ out *bufio.Writer }

// NewPcapWriter starts a file of frames of one link type on w, which stays the caller's to close. Frames are at most 256 KiB long.
func NewPcapWriter(w io.Writer, link LinkType) (*PcapWriter, error) {
	p := &PcapWriter{out: bufio.NewWriterSize(w, 256<<10)}
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = binary.LittleEndian.AppendUint32(head, maxCaptured)
	head = binary.LittleEndian.AppendUint32(head, uint32(link))
	_, err := p.out.Write(head)
	return p, err
}

// Write adds a frame: its Time (from 1970 to 2106), Data and WireLen.
func (p *PcapWriter) Write(f *Frame) error {
	seconds := f.Time / 1e9
	if f.Time < 0 || seconds > math.MaxUint32 {
		return fmt.Errorf("write pcap: frame %d: its time, %d ns, is not between 1970 and 2106", f.Number, f.Time)
	}
	if len(f.Data) > maxCaptured {
		return fmt.Errorf("write pcap: frame %d: %d bytes are more than %d", f.Number, len(f.Data), maxCaptured)
	}
	var head [16]byte
	binary.LittleEndian.PutUint32(head[:], uint32(seconds))
	binary.LittleEndian.PutUint32(head[4:], uint32(f.Time%1e9))
	binary.LittleEndian.PutUint32(head[8:], uint32(len(f.Data)))
	binary.LittleEndian.PutUint32(head[12:], uint32(f.WireLen))
	p.out.Write(head[:])
	_, err := p.out.Write(f.Data)
	return err
}

// Flush writes what is buffered.
func (p *PcapWriter) Flush() error { return p.out.Flush() }

// PcapngWriter writes a pcapng file of one section, with nanosecond timestamps, in little endian.
type PcapngWriter struct {
	out        *bufio.Writer
	block      []byte
	interfaces int
}

// NewPcapngWriter starts a file on w, which stays the caller's to close. application names the program that writes, "" for none.
func NewPcapngWriter(w io.Writer, application string) (*PcapngWriter, error) {
	p := &PcapngWriter{out: bufio.NewWriterSize(w, 256<<10)}
	p.begin(blockSection)
	p.block = binary.LittleEndian.AppendUint32(p.block, byteOrderMagic)
	p.block = binary.LittleEndian.AppendUint32(p.block, 1) // version 1.0
	p.block = binary.LittleEndian.AppendUint64(p.block, math.MaxUint64)
	if application != "" {
		const userApplication = 4
		if err := p.option(userApplication, application); err != nil {
			return nil, err
		}
		p.option(optionEnd, "")
	}
	return p, p.finish()
}

// AddInterface adds an interface and gives the number to put into Frame.Interface.
func (p *PcapngWriter) AddInterface(i Interface) (int, error) {
	p.begin(blockInterface)
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(i.LinkType))
	p.block = binary.LittleEndian.AppendUint32(p.block, i.SnapLen)
	if i.Name != "" {
		if err := p.option(optionName, i.Name); err != nil {
			return 0, err
		}
	}
	p.option(optionTSResol, "\x09")
	p.option(optionEnd, "")
	p.interfaces++
	return p.interfaces - 1, p.finish()
}

// Write adds a frame, of an interface that was added before, with comments (UTF-8, below 64 KiB each).
func (p *PcapngWriter) Write(f *Frame, comments ...string) error {
	if f.Interface < 0 || f.Interface >= p.interfaces {
		return fmt.Errorf("write pcapng: frame %d is of interface %d, and %d were added", f.Number, f.Interface, p.interfaces)
	}
	if len(f.Data) > maxCaptured {
		return fmt.Errorf("write pcapng: frame %d: %d bytes are more than %d", f.Number, len(f.Data), maxCaptured)
	}
	if f.Time < 0 {
		return fmt.Errorf("write pcapng: frame %d: its time is before 1970", f.Number)
	}
	p.begin(blockEnhanced)
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(f.Interface))
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(f.Time>>32))
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(f.Time))
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(len(f.Data)))
	p.block = binary.LittleEndian.AppendUint32(p.block, uint32(f.WireLen))
	p.block = append(p.block, f.Data...)
	p.pad()
	for _, comment := range comments {
		if err := p.option(optionComment, comment); err != nil {
			return err
		}
	}
	if len(comments) > 0 {
		p.option(optionEnd, "")
	}
	return p.finish()
}

// Flush writes what is buffered.
func (p *PcapngWriter) Flush() error { return p.out.Flush() }

// begin starts a block; its length is filled in at the end.
func (p *PcapngWriter) begin(kind uint32) {
	p.block = binary.LittleEndian.AppendUint32(p.block[:0], kind)
	p.block = append(p.block, 0, 0, 0, 0)
}

func (p *PcapngWriter) option(code uint16, value string) error {
	if len(value) > math.MaxUint16 {
		return fmt.Errorf("write pcapng: an option of %d bytes, at most %d fit", len(value), math.MaxUint16)
	}
	p.block = binary.LittleEndian.AppendUint16(p.block, code)
	p.block = binary.LittleEndian.AppendUint16(p.block, uint16(len(value)))
	p.block = append(p.block, value...)
	p.pad()
	return nil
}

func (p *PcapngWriter) pad() {
	for len(p.block)%4 != 0 {
		p.block = append(p.block, 0)
	}
}

// finish completes the block and writes it.
func (p *PcapngWriter) finish() error {
	size := uint32(len(p.block) + 4)
	binary.LittleEndian.PutUint32(p.block[4:], size)
	p.block = binary.LittleEndian.AppendUint32(p.block, size)
	_, err := p.out.Write(p.block)
	return err
}
