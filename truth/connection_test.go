package truth

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/packet"
	"detgen/record"
)

// talk passes TCP segments between hosts 0 and 1, one every 100 us from start on.
func (s *script) talk(start float64, segments ...segmentOf) {
	for i, g := range segments {
		s.pass(g.from, g.to, start+100*float64(i), 30, tcp(g))
	}
}

// session is a whole TCP connection from host 0 to host 1 in which each side sends some bytes.
func session(srcPort, dstPort uint16, isn uint32) []segmentOf {
	c := segmentOf{from: 0, to: 1, srcPort: srcPort, dstPort: dstPort}
	v := segmentOf{from: 1, to: 0, srcPort: dstPort, dstPort: srcPort}
	step := func(g segmentOf, seq, ack uint32, flags packet.TCPFlags, payload string) segmentOf {
		g.seq, g.ack, g.flags, g.payload, g.id = seq, ack, flags, payload, uint16(seq)
		return g
	}
	return []segmentOf{
		step(c, isn, 0, packet.SYN, ""),
		step(v, 900, isn+1, packet.SYN|packet.ACK, ""),
		step(c, isn+1, 901, packet.ACK, ""),
		step(c, isn+1, 901, packet.ACK|packet.PSH, "request"),
		step(v, 901, isn+8, packet.ACK, ""),
		step(v, 901, isn+8, packet.ACK|packet.PSH, "the answer"),
		step(c, isn+8, 911, packet.ACK, ""),
		step(c, isn+8, 911, packet.ACK|packet.FIN, ""),
		step(v, 911, isn+9, packet.ACK|packet.FIN, ""),
		step(c, isn+9, 912, packet.ACK, ""),
	}
}

func TestConnectionOfASession(t *testing.T) {
	s := newScript(t, "client", "server")
	s.pass(0, 1, -300, 20, arp(0, 1))
	s.talk(0, session(40000, 80, 5000)...)
	truth := s.read()
	if len(truth.Connections) != 1 {
		t.Fatalf("%d connections, want 1", len(truth.Connections))
	}
	c := truth.Connections[0]
	if c.Client != (Endpoint{"client", addressOf(0), 40000}) || c.Server != (Endpoint{"server", addressOf(1), 80}) {
		t.Errorf("between %v and %v", c.Client, c.Server)
	}
	if c.Up != (Count{6, 7, 6*54 + 7}) || c.Down != (Count{4, 10, 4*54 + 10}) {
		t.Errorf("counts %v and %v", c.Up, c.Down)
	}
	if c.Handshake != packet.HandshakeComplete || c.Closing != packet.ClosingDone {
		t.Errorf("handshake %v, closing %v", c.Handshake, c.Closing)
	}
	if c.Start != epoch.UnixNano() || c.End != epoch.UnixNano()+900e3 {
		t.Errorf("from %d to %d", c.Start, c.End)
	}
	want := "arp handshake handshake handshake data ack data ack close close ack"
	for host := range truth.Captures {
		var kinds []string
		for i := range truth.Captures[host].Frames {
			f := &truth.Captures[host].Frames[i]
			kinds = append(kinds, f.Kind.String())
			if (f.Kind == ARP) != (f.Connection < 0) {
				t.Errorf("frame %d of host %d, %v, is in connection %d", i, host, f.Kind, f.Connection)
			}
			if f.Connection == 0 && f.FromClient != (f.SrcPort == 40000) {
				t.Errorf("frame %d of host %d: from the client: %v", i, host, f.FromClient)
			}
		}
		if got := strings.Join(kinds, " "); got != want {
			t.Errorf("host %d: %s, want %s", host, got, want)
		}
	}
}

