package link

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"detgen/record"
)

// tcpFrame gives a frame from station 1 to 2 with a TCP segment.
func tcpFrame(port uint16, flags byte, seq uint32, payload int) []byte {
	f := testFrame(station(1), station(2), 14+20+20+payload)
	be := binary.BigEndian
	be.PutUint16(f[12:], 0x0800)
	ip := f[14:]
	ip[0], ip[9] = 0x45, 6
	be.PutUint16(ip[2:], uint16(40+payload))
	copy(ip[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	tcp := ip[20:]
	be.PutUint16(tcp, port)
	be.PutUint16(tcp[2:], 80)
	be.PutUint32(tcp[4:], seq)
	tcp[12], tcp[13] = 5<<4, flags
	return f
}

const (
	fin, syn, rst, ack = 1, 2, 4, 16
)

// conversation is one direction of two TCP connections, with retransmissions. The sequence
// numbers of the first wrap around.
func conversation() [][]byte {
	a, b := uint32(0xfffffffe), uint32(5000)
	return [][]byte{
		tcpFrame(1000, syn, a-1, 0),        // 1
		tcpFrame(1000, syn, a-1, 0),        // 2: again
		tcpFrame(1000, ack, a, 0),          // 3
		tcpFrame(1000, ack, a, 100),        // 4: data 1
		tcpFrame(2000, syn, b-1, 0),        // 5: second connection
		tcpFrame(1000, ack, a+100, 100),    // 6: data 2
		tcpFrame(2000, ack, b, 50),         // 7: data 1 of the second
		tcpFrame(1000, ack, a+200, 100),    // 8: data 3
		tcpFrame(1000, ack, a+100, 100),    // 9: data 2 again
		tcpFrame(1000, ack, a+100, 100),    // 10: and again
		tcpFrame(1000, ack, a+300, 0),      // 11: second pure ack
		tcpFrame(2000, rst, b+50, 0),       // 12
		tcpFrame(1000, fin|ack, a+300, 10), // 13: data 4, with FIN
		tcpFrame(1000, fin|ack, a+300, 10), // 14: again
		tcpFrame(1000, syn|ack, 77, 0),     // 15: the same ports again: third connection
		tcpFrame(1000, ack, 78, 100),       // 16: its data 1
	}
}

func TestInterventionsChooseFrames(t *testing.T) {
	for text, want := range map[string][]int{
		"frame:3":               {3},
		"3":                     {3},
		"data:1":                {4},
		"data:2":                {6},
		"data:2/copies:2":       {6, 9},
		"data:2/every":          {6, 9, 10},
		"data:4":                {13},
		"data:5":                nil,
		"conn:2/data:1":         {7},
		"conn:3/data":           {16},
		"conn:any/data:1":       {4, 7, 16},
		"offset:0":              {4},
		"offset:99":             {4},
		"offset:100":            {6},
		"offset:250/every":      {8},
		"offset:150/every":      {6, 9, 10},
		"syn":                   {1},
		"syn/every":             {1, 2},
		"conn:any/syn":          {1, 5},
		"conn:any/syn-ack":      {15},
		"syn-ack":               nil,
		"ack:1":                 {3},
		"ack:2":                 {11},
		"fin":                   {13},
		"fin/every":             {13, 14},
		"rst":                   nil,
		"conn:2/rst":            {12},
		"conn:any/rst":          {12},
		"data:1,data:3,frame:2": {2, 4, 8},
	} {
		list, err := record.ParseIntervention("drop=" + text)
		if err != nil {
			t.Fatal(err)
		}
		w := newInterventions(list)
		var got []int
		for i, f := range conversation() {
			if w.choose(f, uint64(i+1)) != nil {
				got = append(got, i+1)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: chose %v, want %v", text, got, want)
		}
	}
}

func TestInterventionsLookIntoFrames(t *testing.T) {
	plain := tcpFrame(1000, ack, 1, 10)
	tagged := slices.Concat(plain[:12], []byte{0x81, 0, 0, 5}, plain[12:])
	padded := slices.Concat(tcpFrame(1000, ack, 1, 0), make([]byte, 6))
	fragment := slices.Clone(plain)
	fragment[14+7] = 1
	udp := slices.Clone(plain)
	udp[14+9] = 17
	v6 := slices.Concat(plain[:12], []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, 30, 6, 64}, make([]byte, 32), plain[34:])
	for name, c := range map[string]struct {
		frame []byte
		kind  string
		want  bool
	}{
		"plain":                   {plain, "data", true},
		"tagged":                  {tagged, "data", true},
		"IPv6":                    {v6, "data", true},
		"padding is not payload":  {padded, "data", false},
		"padding hides no ACK":    {padded, "ack", true},
		"a later fragment":        {fragment, "data", false},
		"UDP":                     {udp, "data", false},
		"an empty frame":          {nil, "data", false},
		"cut in the IP header":    {plain[:30], "data", false},
		"cut in the TCP header":   {plain[:50], "data", false},
		"shorter than IP says":    {plain[:60], "data", false},
		"IPv6 cut in the headers": {v6[:60], "data", false},
	} {
		list, err := record.ParseIntervention("drop=conn:any/" + c.kind)
		if err != nil {
			t.Fatal(err)
		}
		if got := newInterventions(list).choose(c.frame, 1) != nil; got != c.want {
			t.Errorf("%s: chosen: %v, want %v", name, got, c.want)
		}
	}
}

func TestInterventionsAct(t *testing.T) {
	for text, want := range map[string][]int{
		"drop=2":           {1, 3, 4},
		"duplicate=2":      {1, 2, 2, 3, 4},
		"swap=2":           {1, 3, 2, 4},
		"swap=4":           {1, 2, 3, 4},
		"delay(1500us)=2":  {1, 3, 2, 4},
		"corrupt=2":        {1, 2, 3, 4},
		"drop=1,2; swap=3": {4, 3},
	} {
		for _, delay := range []record.Duration{0, ms(5)} {
			list, err := record.ParseInterventions(text)
			if err != nil {
				t.Fatal(err)
			}
			b := newBench(t, 1, 2, record.Link{Delay: delay, Interventions: list}, record.Link{})
			for range 4 {
				f := testFrame(station(1), station(2), 100)
				b.send(1, f)
				b.until(b.now + int64(time.Millisecond))
			}
			b.finish()
			if got := b.arrived(2); !slices.Equal(got, want) {
				t.Errorf("%s with delay %v: arrived as %v, want %v", text, delay, got, want)
			}
			chosen := 0
			for _, e := range b.on(1, true) {
				if e.Marks&record.Intervened != 0 && e.Marks&record.Copy == 0 {
					chosen++
				}
			}
			if chosen != len(list) || b.lines[0].counts.Intervened != uint64(len(list)) {
				t.Errorf("%s: %d frames marked, %d counted, want %d", text, chosen, b.lines[0].counts.Intervened, len(list))
			}
		}
	}
}

// A swapped frame does not wait for ever, and not longer than it is told to.
func TestInterventionSwapGivesUp(t *testing.T) {
	for text, want := range map[string]time.Duration{"swap=1": time.Second, "swap(30ms)=1": 30 * time.Millisecond} {
		list, err := record.ParseInterventions(text)
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, 1, 2, record.Link{Interventions: list}, record.Link{})
		start := b.now
		b.send(1, testFrame(station(1), station(2), 100))
		b.finish()
		if got := time.Duration(b.now - start); got != want {
			t.Errorf("%s: left after %v, want %v", text, got, want)
		}
		b.send(1, testFrame(station(1), station(2), 100))
		b.finish()
		if got := b.arrived(2); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("%s: arrived as %v", text, got)
		}
	}
}

