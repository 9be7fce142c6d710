package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// soft is the driver in user space: a switch whose ports are the TAP devices that the hosts
// have as their interfaces. One thread reads frames, takes them through the link of the
// sender, the switch and the links of the receivers, and writes them; it alone owns all that
// is not named below as shared.
type soft struct {
	log   *slog.Logger
	ports []*softPort
	table map[string]macTable // of each network
	pool  pool
	clock clock
	epoll int
	wake  int    // eventfd: there are requests
	taken uint64 // frames read so far

	mu       sync.Mutex
	requests []func() // shared, under mu: to be called by the thread
	ended    bool     // shared, under mu: the thread calls no more requests
	quit     bool
	done     chan struct{} // closed when the thread ended; its fields are everyone's then
	err      error         // what ended the thread
}

type softPort struct {
	Port
	index int
	tap   int
	gone  bool // the device vanished with its namespace
	macs  macTable
	peers []*softPort // the others of its network
	up    line
	down  line
}

// openSoft makes the TAP devices and starts the switch.
func openSoft(ctx context.Context, seed uint64, ports []Port, log *slog.Logger) (_ *soft, err error) {
	s := &soft{log: log, table: map[string]macTable{}, clock: newClock(), epoll: -1, wake: -1, done: make(chan struct{})}
	defer func() {
		if err != nil {
			s.closeDescriptors()
		}
	}()
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("open epoll: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return nil, fmt.Errorf("open eventfd: %w", err)
	}
	if err := s.watch(s.wake, wakeEvent); err != nil {
		return nil, err
	}
	for i, p := range ports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		port := &softPort{Port: p, index: i}
		port.up = line{port: port}
		port.down = line{port: port}
		if port.tap, err = openTAP(p); err != nil {
			return nil, fmt.Errorf("link of host %q: %w", p.Host, err)
		}
		s.ports = append(s.ports, port)
		s.pool.size = max(s.pool.size, p.MTU+ethernetHeader)
		if err := s.watch(port.tap, int32(i)); err != nil {
			return nil, err
		}
		s.plug(port)
	}
	go s.run()
	return s, nil
}

// plug joins a port to its network.
func (s *soft) plug(port *softPort) {
	table := s.table[port.Network]
	if table == nil {
		table = macTable{}
		s.table[port.Network] = table
	}
	port.macs = table
	for _, other := range s.ports {
		if other != port && other.Network == port.Network {
			other.peers = append(other.peers, port)
			port.peers = append(port.peers, other)
		}
	}
	table.learn(port.hardwareAddress(), port)
}

// wakeEvent is what epoll reports for the eventfd; the ports are reported by their index.
const wakeEvent = -1

func (s *soft) watch(fd int, event int32) error {
	err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: event})
	if err != nil {
		return fmt.Errorf("watch a descriptor: %w", err)
	}
	return nil
}

func (s *soft) closeDescriptors() {
	// Removing a device waits for the kernel's other processors; together they wait once.
	var wait sync.WaitGroup
	for _, p := range s.ports {
		wait.Go(func() { unix.Close(p.tap) })
	}
	for _, fd := range []int{s.epoll, s.wake} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	wait.Wait()
}

// Name implements Driver.
func (s *soft) Name() string { return Soft }

// Start implements Driver.
func (s *soft) Start(t time.Time) {}

// Results implements Driver.
func (s *soft) Results() ([]record.LinkResult, error) {
	var results []record.LinkResult
	s.do(func() {
		for _, p := range s.ports {
			results = append(results, p.up.result("up"), p.down.result("down"))
		}
	})
	return results, s.err
}

