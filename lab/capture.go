package lab

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// capture records every frame at one interface from an AF_PACKET socket with a TPACKET_V3
// ring (packet(7), Documentation/networking/packet_mmap.rst) into a pcap file with nanosecond
// stamps. The socket is open and bound when openCapture returns; nothing that reaches the
// interface after that is missed unless the kernel counts it as dropped.
type capture struct {
	fd      int
	ring    []byte
	file    *os.File
	out     *bufio.Writer
	frames  uint64
	bytes   int64
	dropped uint64
	stopped atomic.Bool
	wake    [2]int // pipe that ends the reader's poll
	done    chan struct{}
	err     error
	once    sync.Once
}

// The ring: one block holds at least two full frames of any size we allow, and the whole ring
// takes several milliseconds of a gigabit.
const (
	ringBlockSize  = 256 << 10
	ringFrameSize  = 2048
	ringRetireMs   = 8 // a block that is not full is handed over after this time
	maxFrame       = 65535 + 18
	pcapMagicNanos = 0xa1b23c4d
)

// openCapture opens a capture of the interface with the given index in the network namespace
// that the calling thread is in. ringBytes is the size of the ring.
func openCapture(ifindex int, path string, ringBytes int) (*capture, error) {
	return open(path, ringBytes, func(fd int) error {
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: ifindex}); err != nil {
			return fmt.Errorf("bind to interface %d: %w", ifindex, err)
		}
		return nil
	})
}

// openTap opens a capture of what comes in, and nothing that goes out, at any of the devices with the given indexes. All
// come by one socket, so they are in the order in which they came.
func openTap(devices []int, path string, ringBytes int) (*capture, error) {
	return open(path, ringBytes, func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1); err != nil {
			return fmt.Errorf("leave out what goes out: %w", err)
		}
		filter := comesInAt(devices)
		program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
		if err := unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
			return fmt.Errorf("filter by device: %w", err)
		}
		if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL)}); err != nil {
			return fmt.Errorf("bind to all devices: %w", err)
		}
		return nil
	})
}

// comesInAt is the socket filter that lets the frames of devices pass, whole (linux/filter.h: the device's index is loaded
// from a place of its own).
func comesInAt(devices []int) []unix.SockFilter {
	const device = 0xfffff000 + 8 // SKF_AD_OFF + SKF_AD_IFINDEX
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: device}}
	for _, index := range devices {
		filter = append(filter,
			unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: uint32(index)},
			unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 262144})
	}
	return append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: 0})
}

// open opens a capture of what bind makes its socket receive.
func open(path string, ringBytes int, bind func(fd int) error) (_ *capture, err error) {
	c := &capture{fd: -1, wake: [2]int{-1, -1}, done: make(chan struct{})}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	// Protocol 0: nothing is received until bind, so that no frame of another interface gets in.
	if c.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	if err = unix.SetsockoptInt(c.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V3); err != nil {
		return nil, fmt.Errorf("packet socket: TPACKET_V3: %w", err)
	}
	blocks := max(ringBytes/ringBlockSize, 4)
	req := unix.TpacketReq3{
		Block_size:     ringBlockSize,
		Block_nr:       uint32(blocks),
		Frame_size:     ringFrameSize,
		Frame_nr:       uint32(blocks * ringBlockSize / ringFrameSize),
		Retire_blk_tov: ringRetireMs,
	}
	if err = unix.SetsockoptTpacketReq3(c.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("packet socket: ring of %d bytes: %w", blocks*ringBlockSize, err)
	}
	if c.ring, err = unix.Mmap(c.fd, 0, blocks*ringBlockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("packet socket: map ring: %w", err)
	}
	if err = unix.Pipe2(c.wake[:], unix.O_CLOEXEC); err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	if c.file, err = os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644); err != nil {
		return nil, err
	}
	c.out = bufio.NewWriterSize(c.file, 256<<10)
	header := make([]byte, 24)
	binary.LittleEndian.PutUint32(header[0:], pcapMagicNanos)
	binary.LittleEndian.PutUint16(header[4:], 2)
	binary.LittleEndian.PutUint16(header[6:], 4)
	binary.LittleEndian.PutUint32(header[16:], 262144)
	binary.LittleEndian.PutUint32(header[20:], 1) // Ethernet
	c.out.Write(header)
	if err = bind(c.fd); err != nil {
		return nil, fmt.Errorf("packet socket: %w", err)
	}
	go c.read(blocks)
	return c, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// blockHeader is struct tpacket_block_desc with its tpacket_hdr_v1 (linux/if_packet.h).