func TestWhatIsOneConnection(t *testing.T) {
	syn := func(from, to int, srcPort, dstPort uint16, seq uint32) segmentOf {
		return segmentOf{from: from, to: to, srcPort: srcPort, dstPort: dstPort, seq: seq, flags: packet.SYN, id: uint16(seq)}
	}
	for _, c := range []struct {
		name string
		act  func(s *script)
		want int
	}{
		{"ports used again", func(s *script) { s.talk(0, session(40000, 80, 5000)...); s.talk(5000, session(40000, 80, 9000)...) }, 2},
		{"SYN sent again", func(s *script) {
			s.at(0, 0, tcp(syn(0, 1, 40000, 80, 5000)))
			s.talk(1000, session(40000, 80, 5000)...)
		}, 1},
		{"simultaneous open", func(s *script) { s.talk(0, syn(0, 1, 7, 8, 100), syn(1, 0, 8, 7, 200)) }, 1},
		{"the server calls back between the same ports", func(s *script) { s.talk(0, session(7, 8, 5000)...); s.talk(5000, syn(1, 0, 8, 7, 100)) }, 2},
		{"same ports, other protocol", func(s *script) {
			s.talk(0, session(40000, 80, 5000)...)
			s.pass(0, 1, 5000, 30, udp(0, 1, 40000, 80, 1, "x"))
		}, 2},
		{"datagrams and answers", func(s *script) {
			s.pass(0, 1, 0, 30, udp(0, 1, 5000, 53, 1, "question"))
			s.pass(1, 0, 100, 30, udp(1, 0, 53, 5000, 1, "answer"))
		}, 1},
		{"pings with two identifiers", func(s *script) {
			s.pass(0, 1, 0, 30, icmp(0, 1, 8, 0, []byte{0, 1, 0, 1}))
			s.pass(1, 0, 100, 30, icmp(1, 0, 0, 0, []byte{0, 1, 0, 1}))
			s.pass(0, 1, 200, 30, icmp(0, 1, 8, 0, []byte{0, 2, 0, 1}))
		}, 2},
		{"an ICMP error is about the datagram that it quotes", func(s *script) {
			question := udp(0, 1, 5000, 53, 1, "question")
			s.pass(0, 1, 0, 30, question)
			s.pass(1, 0, 100, 30, icmp(1, 0, 3, 3, append([]byte{0, 0, 0, 0}, question[14:42]...)))
		}, 1},
		{"fragments", func(s *script) {
			first, later := udp(0, 1, 5000, 6000, 77, strings.Repeat("x", 64)), udp(0, 1, 1, 2, 77, strings.Repeat("y", 56))
			first[20] |= 0x20                                // more fragments
			binary.BigEndian.PutUint16(later[20:], (64+8)/8) // offset
			s.pass(0, 1, 0, 30, first)
			s.pass(0, 1, 5, 30, later)
		}, 1},
		{"damaged ports make no new one", func(s *script) {
			g := session(40000, 80, 5000)
			s.talk(0, g...)
			g[3].seq, g[3].id = 6000, 333
			s.at(0, 5000, tcp(g[3]))
			s.at(1, 5030, flip(tcp(g[3]), 34*8+3))
		}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, "a", "b")
			c.act(s)
			truth := s.read()
			if len(truth.Connections) != c.want {
				t.Errorf("%d connections, want %d", len(truth.Connections), c.want)
			}
			for _, capture := range truth.Captures {
				for i := range capture.Frames {
					if capture.Frames[i].Connection < 0 {
						t.Errorf("frame %d of %s is in no connection", i+1, capture.Host)
					}
				}
			}
			if e := truth.Summary().Unsent; e != 0 {
				t.Errorf("%d frames that nobody sent", e)
			}
		})
	}
}

// owner says that a program of a host sent from a port to another host.
func owner(host int, name string, program, activity string, srcPort uint16, to int, dstPort uint16, us int) record.Owner {
	return record.Owner{Host: name, Protocol: packet.ProtocolTCP, Local: netip.AddrPortFrom(addressOf(host), srcPort), Remote: netip.AddrPortFrom(addressOf(to), dstPort),
		Program: program, Activity: activity, Time: epoch.Add(time.Duration(us) * time.Microsecond)}
}

