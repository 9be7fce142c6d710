package link

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// soft is the driver in user space: a switch whose ports are the TAP devices that the hosts
// have as their interfaces. One thread reads frames, takes them through the line of the
// sender, the switch and the lines of the receivers, and writes them; it alone owns all that
// is not named below as shared.
type soft struct {
	log     *slog.Logger
	seed    uint64
	ports   []*softPort
	lines   []*line             // up and down of each port
	table   map[string]macTable // of each network
	pool    pool
	clock   clock
	events  eventList
	started int64 // when the main activity started; by the clock
	next    int64 // no waiting frame is due before; by the clock
	epoll   int
	wake    int               // eventfd: there are requests
	drains  []chan<- struct{} // to be closed when no frame is under way

	mu       sync.Mutex
	requests []func() // shared, under mu: to be called by the thread
	ended    bool     // shared, under mu: the thread calls no more requests
	closed   bool     // shared, under mu: Close was called
	quit     bool
	done     chan struct{} // closed when the thread ended; its fields are everyone's then
	err      error         // what ended the thread
}

type softPort struct {
	Port
	tap   int
	gone  bool // the device vanished with its namespace
	macs  macTable
	peers []*softPort // the others of its network
	up    *line
	down  *line
}

// never is later than any time.
const never = math.MaxInt64

// openSoft makes the TAP devices and starts the switch.
func openSoft(ctx context.Context, seed uint64, ports []Port, log *slog.Logger) (_ *soft, err error) {
	s := &soft{
		log: log, seed: seed,
		table: map[string]macTable{}, clock: newClock(), started: never, next: never,
		epoll: -1, wake: -1, done: make(chan struct{}),
	}
	for _, p := range ports {
		if err := s.addPort(p); err != nil {
			return nil, fmt.Errorf("link of host %q, interface %q: %w", p.Host, p.Interface, err)
		}
	}
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
	for i, p := range s.ports {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if p.tap, err = openTAP(p.Port); err != nil {
			return nil, fmt.Errorf("link of host %q: %w", p.Host, err)
		}
		if err := s.watch(p.tap, int32(i)); err != nil {
			return nil, err
		}
	}
	go s.run()
	return s, nil
}

// addPort adds a port, with its lines, and joins it to its network. The device is not made
// yet.
func (s *soft) addPort(p Port) error {
	up, err := newLine(s.seed, p, true, p.Up)
	if err != nil {
		return err
	}
	down, err := newLine(s.seed, p, false, p.Down)
	if err != nil {
		return err
	}
	port := &softPort{Port: p, tap: -1, up: up, down: down}
	for _, l := range []*line{up, down} {
		if len(s.lines) == maxLines {
			return fmt.Errorf("more than %d interfaces", maxLines/2)
		}
		l.port, l.index = port, uint16(len(s.lines))
		s.lines = append(s.lines, l)
	}
	table := s.table[p.Network]
	if table == nil {
		table = macTable{}
		s.table[p.Network] = table
	}
	port.macs = table
	table.learn(port.hardwareAddress(), port)
	for _, other := range s.ports {
		if other.Network == p.Network {
			other.peers = append(other.peers, port)
			port.peers = append(port.peers, other)
		}
	}
	s.ports = append(s.ports, port)
	s.pool.size = max(s.pool.size, p.MTU+ethernetHeader)
	return nil
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
		if p.tap >= 0 {
			wait.Go(func() { unix.Close(p.tap) })
		}
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
func (s *soft) Start(t time.Time) { s.do(func() { s.started = s.clock.at(t) }) }

// Results implements Driver.
func (s *soft) Results() ([]record.LinkResult, error) {
	results := make([]record.LinkResult, 0, len(s.lines))
	var err error
	s.do(func() {
		now := s.clock.now()
		for _, l := range s.lines {
			l.followSchedule(now - s.started)
			results = append(results, l.counts)
		}
		err = s.err
	})
	return results, err
}

// Log implements DecisionLog.
func (s *soft) Log() *record.LinkLog {
	l := &record.LinkLog{Start: s.clock.base, Seed: s.seed}
	s.do(func() {
		for _, n := range s.lines {
			l.Lines = append(l.Lines, record.LinkLine{Host: n.counts.Host, Interface: n.counts.Interface, Direction: n.counts.Direction})
		}
		l.Events = s.events.all()
	})
	return l
}

// Drain implements Driver.
func (s *soft) Drain(ctx context.Context) error {
	drained := make(chan struct{})
	s.do(func() { s.drains = append(s.drains, drained) })
	select {
	case <-drained:
		return nil
	case <-s.done:
		return s.err
	case <-ctx.Done():
		return fmt.Errorf("wait for frames under way: %w", ctx.Err())
	}
}

// Close implements Driver.
func (s *soft) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	if first {
		s.do(func() { s.quit = true })
		<-s.done
		s.closeDescriptors()
	}
	<-s.done
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

// forwardFrames is the switch's work, until it is told to quit.
func (s *soft) forwardFrames() error {
	// Timers of a thread may be late by its slack, 50 us unless said otherwise (prctl(2)).
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	events := make([]unix.EpollEvent, len(s.ports)+1)
	for !s.quit {
		n, err := waitEvents(s.epoll, events, s.patience())
		if err != nil {
			return err
		}
		for _, e := range events[:n] {
			if e.Fd == wakeEvent {
				s.serveRequests()
			} else if err := s.readFrames(s.ports[e.Fd]); err != nil {
				return err
			}
		}
		s.releaseDue(s.clock.now())
		if n == 0 && s.next == never {
			for _, d := range s.drains {
				close(d)
			}
			s.drains = nil
		}
	}
	return nil
}

// patience is how long to wait for frames, in ns: until the next is due, for ever when there
// is none, and not at all when somebody waits to hear just that.
func (s *soft) patience() int64 {
	switch {
	case s.next != never:
		return max(0, s.next-s.clock.now())
	case len(s.drains) > 0:
		return 0
	}
	return never
}

// releaseDue lets all frames leave that are due.
func (s *soft) releaseDue(now int64) {
	if now < s.next {
		return
	}
	// A frame that leaves an up line can be put into any down line.
	for {
		s.next = never
		for _, l := range s.lines {
			s.release(l, now)
		}
		for _, l := range s.lines {
			if len(l.queue) > 0 {
				s.next = min(s.next, l.queue.first().due)
			}
		}
		if s.next > now {
			return
		}
	}
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
		now := s.clock.now()
		s.enter(p.up, f, now)
		s.releaseDue(now)
	}
	return nil
}

// unplug forgets a port whose device vanished.
func (s *soft) unplug(p *softPort) {
	p.gone = true
	unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, p.tap, nil)
	s.log.Debug("interface vanished", "host", p.Host, "interface", p.Interface)
}

// deliver gives a frame to a host and frees it.
func (s *soft) deliver(p *softPort, f *frame) {
	if p.gone || writeFrame(p.tap, f.data) != 0 {
		f.event.Fate = record.InterfaceDown
	}
	s.pool.put(f)
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
