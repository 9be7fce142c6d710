package link

import (
	"encoding/binary"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// sniffed is a frame as a capture at a host sees it.
type sniffed struct {
	time time.Time // kernel's
	sent bool      // by this host
	data []byte
}

// sniffer captures at a host's interface.
type sniffer struct {
	t      testing.TB
	socket int
	mu     sync.Mutex
	list   []sniffed
	err    error
	done   chan struct{}
}

func sniff(t testing.TB, p Port) *sniffer {
	t.Helper()
	s := &sniffer{t: t, done: make(chan struct{})}
	inHost(t, p, func() (err error) {
		protocol := int(htons(unix.ETH_P_ALL))
		if s.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol); err != nil {
			return err
		}
		i, err := net.InterfaceByName(p.Interface)
		if err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 256<<20); err != nil {
			return err
		}
		if err := unix.SetsockoptInt(s.socket, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
			return err
		}
		// A socket that waits only now and then can be told to end.
		if err := unix.SetsockoptTimeval(s.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 100_000}); err != nil {
			return err
		}
		return unix.Bind(s.socket, &unix.SockaddrLinklayer{Protocol: uint16(protocol), Ifindex: i.Index})
	})
	stop := make(chan struct{})
	go s.read(stop)
	t.Cleanup(func() {
		close(stop)
		<-s.done
		unix.Close(s.socket)
	})
	return s
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

func (s *sniffer) read(stop chan struct{}) {
	defer close(s.done)
	data, control := make([]byte, 1<<16), make([]byte, 256)
	for {
		select {
		case <-stop:
			return
		default:
		}
		n, c, _, from, err := unix.Recvmsg(s.socket, data, control, 0)
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		f := sniffed{data: slices.Clone(data[:max(n, 0)])}
		if err == nil {
			f.sent = from.(*unix.SockaddrLinklayer).Pkttype == unix.PACKET_OUTGOING
			var messages []unix.SocketControlMessage
			if messages, err = unix.ParseSocketControlMessage(control[:c]); err == nil && len(messages) == 1 {
				ts := (*unix.Timespec)(unsafe.Pointer(&messages[0].Data[0]))
				f.time = time.Unix(ts.Unix())
			}
		}
		s.mu.Lock()
		s.err = err
		if err == nil {
			s.list = append(s.list, f)
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// frames gives the frames captured so far, when there are at least n of them or, having
// waited, fewer; sent by the host or received by it.
func (s *sniffer) frames(sent bool, n int) []sniffed {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		s.mu.Lock()
		list := slices.DeleteFunc(slices.Clone(s.list), func(f sniffed) bool { return f.sent != sent })
		err := s.err
		s.mu.Unlock()
		if err != nil {
			s.t.Fatalf("capture: %v", err)
		}
		if len(list) >= n || time.Now().After(deadline) {
			return list
		}
		time.Sleep(time.Millisecond)
	}
}

// rawSender sends frames from a host as they are.
type rawSender struct {
	socket int
	to     unix.SockaddrLinklayer
}

func newRawSender(t testing.TB, p Port) *rawSender {
	t.Helper()
	r := &rawSender{}
	inHost(t, p, func() (err error) {
		if r.socket, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		l, err := netlink.LinkByName(p.Interface)
		if err != nil {
			return err
		}
		r.to = unix.SockaddrLinklayer{Ifindex: l.Attrs().Index}
		return nil
	})
	t.Cleanup(func() { unix.Close(r.socket) })
	return r
}

func (r *rawSender) send(t testing.TB, frame []byte) {
	t.Helper()
	if err := unix.Sendto(r.socket, frame, 0, &r.to); err != nil {
		t.Fatalf("send: %v", err)
	}
}

// numbered gives a frame from host 1 to host 2 with a number in it, and number reads it.
func numbered(n, length int) []byte {
	f := testFrame(station(1), station(2), length)
	binary.BigEndian.PutUint32(f[14:], uint32(n))
	return f
}

func number(frame []byte) int { return int(binary.BigEndian.Uint32(frame[14:])) }
