package packet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// stage is a network namespace with one TAP device, and a thread that lives in it.
type stage struct {
	tap  *os.File
	work chan func()
	seen []Frame // what passed the device, in order
}

// newStage makes a namespace with an address. The test ends it.
func newStage(t *testing.T, address string) *stage {
	t.Helper()
	s := &stage{work: make(chan func())}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, and the namespace with it
		ready <- s.open(address)
		for f := range s.work {
			f()
		}
	}()
	if err := <-ready; err != nil {
		t.Fatalf("make a namespace with a TAP device (needs root and /dev/net/tun): %v", err)
	}
	t.Cleanup(func() { close(s.work); s.tap.Close() })
	return s
}

func (s *stage) open(address string) error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	request, err := unix.NewIfreq("eth0")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return err
	}
	s.tap = os.NewFile(uintptr(fd), "tap")
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	parsed, err := netlink.ParseAddr(address)
	if err != nil {
		return err
	}
	return errors.Join(netlink.AddrAdd(link, parsed), netlink.LinkSetUp(link))
}

// do runs f in the namespace: sockets that it opens are there.
func (s *stage) do(f func() error) error {
	done := make(chan error)
	s.work <- func() { done <- f() }
	return <-done
}

// weather forwards frames between two stages, with a delay of 2 ms, and loses, repeats and delays some.
type weather struct {
	mu     sync.Mutex
	random *rand.Rand
	stages [2]*stage
}

func (w *weather) forward(from int) {
	buffer := make([]byte, 65536)
	for {
		n, err := w.stages[from].tap.Read(buffer)
		if err != nil {
			return // closed
		}
		frame := bytes.Clone(buffer[:n])
		w.mu.Lock()
		w.see(from, frame)
		delays := []time.Duration{2 * time.Millisecond}
		switch draw := w.random.IntN(100); {
		case draw < 4:
			delays = nil
		case draw < 7:
			delays = append(delays, 3*time.Millisecond)
		case draw < 12:
			delays[0] += 4 * time.Millisecond
		}
		w.mu.Unlock()
		for _, d := range delays {
			time.AfterFunc(d, func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.see(1-from, frame)
				w.stages[1-from].tap.Write(frame) // fails when the test is over
			})
		}
	}
}

// see puts a frame into a stage's capture.
func (w *weather) see(at int, frame []byte) {
	w.stages[at].seen = append(w.stages[at].seen, Frame{Time: time.Now().UnixNano(), Data: frame, WireLen: len(frame)})
}

// TestAgreesWithWiresharkOnRealTransfers lets real TCP stacks talk through bad weather and compares, at both ends, with tshark.
func TestAgreesWithWiresharkOnRealTransfers(t *testing.T) {
	if testing.Short() {
		t.Skip("needs root, and runs tshark")
	}
	server, client := newStage(t, "10.77.0.1/24"), newStage(t, "10.77.0.2/24")
	w := &weather{random: rand.New(rand.NewPCG(7, 7)), stages: [2]*stage{server, client}}
	go w.forward(0)
	go w.forward(1)
	var listener net.Listener
	if err := server.do(func() (err error) { listener, err = net.Listen("tcp4", "10.77.0.1:5000"); return err }); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const connections, size = 6, 400_000
	served := make(chan error, connections)
	go func() {
		for range connections {
			c, err := listener.Accept()
			if err != nil {
				served <- err
				return
			}
			go func() { served <- serve(c, size) }()
		}
	}()
	for i := range connections {
		var c net.Conn
		if err := client.do(func() (err error) { c, err = net.DialTimeout("tcp4", "10.77.0.1:5000", time.Minute); return err }); err != nil {
			t.Fatal(err)
		}
		if err := fetch(c, size, i == 0); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	for range connections {
		if err := <-served; err != nil {
			t.Fatal(err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := map[Class]int{}
	for i, s := range w.stages {
		path := filepath.Join(t.TempDir(), fmt.Sprintf("end-%d.pcap", i))
		writeFrames(t, path, s.seen)
		compare(t, path)
		count(t, path, seen)
		t.Logf("end %d: %d frames", i, len(s.seen))
	}
	for _, class := range []Class{Retransmission | FastRetransmission, OutOfOrder, DuplicateAck, LostSegment, SpuriousRetransmission} {
		n := 0
		for c := range seen {
			if c&class != 0 {
				n += seen[c]
			}
		}
		if n == 0 {
			t.Errorf("%s did not happen: %v", (class & -class).Name(), seen)
		}
	}
}

// serve reads a request of one byte and answers with size bytes.
func serve(c net.Conn, size int) error {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		return err
	}
	_, err := c.Write(make([]byte, size))
	return err
}

// fetch asks for size bytes. With a small buffer the window closes again and again.
func fetch(c net.Conn, size int, small bool) error {
	defer c.Close()
	if small {
		if err := c.(*net.TCPConn).SetReadBuffer(8 << 10); err != nil {
			return err
		}
	}
	if _, err := c.Write([]byte("?")); err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, c)
	if err == nil && n != int64(size) {
		err = fmt.Errorf("%d of %d bytes came", n, size)
	}
	return err
}

func writeFrames(t *testing.T, path string, frames []Frame) {
	t.Helper()
	var out bytes.Buffer
	p, err := NewPcapWriter(&out, LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		if err := p.Write(&frames[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}
