package packet

import (
	"fmt"
	"strings"
	"testing"
)

// exchange is a segment of a conversation that a test tells: from client (0) or server (1), at a
// time in ms.
type exchange struct {
	at       float64
	from     int
	flags    TCPFlags
	seq, ack uint32
	window   uint16
	payload  int
	want     string // classes, what was seen, handshake and closing
}

const (
	both = SYN | ACK
	push = ACK | PSH
	fin  = FIN | ACK
)

var opening = []exchange{
	{0, 0, SYN, 99, 0, 1000, 0, "none syn open"},
	{5, 1, both, 499, 100, 1000, 0, "none syn_ack open"},
	{10, 0, ACK, 100, 500, 1000, 0, " complete open"},
}

func TestClasses(t *testing.T) {
	for _, c := range []struct {
		name string
		then []exchange
	}{
		{"plain data", []exchange{
			{11, 0, push, 100, 500, 1000, 50, "none complete open"},
			{16, 1, ACK, 500, 150, 1000, 0, " complete open"},
		}},
		{"retransmission", []exchange{
			{11, 0, push, 100, 500, 1000, 50, "none complete open"},
			{300, 0, push, 100, 500, 1000, 50, "retransmission all complete open"},
			{301, 0, push, 100, 500, 1000, 80, "retransmission part complete open"},
		}},
		{"fast retransmission", []exchange{
			{11, 0, push, 100, 500, 1000, 50, "none complete open"},
			{12, 0, push, 200, 500, 1000, 50, "lost_segment none complete open"},
			{16, 1, ACK, 500, 150, 1000, 0, " complete open"},
			{17, 1, ACK, 500, 150, 1000, 0, "duplicate_ack#1  complete open"},
			{18, 1, ACK, 500, 150, 1000, 0, "duplicate_ack#2  complete open"},
			{19, 0, push, 150, 500, 1000, 50, "fast_retransmission none complete open"},
		}},
		{"out of order", []exchange{
			{11, 0, push, 150, 500, 1000, 50, "lost_segment none complete open"},
			{12, 0, push, 100, 500, 1000, 50, "out_of_order none complete open"},
			{30, 0, push, 100, 500, 1000, 50, "retransmission all complete open"},
		}},
		{"spurious retransmission", []exchange{
			{11, 0, push, 100, 500, 1000, 50, "none complete open"},
			{16, 1, ACK, 500, 150, 1000, 0, " complete open"},
			{17, 0, push, 100, 500, 1000, 50, "spurious_retransmission all complete open"},
		}},
		{"acknowledges what was not captured", []exchange{
			{11, 1, ACK, 500, 150, 1000, 0, "ack_lost_segment  complete open"},
		}},
		{"keep-alive", []exchange{
			{5000, 0, ACK, 99, 500, 1000, 0, "keep_alive  complete open"},
			{5005, 1, ACK, 500, 100, 1000, 0, "keep_alive_ack  complete open"},
			{5006, 0, ACK, 99, 500, 1000, 1, "keep_alive all complete open"},
			{5007, 1, ACK, 500, 100, 1000, 0, "keep_alive_ack  complete open"},
		}},
		{"zero window", []exchange{
			{11, 1, ACK, 500, 100, 0, 0, "zero_window  complete open"},
			{12, 0, ACK, 100, 500, 1000, 1, "zero_window_probe none complete open"},
			{13, 1, ACK, 500, 100, 0, 0, "zero_window+zero_window_probe_ack  complete open"},
			{14, 1, ACK, 500, 100, 900, 0, "window_update  complete open"},
			{15, 0, push, 100, 500, 1000, 900, "window_full part complete open"},
		}},
		{"close", []exchange{
			{11, 0, fin, 100, 500, 1000, 0, "none complete half"},
			{12, 1, fin, 500, 101, 1000, 0, "none complete both"},
			{13, 0, ACK, 101, 501, 1000, 0, " complete done"},
			{400, 1, fin, 500, 101, 1000, 0, "retransmission all complete done"},
		}},
		{"reset", []exchange{
			{11, 1, RST, 500, 0, 0, 0, " complete reset"},
		}},
		{"again between the same ports", []exchange{
			{11, 0, SYN, 7000, 0, 1000, 0, "reused_ports none syn open"},
			{12, 1, both, 8000, 7001, 1000, 0, "none syn_ack open"},
		}},
		{"SYN again", []exchange{
			{11, 0, SYN, 99, 0, 1000, 0, "retransmission all complete open"},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			conversations := NewConversations(0)
			for i, e := range append(append([]exchange{}, opening...), c.then...) {
				s := segment{src: 1, dst: 2, sport: 1000, dport: 80, seq: e.seq, ack: e.ack, flags: e.flags, window: e.window, payload: e.payload}
				if e.from == 1 {
					s.src, s.dst, s.sport, s.dport = 2, 1, 80, 1000
				}
				if e.flags&SYN != 0 {
					s.options = []byte{tcpNop, tcpWindowScale, 3, 0}
				}
				data := s.frame()
				f := Frame{Number: uint64(i + 1), Time: int64(e.at*1e6) + 1e18, Data: data, WireLen: len(data), LinkType: LinkEthernet}
				var h Headers
				Decode(&f, &h)
				a, ok := conversations.Analyze(&f, &h)
				if !ok {
					t.Fatalf("segment %d is not analysed", i)
				}
				var names []string
				for _, class := range Classes() {
					if a.Classes&class != 0 {
						names = append(names, class.Name())
					}
				}
				got := strings.Join(names, "+")
				if a.Classes&DuplicateAck != 0 {
					got += fmt.Sprintf("#%d", a.DupAck)
				}
				if got != "" {
					got += " "
				}
				got += fmt.Sprintf("%v %v %v", a.Seen, a.Handshake, a.Closing)
				if got != e.want {
					t.Errorf("segment %d: %q, want %q", i, got, e.want)
				}
				if a.FromClient != (e.from == 0) {
					t.Errorf("segment %d: from the client: %v", i, a.FromClient)
				}
				if i == 2 && (a.RTT != 10e6 || a.Stream != 0) {
					t.Errorf("RTT %d ns of stream %d, want 10 ms of stream 0", a.RTT, a.Stream)
				}
			}
		})
	}
}
