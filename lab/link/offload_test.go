package link

import (
	"crypto/sha256"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"time"

	"detgen/record"
)

// transfer sends size random bytes over TCP from host a (1) to host b (2) and checks them.
func transfer(t *testing.T, a, b Port, size int) {
	t.Helper()
	var listener net.Listener
	inHost(t, b, func() (err error) {
		listener, err = net.Listen("tcp4", "10.0.0.2:5000")
		return err
	})
	defer listener.Close()
	sum := make(chan [32]byte, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		content, _ := io.ReadAll(conn)
		sum <- sha256.Sum256(content)
	}()
	var conn net.Conn
	inHost(t, a, func() (err error) {
		conn, err = net.Dial("tcp4", "10.0.0.2:5000")
		return err
	})
	defer conn.Close()
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(content)
	if _, err := conn.Write(content); err != nil {
		t.Fatal(err)
	}
	conn.(*net.TCPConn).CloseWrite()
	select {
	case got := <-sum:
		if got != sha256.Sum256(content) {
			t.Error("other bytes arrived than were sent")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the transfer does not end")
	}
}

func TestOffloads(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		driver   string
		from, to bool // offloads at sender and receiver
		large    bool // large frames are seen
	}{
		"soft, none":     {Soft, false, false, false},
		"soft, both":     {Soft, true, true, true},
		"soft, sender":   {Soft, true, false, true},
		"soft, receiver": {Soft, false, true, false},
	} {
		a, b := testHost(t, 1), testHost(t, 2)
		a.Offload, b.Offload = c.from, c.to
		a.Up.Delay = ms(1) // through the queue
		d := openLinks(t, c.driver, 1, a, b)
		from, to := sniff(t, a), sniff(t, b)
		transfer(t, a, b, 1<<20)
		drained(t, d)
		for _, s := range []*sniffer{from, to} {
			longest := 0
			for _, f := range append(s.frames(true, 1), s.frames(false, 1)...) {
				longest = max(longest, len(f.data))
				if !c.from && !c.to && !checksumsRight(f.data) {
					t.Fatalf("%s: a frame has a wrong checksum", name)
				}
			}
			if c.large && longest < 3000 || !c.large && longest > 1514 {
				t.Errorf("%s: the longest frame has %d bytes", name, longest)
			}
		}
		for _, r := range results(t, d) {
			if r.Overruns > 0 || r.Lost > 0 {
				t.Errorf("%s: %+v", name, r)
			}
		}
	}
}

// checksumsRight says whether the checksums of an IPv4 header without options and of the TCP
// segment behind it are right; of other frames it knows nothing.
func checksumsRight(frame []byte) bool {
	const tcp = 6
	if frame[12] != 8 || frame[13] != 0 || frame[14] != 0x45 || frame[23] != tcp {
		return true
	}
	packet := frame[14:]
	length := int(packet[2])<<8 | int(packet[3])
	pseudo := append([]byte{0, tcp, byte((length - 20) >> 8), byte(length - 20)}, packet[12:length]...)
	return onesComplement(packet[:20]) == 0xffff && onesComplement(pseudo) == 0xffff
}

// onesComplement adds 16-bit words as checksums do.
func onesComplement(b []byte) uint32 {
	sum := uint32(0)
	for i, v := range b {
		if i%2 == 0 {
			sum += uint32(v) << 8
		} else {
			sum += uint32(v)
		}
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return sum
}

func TestOffloadsDoNotGoWithCorruption(t *testing.T) {
	for name, l := range map[string]record.Link{
		"always":       {Corrupt: 0.1},
		"later":        {Schedule: []record.LinkChange{{Link: record.Link{Corrupt: 0.1}}}},
		"chosen frame": {Interventions: []record.Intervention{{Action: record.CorruptFrame, Select: record.Selector{Kind: record.ByFrame, N: 1}}}},
	} {
		p := Port{Host: "h1", Interface: "eth0", Network: "lan", MAC: "02:00:00:00:00:01", MTU: 1500, Offload: true, Down: l}
		_, err := openSoft(t.Context(), 1, -1, []Port{p}, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), `down: corrupt: not together with offloads, which host "h1" has on`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Rate counts the headers that each segment of a large frame has on the wire.
func TestOffloadWireLength(t *testing.T) {
	f := &frame{buffer: make([]byte, virtioHeaderSize+4054)}
	f.data = f.buffer[virtioHeaderSize:]
	if got := f.wireLength(); got != 4054 {
		t.Errorf("a frame that is not to be cut: %d bytes", got)
	}
	// TCP over IPv4, headers of 54 bytes, segments of 1000: 4 of them.
	copy(f.buffer, []byte{0, 1, 54, 0, 0xe8, 3})
	if got := f.wireLength(); got != 4054+3*54 {
		t.Errorf("cut into 4: %d bytes, want %d", got, 4054+3*54)
	}
	if got := f.longestSegment(); got != 1054 {
		t.Errorf("longest segment %d bytes, want 1054", got)
	}
}