// Two swapped in a row: each leaves behind the next frame that stays in its place.
func TestInterventionSwapsInARow(t *testing.T) {
	list, err := record.ParseInterventions("swap=1,2")
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, 1, 2, record.Link{Interventions: list}, record.Link{})
	for range 3 {
		b.send(1, testFrame(station(1), station(2), 100))
	}
	b.finish()
	if got := b.arrived(2); !slices.Equal(got, []int{3, 1, 2}) {
		t.Errorf("arrived as %v, want 3, 1, 2", got)
	}
}

// An intervention moves no random decision about another frame.
func TestInterventionsLeaveChanceAlone(t *testing.T) {
	fates := func(text string) []record.LinkEvent {
		l := record.Link{Delay: ms(5), Jitter: ms(1), Loss: 0.2, Corrupt: 0.1}
		if text != "" {
			var err error
			if l.Interventions, err = record.ParseInterventions(text); err != nil {
				t.Fatal(err)
			}
		}
		b := newBench(t, 1, 2, l, record.Link{})
		for range 200 {
			b.send(1, testFrame(station(1), station(2), 100))
		}
		b.finish()
		return b.on(1, true)
	}
	plain := fates("")
	for _, text := range []string{"drop=50", "delay(1s)=50", "corrupt=50", "swap=50"} {
		for i, e := range fates(text) {
			p := plain[i]
			if i != 49 && (e.Delay != p.Delay || e.Fate != p.Fate || e.Bit != p.Bit) {
				t.Errorf("%s: frame %d: %+v became %+v", text, i+1, p, e)
			}
		}
	}
}
