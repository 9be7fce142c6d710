package link

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// softSwitch is the switch of the soft driver: its ports are the TAP devices that the hosts
// have as their interfaces. One thread reads frames, takes them through the line of the
// sender, the switch and the lines of the receivers, and writes them; it alone owns all that
// is not named below as shared.
type softSwitch struct {
	log      *slog.Logger
	seed     uint64
	ports    []*softPort
	lines    []*line             // up and down of each port
	table    map[string]macTable // of each network
	monitors map[string]int      // of each tapped network: the device that gets a copy of all that comes into the switch
	offload  bool                // some port has offloads: all frames come with a virtioHeader
	pool     pool
	clock    clock
	events   eventList
	started  int64 // when the main activity started; by the clock
	next     int64 // no waiting frame is due before; by the clock
	lastOut  int64 // when the last frame left a line; by the clock
	epoll    int
	wake     int             // eventfd: there are requests
	drains   []chan struct{} // to be closed when no frame is under way
	quit     bool
	broken   error // ends the switch

	mu       sync.Mutex
	requests []func()      // shared, under mu: to be called by the thread
	ended    bool          // shared, under mu: the thread calls no more requests
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

// newSoftSwitch makes a switch with its lines, without devices.
func newSoftSwitch(seed uint64, ports []Port, log *slog.Logger) (*softSwitch, error) {
	s := &softSwitch{
		log: log, seed: seed,
		table: map[string]macTable{}, monitors: map[string]int{}, clock: newClock(), started: never, next: never,
		epoll: -1, wake: -1, done: make(chan struct{}),
	}
	for _, p := range ports {
		if err := s.addPort(p); err != nil {
			return nil, fmt.Errorf("link of host %q, interface %q: %w", p.Host, p.Interface, err)
		}
	}
	return s, nil
}

// addPort adds a port, with its lines, and joins it to its network.
func (s *softSwitch) addPort(p Port) error {
	links := p.directions()
	up, err := newLine(s.seed, p, links[0])
	if err != nil {
		return err
	}
	down, err := newLine(s.seed, p, links[1])
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
	if p.Offload {
		s.offload = true
		s.pool.size = max(s.pool.size, maxLargeFrame)
	}
	return nil
}

// open gives the ports their devices, in their order. The switch closes them.
func (s *softSwitch) open(taps []int) (err error) {
	for i, p := range s.ports {
		p.tap = taps[i]
		if err := unix.SetNonblock(p.tap, true); err != nil {
			return fmt.Errorf("set a device's descriptor up: %w", err)
		}
	}
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return fmt.Errorf("open epoll: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("open eventfd: %w", err)
	}
	if err := s.watch(s.wake, wakeEvent); err != nil {
		return err
	}
	for i, p := range s.ports {
		if err := s.watch(p.tap, int32(i)); err != nil {
			return err
		}
	}
	return nil
}

// wakeEvent is what epoll reports for the eventfd; the ports are reported by their index.
const wakeEvent = -1

func (s *softSwitch) watch(fd int, event int32) error {
	err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: event})
	if err != nil {
		return fmt.Errorf("watch a descriptor: %w", err)
	}
	return nil
}

// close closes the devices. The thread must have ended.
func (s *softSwitch) close() {
	// Removing a device waits for the kernel's other processors; together they wait once.
	var wait sync.WaitGroup
	for _, p := range s.ports {
		wait.Go(func() { unix.Close(p.tap) })
	}
	for _, tap := range s.monitors {
		wait.Go(func() { unix.Close(tap) })
	}
	unix.Close(s.epoll)
	unix.Close(s.wake)
	wait.Wait()
}

// start tells when the main activity started.
func (s *softSwitch) start(t time.Time) { s.do(func() { s.started = s.clock.at(t) }) }

// stop ends the thread.
func (s *softSwitch) stop() { s.do(func() { s.quit = true }) }

// results gives the lines' settings in force and their counters.
func (s *softSwitch) results() []record.LinkResult {
	results := make([]record.LinkResult, 0, len(s.lines))
	s.do(func() {
		now := s.clock.now()
		for _, l := range s.lines {
			l.followSchedule(now - s.started)
			l.counts.ReadBack = l.link
			results = append(results, l.counts)
		}
	})
	return results
}