type blockHeader struct {
	Version      uint32
	OffsetToPriv uint32
	Status       uint32
	Packets      uint32
	First        uint32
	Length       uint32
	Sequence     uint64
}

func (c *capture) block(i int) *blockHeader {
	return (*blockHeader)(unsafe.Pointer(&c.ring[i*ringBlockSize]))
}

// read moves frames from the ring to the file until close asks it to stop and the ring is
// empty.
func (c *capture) read(blocks int) {
	defer close(c.done)
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLIN}, {Fd: int32(c.wake[0]), Events: unix.POLLIN}}
	for i := 0; ; {
		b := c.block(i)
		if atomic.LoadUint32(&b.Status)&unix.TP_STATUS_USER != 0 {
			c.writeBlock(c.ring[i*ringBlockSize:(i+1)*ringBlockSize], b)
			atomic.StoreUint32(&b.Status, unix.TP_STATUS_KERNEL)
			i = (i + 1) % blocks
			continue
		}
		watch := fds
		if c.stopped.Load() {
			// The kernel counts frames into a block while it fills it, and its timer hands over a
			// block that has some: one with none is the end.
			if atomic.LoadUint32(&b.Packets) == 0 && atomic.LoadUint32(&b.Status)&unix.TP_STATUS_USER == 0 {
				return
			}
			watch = fds[:1]
		}
		if _, err := unix.Poll(watch, -1); err != nil && !errors.Is(err, unix.EINTR) {
			c.fail(fmt.Errorf("packet socket: poll: %w", err))
			return
		}
		if fds[0].Revents&unix.POLLERR != 0 {
			// The interface went down (it is being removed); what was captured is kept.
			unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR)
			fds[0].Revents = 0
		}
	}
}

func (c *capture) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// writeBlock writes the frames of one ring block.
func (c *capture) writeBlock(block []byte, b *blockHeader) {
	offset := b.First
	var record [16]byte
	for range b.Packets {
		h := (*unix.Tpacket3Hdr)(unsafe.Pointer(&block[offset]))
		data := block[offset+uint32(h.Mac) : offset+uint32(h.Mac)+h.Snaplen]
		binary.LittleEndian.PutUint32(record[0:], h.Sec)
		binary.LittleEndian.PutUint32(record[4:], h.Nsec)
		binary.LittleEndian.PutUint32(record[8:], h.Snaplen)
		binary.LittleEndian.PutUint32(record[12:], h.Len)
		if h.Snaplen < h.Len {
			c.fail(fmt.Errorf("frame %d was cut to %d of %d bytes", c.frames+1, h.Snaplen, h.Len))
		}
		if _, err := c.out.Write(record[:]); err != nil {
			c.fail(err)
		}
		if _, err := c.out.Write(data); err != nil {
			c.fail(err)
		}
		c.frames++
		offset += h.Next_offset
	}
}

// finish takes what is left in the ring, reads the kernel's drop counter and closes the file.
func (c *capture) finish() error {
	c.once.Do(func() {
		c.stopped.Store(true)
		unix.Write(c.wake[1], []byte{0})
		<-c.done
		// PACKET_STATISTICS also counts queue freezes; only drops lose frames.
		if stats, err := unix.GetsockoptTpacketStatsV3(c.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err != nil {
			c.fail(fmt.Errorf("packet socket: statistics: %w", err))
		} else {
			c.dropped = uint64(stats.Drops)
		}
		if err := c.out.Flush(); err != nil {
			c.fail(err)
		}
		if info, err := c.file.Stat(); err == nil {
			c.bytes = info.Size()
		}
		if err := c.file.Close(); err != nil {
			c.fail(err)
		}
		c.file = nil
	})
	return c.err
}

// release lets go of a capture that is finished. The kernel takes 10 ms and more to be sure that no processor uses the
// socket (synchronize_net).
func (c *capture) release() {
	if c.ring != nil {
		unix.Munmap(c.ring)
		c.ring = nil
	}
	for _, fd := range []int{c.fd, c.wake[0], c.wake[1]} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	if c.file != nil {
		c.file.Close()
	}
}