// Drain implements Driver.
func (s *soft) Drain(ctx context.Context) error {
	for {
		before, after := uint64(0), uint64(0)
		s.do(func() {
			before = s.taken
			for _, p := range s.ports {
				if !p.gone && s.err == nil {
					s.err = s.readFrames(p)
				}
			}
			after = s.taken
		})
		if before == after || s.err != nil {
			return s.err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// Close implements Driver.
func (s *soft) Close() error {
	s.mu.Lock()
	first := !s.quit
	s.mu.Unlock()
	if first {
		s.do(func() { s.quit = true })
		<-s.done
		s.closeDescriptors()
	}
	return s.err
}

// do calls f on the switch's thread, or here when that has ended, and returns when f has.
func (s *soft) do(f func()) {
	called := make(chan struct{})
	s.mu.Lock()
	ended := s.ended
	if !ended {
		s.requests = append(s.requests, func() { f(); close(called) })
		s.wakeUp()
	}
	s.mu.Unlock()
	if ended {
		<-s.done
		f()
		return
	}
	<-called
}

// wakeUp lets the thread see that there are requests. The write cannot fail: the counter
// would have to be near 2^64.
func (s *soft) wakeUp() {
	one := [8]byte{1}
	unix.Write(s.wake, one[:])
}

// serveRequests calls what do was asked to.
func (s *soft) serveRequests() {
	var count [8]byte
	unix.Read(s.wake, count[:])
	s.mu.Lock()
	requests := s.requests
	s.requests = nil
	s.mu.Unlock()
	for _, f := range requests {
		f()
	}
}

// run is the switch's thread.
func (s *soft) run() {
	// Never unlocked: the thread's settings (timer slack) end with it.
	runtime.LockOSThread()
	defer close(s.done)
	err := s.forwardFrames()
	s.mu.Lock()
	s.ended = true
	requests := s.requests
	s.requests = nil
	s.mu.Unlock()
	s.err = err
	if err != nil {
		s.log.Error("links stopped", "error", err)
	}
	for _, f := range requests {
		f()
	}
}

// readBatch is how many frames are read from one port before others have their turn.
const readBatch = 64

func (s *soft) forwardFrames() error {
	// Timers of a thread may be late by its slack, 50 us unless said otherwise (prctl(2)).
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	events := make([]unix.EpollEvent, len(s.ports)+1)
	for !s.quit {
		n, err := unix.EpollWait(s.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("wait for frames: %w", err)
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd == wakeEvent {
				s.serveRequests()
			} else if err := s.readFrames(s.ports[e.Fd]); err != nil {
				return err
			}
		}
	}
	return nil
}

// readFrames takes in what a port has to send.
func (s *soft) readFrames(p *softPort) error {
	for range readBatch {
		f := s.pool.get()
		n, errno := readFrame(p.tap, f.data)
		if errno != 0 {
			s.pool.put(f)
			switch errno {
			case unix.EAGAIN, unix.EINTR:
				return nil
			case unix.EBADFD:
				s.unplug(p)
				return nil
			case unix.EIO: // the interface is down
				return nil
			}
			return fmt.Errorf("link of host %q: read from %s: %w", p.Host, p.Interface, errno)
		}
		f.data = f.data[:n]
		s.taken++
		s.enterUp(p, f, s.clock.now())
	}
	return nil
}

// unplug forgets a port whose device vanished.
func (s *soft) unplug(p *softPort) {
	p.gone = true
	unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, p.tap, nil)
	s.log.Debug("interface vanished", "host", p.Host, "interface", p.Interface)
}

// enterUp takes a frame that a host sent into its link.
func (s *soft) enterUp(p *softPort, f *frame, now int64) {
	p.up.frames++
	s.forward(p, f, now)
}

// enterDown takes a frame from the switch into the link to a host.
func (s *soft) enterDown(p *softPort, f *frame, now int64) {
	p.down.frames++
	s.deliver(p, f)
}

// deliver gives a frame to a host and frees it.
func (s *soft) deliver(p *softPort, f *frame) {
	defer s.pool.put(f)
	if p.gone {
		return
	}
	errno := writeFrame(p.tap, f.data)
	if errno != 0 {
		p.down.undelivered++
	}
}

// readFrame and writeFrame are read(2) and write(2) on a non-blocking descriptor, without
// telling Go's scheduler: they do not wait.

func readFrame(fd int, b []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return int(n), errno
}

func writeFrame(fd int, b []byte) unix.Errno {
	_, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return errno
}