// writeLog writes the log so far.
func (s *softSwitch) writeLog(w io.Writer) (err error) {
	s.do(func() {
		l := &record.LinkLog{Start: s.clock.base, Seed: s.seed}
		for _, n := range s.lines {
			l.Lines = append(l.Lines, record.LinkLine{Host: n.counts.Host, Interface: n.counts.Interface, Direction: n.counts.Direction})
		}
		var out *record.LinkLogWriter
		if out, err = record.NewLinkLogWriter(w, l); err != nil {
			return
		}
		for _, chunk := range s.events.chunks {
			out.Write(chunk)
		}
		err = out.Flush()
	})
	return err
}

// drain returns when no frame is queued or on its way, or when the thread has ended.
func (s *softSwitch) drain() {
	drained := make(chan struct{})
	s.do(func() { s.drains = append(s.drains, drained) })
	select {
	case <-drained:
	case <-s.done:
	}
}

// do calls f on the switch's thread, or here when that has ended, and returns when f has.
func (s *softSwitch) do(f func()) {
	called := make(chan struct{})
	s.mu.Lock()
	ended := s.ended
	if !ended {
		s.requests = append(s.requests, func() { f(); close(called) })
		// Cannot fail: the counter would have to be near 2^64.
		one := [8]byte{1}
		unix.Write(s.wake, one[:])
	}
	s.mu.Unlock()
	if ended {
		<-s.done
		f()
		return
	}
	<-called
}

// serveRequests calls what do was asked to.
func (s *softSwitch) serveRequests() {
	var count [8]byte
	unix.Read(s.wake, count[:])
	for _, f := range s.takeRequests(false) {
		f()
	}
}

func (s *softSwitch) takeRequests(last bool) []func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	s.ended = last
	return requests
}

// run is the switch's work, until it is told to stop; it takes a thread for itself.
func (s *softSwitch) run() error {
	// Never unlocked: the thread's settings end with it.
	runtime.LockOSThread()
	s.err = s.forwardFrames()
	for _, f := range s.takeRequests(true) {
		f()
	}
	close(s.done)
	return s.err
}

// readBatch is how many frames are read from one port before others have their turn.
const readBatch = 64

// forwardFrames takes frames where they belong until the switch is told to stop.
func (s *softSwitch) forwardFrames() error {
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
		// Before frames leave: a host may answer one at once, and only the next look sees that.
		if n == 0 && s.next == never {
			for _, d := range s.drains {
				close(d)
			}
			s.drains = nil
		}
		s.releaseDue(s.clock.now())
		if s.broken != nil {
			return s.broken
		}
	}
	return nil
}

// patience is how long to wait for frames, in ns: until the next is due, for ever when there
// is none, and not at all when somebody waits to hear just that.
func (s *softSwitch) patience() int64 {
	switch {
	case s.next != never:
		return max(0, s.next-s.clock.now())
	case len(s.drains) > 0:
		return 0
	}
	return never
}

// releaseDue lets all frames leave that are due, in the order in which they are: one that
// leaves an up line can be due on a down line at once.
func (s *softSwitch) releaseDue(now int64) {
	for now >= s.next {
		s.next = never
		var first *line
		for _, l := range s.lines {
			if len(l.queue) > 0 && l.queue.first().due < s.next {
				first, s.next = l, l.queue.first().due
			}
		}
		if first != nil && s.next <= now {
			s.leave(first, first.take(), now)
		}
	}
}

// readFrames takes in what a port has to send.
func (s *softSwitch) readFrames(p *softPort) error {
	for range readBatch {
		f := s.pool.get()
		n, errno := readFrame(p.tap, f.buffer[s.skip():])
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
		f.data = f.buffer[virtioHeaderSize : s.skip()+n]
		now := s.clock.now()
		s.releaseDue(now)
		s.enter(p.up, f, now)
	}
	return nil
}

// unplug forgets a port whose device vanished.
func (s *softSwitch) unplug(p *softPort) {
	p.gone = true
	unix.EpollCtl(s.epoll, unix.EPOLL_CTL_DEL, p.tap, nil)
	s.log.Debug("interface vanished", "host", p.Host, "interface", p.Interface)
}

// skip is where in a frame's buffer begins what the devices read and write.
func (s *softSwitch) skip() int {
	if s.offload {
		return 0
	}
	return virtioHeaderSize
}

// deliver gives a frame to a host and frees it.
func (s *softSwitch) deliver(p *softPort, f *frame) {
	if p.gone || writeFrame(p.tap, f.buffer[s.skip():virtioHeaderSize+len(f.data)]) != 0 {
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