func TestAttribution(t *testing.T) {
	twoActivities := func(s *script) {
		s.rec.Run.Activities = append(s.rec.Run.Activities, record.Activity{Name: "background-1", Scenario: "test", Task: "noise"})
		s.rec.Result.Activities = append(s.rec.Result.Activities, record.ActivityResult{Name: "background-1", Start: epoch, End: epoch.Add(time.Hour)})
	}
	for _, c := range []struct {
		name string
		act  func(s *script)
		want []string // activity and program of each connection
	}{
		{"one activity, no owners", func(s *script) { s.talk(0, session(40000, 80, 1)...) }, []string{"main "}},
		{"before the start", func(s *script) { s.talk(-5e6, session(40000, 80, 1)...) }, []string{"- "}},
		{"two activities, no owners", func(s *script) { twoActivities(s); s.talk(0, session(40000, 80, 1)...) }, []string{"- "}},
		{"two downloads from one host to the same port at once", func(s *script) {
			twoActivities(s)
			a, b := session(40000, 80, 1), session(40001, 80, 1)
			s.talk(0, a...)
			s.talk(50, b...)
			s.rec.Result.Owners = []record.Owner{
				owner(0, "a", "main", "main", 40000, 1, 80, 0), owner(1, "b", "httpd", "", 80, 0, 40000, 100),
				owner(0, "a", "background-1", "background-1", 40001, 1, 80, 50), owner(1, "b", "httpd", "", 80, 0, 40001, 150),
			}
		}, []string{"main main", "background-1 background-1"}},
		{"the same ports by one after the other", func(s *script) {
			twoActivities(s)
			s.talk(0, session(40000, 80, 1)...)
			s.talk(900e3, session(40000, 80, 9000)...)
			s.rec.Result.Owners = []record.Owner{
				owner(0, "a", "background-1", "background-1", 40000, 1, 80, 0), owner(0, "a", "main", "main", 40000, 1, 80, 900e3),
			}
		}, []string{"background-1 background-1", "main main"}},
		{"opened by a service to a task (FTP's active mode)", func(s *script) {
			twoActivities(s)
			s.talk(0, session(20, 50000, 1)...)
			s.rec.Result.Owners = []record.Owner{owner(0, "a", "ftpd", "", 20, 1, 50000, 0), owner(1, "b", "main", "main", 50000, 0, 20, 100)}
		}, []string{"main ftpd"}},
		{"whole systems: a program's and a system's", func(s *script) {
			s.rec.Result.Systems = true
			s.talk(0, session(40000, 80, 1)...)
			s.pass(0, 1, 5000, 30, udp(0, 1, 5355, 5355, 1, "x"))
			s.rec.Result.Owners = []record.Owner{owner(0, "a", "main", "main", 40000, 1, 80, 0), owner(1, "b", "httpd", "", 80, 0, 40000, 100)}
		}, []string{"main main", "- "}},
		{"whole systems: between two services", func(s *script) {
			s.rec.Result.Systems = true
			s.talk(0, session(40000, 3306, 1)...)
			s.rec.Result.Owners = []record.Owner{owner(0, "a", "httpd", "", 40000, 1, 3306, 0)}
		}, []string{"main httpd"}},
		{"between two services", func(s *script) {
			twoActivities(s)
			s.talk(0, session(40000, 3306, 1)...)
			s.rec.Result.Owners = []record.Owner{owner(0, "a", "httpd", "", 40000, 1, 3306, 0), owner(1, "b", "database", "", 3306, 0, 40000, 100)}
		}, []string{"- httpd"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, "a", "b")
			c.act(s)
			truth := s.read()
			var got []string
			for i := range truth.Connections {
				x := &truth.Connections[i]
				name := "-"
				if x.Activity >= 0 {
					name = s.rec.Run.Activities[x.Activity].Name
				}
				got = append(got, name+" "+x.Program)
				for _, capture := range truth.Captures {
					for j := range capture.Frames {
						if f := &capture.Frames[j]; f.Connection == int32(i) && f.Activity != x.Activity {
							t.Errorf("frame %d of %s belongs to activity %d, its connection to %d", j+1, capture.Host, f.Activity, x.Activity)
						}
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Of whole systems' frames without a connection, only ARP between hosts of the run is the run's.
func TestARPOfWholeSystems(t *testing.T) {
	for _, c := range []struct {
		systems bool
		about   int
		want    int16
	}{{false, 9, 0}, {true, 1, 0}, {true, 0, -1}, {true, 9, -1}} {
		s := newScript(t, "a", "b")
		s.rec.Result.Systems = c.systems
		s.pass(0, 1, 5000, 20, arp(0, c.about))
		for _, capture := range s.read().Captures {
			if got := capture.Frames[0].Activity; got != c.want {
				t.Errorf("systems %v: ARP about %d at %s is of activity %d, want %d", c.systems, c.about, capture.Host, got, c.want)
			}
		}
	}
}

func TestPhasesAndSpans(t *testing.T) {
	s := newScript(t, "client", "server")
	at := func(us int) time.Time { return epoch.Add(time.Duration(us) * time.Microsecond) }
	r := &s.rec.Result
	r.Warmup = at(-1000)
	a := &r.Activities[0]
	a.End = at(1000)
	a.Phases = []record.Phase{
		{Host: "client", Name: "login", Start: at(100), End: at(200)},
		{Host: "client", Name: "transfer", Start: at(200), End: at(1000)},
		{Host: "server", Name: "serve", Start: at(0), End: at(1000)},
	}
	for i, us := range []float64{-1500, -500, 50, 110, 199, 300, 1500} {
		s.pass(0, 1, us, 30, udp(0, 1, 5000, 6000, uint16(i), "x"))
	}
	truth := s.read()
	want := "setup:- warmup:- main:serve main:login main:login main:transfer drain:transfer"
	for _, c := range truth.Captures {
		var got []string
		for i := range c.Frames {
			f := &c.Frames[i]
			phase := truth.Phases[f.Phase]
			if phase == "" {
				phase = "-"
			}
			got = append(got, f.Span.String()+":"+phase)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", c.Host, strings.Join(got, " "), want)
		}
	}
}

func TestRetransmissionsAreToldApart(t *testing.T) {
	s := newScript(t, "a", "b")
	piece := func(seq uint32, payload string, id uint16) []byte {
		return tcp(segmentOf{from: 0, to: 1, srcPort: 1, dstPort: 2, seq: seq, flags: packet.ACK, payload: payload, id: id})
	}
	s.pass(0, 1, 0, 30, piece(100, "aaaa", 1))
	s.at(0, 10, piece(104, "bbbb", 2)) // lost
	s.pass(0, 1, 20, 30, piece(108, "cccc", 3))
	s.pass(0, 1, 100, 30, piece(104, "bbbb", 4))   // needed
	s.pass(0, 1, 200, 30, piece(104, "bbbb", 5))   // spurious
	s.pass(0, 1, 300, 30, piece(108, "ccccdd", 6)) // partly new
	s.pass(0, 1, 400, 30, piece(114, "", 7))
	s.at(0, 500, piece(114, "ee", 8))
	s.at(1, 530, flip(piece(114, "ee", 8), 8*55)) // damaged, so of no use
	s.pass(0, 1, 600, 30, piece(114, "ee", 9))    // needed
	s.at(0, 700, piece(116, "ff", 10))            // arrives late, after it was sent again
	s.pass(0, 1, 800, 30, piece(116, "ff", 11))   // spurious
	s.at(1, 900, piece(116, "ff", 10))
	truth := s.read()
	want := "new new new retransmission spurious_retransmission partial  new retransmission new spurious_retransmission"
	var got []string
	for i := range truth.Captures[0].Frames {
		got = append(got, truth.Captures[0].Frames[i].Exact.String())
	}
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	for i := range truth.Captures[1].Frames {
		f := &truth.Captures[1].Frames[i]
		if sent := truth.Frame(f.Peer); f.Exact != sent.Exact {
			t.Errorf("received frame %d: %v, but it was sent as %v", i+1, f.Exact, sent.Exact)
		}
	}
}

// A router's two interfaces are on two networks; what it forwards is the same datagram in another
// frame.
func TestFramesAreFollowedOverARouter(t *testing.T) {
	s := newScript(t, "a", "b", "router")
	run := &s.rec.Run
	router := &run.Hosts[2]
	router.Forward = true
	second := router.Interfaces[0]
	second.Name, second.Network, second.MAC, second.Address = "eth1", "far", macOf(9).String(), netip.MustParsePrefix("10.0.9.1/24")
	router.Interfaces = append(router.Interfaces, second)
	run.Hosts[1].Interfaces[0].Network = "far"
	s.rec.Result.Captures = append(s.rec.Result.Captures, record.Capture{Host: "router", Interface: "eth1", File: "captures/router-eth1.pcap"})
	s.written = append(s.written, nil)
	forward := func(frame []byte) (first, second []byte) {
		first, second = slices.Clone(frame), slices.Clone(frame)
		to, from, out := macOf(2), macOf(9), macOf(1)
		copy(first, to[:])
		copy(second, out[:])
		copy(second[6:], from[:])
		second[22]--                                                                        // time to live
		binary.BigEndian.PutUint16(second[24:], binary.BigEndian.Uint16(second[24:])+0x100) // checksum
		return first, second
	}
	send := func(us float64, frame []byte, arrives bool) {
		first, second := forward(frame)
		s.pass(0, 2, us, 10, first)
		s.at(3, us+15, second)
		if arrives {
			s.at(1, us+30, second)
		}
	}
	g := session(40000, 80, 1)
	for i, us := range []float64{0, 200, 300} {
		send(us, tcp(g[[]int{0, 2, 3}[i]]), true)
	}
	lost := g[3]
	lost.seq, lost.id = 8+1, 99
	send(400, tcp(lost), false)
	again := lost
	again.id = 100
	send(500, tcp(again), true)
	truth := s.read()
	if len(truth.Connections) != 1 {
		t.Fatalf("%d connections, want 1", len(truth.Connections))
	}
	if up := truth.Connections[0].Up.Packets; up != 5 {
		t.Errorf("the client sent %d packets, want 5: what the router forwards does not count again", up)
	}
	for i := range truth.Captures[3].Frames {
		f := &truth.Captures[3].Frames[i]
		if f.Hop != NewRef(2, i) || truth.Captures[2].Frames[i].Hop != NewRef(3, i) {
			t.Errorf("forwarded frame %d came as %v", i, f.Hop)
		}
	}
	if f := truth.Captures[0].Frames[4]; f.Exact != Needed {
		t.Errorf("the retransmission of what was lost behind the router is %q", f.Exact)
	}
	if x := truth.Captures[1].Frames[3].Exact; x != Needed {
		t.Errorf("where it arrives it is %q", x)
	}
	if got := fmt.Sprint(fates(truth, 3)); got != "[sent delivered sent delivered sent delivered sent lost sent delivered]" {
		t.Errorf("behind the router: %v", got)
	}
}
