package packet

import (
	"encoding/binary"
	"testing"
)

// analyzeAll analyses segments in turn.
func analyzeAll(t *testing.T, conversations *Conversations, segments ...segment) []Analysis {
	t.Helper()
	var all []Analysis
	for i, s := range segments {
		data := s.frame()
		f := Frame{Number: uint64(i + 1), Time: int64(i) * 1e6, Data: data, WireLen: len(data), LinkType: LinkEthernet}
		var h Headers
		Decode(&f, &h)
		a, ok := conversations.Analyze(&f, &h)
		if !ok {
			t.Fatalf("segment %d is not analysed", i)
		}
		all = append(all, a)
	}
	return all
}

func TestConversationsAreApart(t *testing.T) {
	base := segment{src: 1, dst: 2, sport: 10, dport: 20, flags: ACK, payload: 5}
	back := segment{src: 2, dst: 1, sport: 20, dport: 10, flags: ACK, payload: 5}
	six, port, host := base, base, base
	six.six, port.sport, host.src = true, 11, 3
	var streams []uint64
	for _, a := range analyzeAll(t, NewConversations(0), base, six, back, port, host, base, six) {
		streams = append(streams, a.Stream)
	}
	for i, want := range []uint64{0, 1, 0, 2, 3, 0, 1} {
		if streams[i] != want {
			t.Fatalf("streams %v", streams)
		}
	}
}

// TestConversationWithItself has the same address and port at both ends, as loopback can.
func TestConversationWithItself(t *testing.T) {
	s := segment{src: 1, dst: 1, sport: 10, dport: 10, flags: ACK, payload: 5}
	for _, a := range analyzeAll(t, NewConversations(0), s, s)[1:] {
		if a.Seen != SeenAll || a.Stream != 0 || a.Classes&Retransmission == 0 {
			t.Errorf("%+v", a)
		}
	}
}

// TestConversationsAreBounded holds many more conversations than fit.
func TestConversationsAreBounded(t *testing.T) {
	const limit, many = 1000, 20_000
	conversations := NewConversations(limit)
	busy := segment{src: 1, dst: 2, sport: 1, dport: 2, flags: ACK, payload: 1}
	data := busy.frame()
	f := Frame{Data: data, WireLen: len(data), LinkType: LinkEthernet}
	var h Headers
	for i := range uint32(many) {
		f.Number++
		busy.seq = i
		f.Data = busy.frame()
		Decode(&f, &h)
		if a, _ := conversations.Analyze(&f, &h); a.Stream != 0 {
			t.Fatalf("after %d others the busy conversation is stream %d", i, a.Stream)
		}
		other := segment{six: i%2 == 0, src: 1, dst: 2, sport: 3, flags: ACK}.frame()
		binary.BigEndian.PutUint32(other[len(other)-20:], i+1<<20) // both ports
		f.Data = other
		Decode(&f, &h)
		conversations.Analyze(&f, &h)
		if conversations.Len() > limit {
			t.Fatalf("%d conversations are held", conversations.Len())
		}
	}
}

func TestQuoteStartsConversation(t *testing.T) {
	s := segment{src: 1, dst: 2, sport: 10, dport: 20, flags: SYN}
	conversations := NewConversations(0)
	data := icmpError(s.frame(), 1000)
	f := Frame{Number: 1, Data: data, WireLen: len(data), LinkType: LinkEthernet}
	var h Headers
	Decode(&f, &h)
	if _, ok := conversations.Analyze(&f, &h); ok || conversations.Len() != 1 {
		t.Errorf("analysed: %v, %d conversations", ok, conversations.Len())
	}
	s.sport = 11
	if a := analyzeAll(t, conversations, s)[0]; a.Stream != 1 {
		t.Errorf("the next conversation is stream %d, want 1", a.Stream)
	}
}
