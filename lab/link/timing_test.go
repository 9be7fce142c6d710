package link

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"detgen/record"
)

// openVeth joins two hosts by a plain pair of virtual Ethernet devices, to compare with.
func openVeth(t testing.TB, a, b Port) {
	t.Helper()
	inHost(t, a, func() error {
		attributes := netlink.NewLinkAttrs()
		attributes.Name, attributes.MTU = a.Interface, a.MTU
		attributes.HardwareAddr, _ = net.ParseMAC(a.MAC)
		mac, _ := net.ParseMAC(b.MAC)
		if err := netlink.LinkAdd(&netlink.Veth{LinkAttrs: attributes, PeerName: b.Interface, PeerHardwareAddr: mac, PeerNamespace: netlink.NsFd(b.NetNS)}); err != nil {
			return err
		}
		return nil
	})
	for i, p := range []Port{a, b} {
		inHost(t, p, func() error {
			d, err := openDevice(p.Interface)
			if err != nil {
				return err
			}
			defer d.close()
			return d.offloadsOff()
		})
		if err := bringUp(p, i+1, 2); err != nil {
			t.Fatal(err)
		}
	}
}

// roundTrips gives the round trip times of n small datagrams, echoed by a program on host b.
func roundTrips(t testing.TB, a, b Port, n int) []time.Duration {
	t.Helper()
	var server, client *net.UDPConn
	inHost(t, b, func() (err error) {
		server, err = net.ListenUDP("udp4", &net.UDPAddr{IP: address(2).AsSlice(), Port: 7})
		return err
	})
	defer server.Close()
	inHost(t, a, func() (err error) {
		client, err = net.DialUDP("udp4", nil, &net.UDPAddr{IP: address(2).AsSlice(), Port: 7})
		return err
	})
	defer client.Close()
	go echo(server)
	var times []time.Duration
	buf := make([]byte, 100)
	for range n {
		start := time.Now()
		client.Write(buf[:64])
		client.SetReadDeadline(start.Add(5 * time.Second))
		if _, err := client.Read(buf); err != nil {
			t.Fatal(err)
		}
		times = append(times, time.Since(start))
	}
	return times
}

func echo(c *net.UDPConn) {
	buf := make([]byte, 2000)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		c.WriteToUDPAddrPort(buf[:n], from)
	}
}

// quantile gives the value below which a share q of the values lies.
func quantile(v []time.Duration, q float64) time.Duration {
	slices.Sort(v)
	return v[min(int(q*float64(len(v))), len(v)-1)]
}

// BenchmarkRoundTrip measures the round trip of a small datagram: through the soft links, and
// through a plain pair of virtual Ethernet devices, in turns, so that both have the same
// computer. The difference of the medians is what the links add.
func BenchmarkRoundTrip(b *testing.B) {
	needRoot(b)
	h1, h2 := testHost(b, 1), testHost(b, 2)
	openLinks(b, Soft, 1, h1, h2)
	h3, h4 := testHost(b, 1), testHost(b, 2)
	openVeth(b, h3, h4)
	var soft, veth []time.Duration
	for b.Loop() {
		soft = append(soft, roundTrips(b, h1, h2, 100)...)
		veth = append(veth, roundTrips(b, h3, h4, 100)...)
	}
	micro := func(d time.Duration) float64 { return float64(d) / 1e3 }
	b.ReportMetric(micro(quantile(soft, 0.5)), "us-soft")
	b.ReportMetric(micro(quantile(veth, 0.5)), "us-veth")
	b.ReportMetric(micro(quantile(soft, 0.5)-quantile(veth, 0.5)), "us-added")
}

// BenchmarkDelay measures the error of a delay of 20 ms, from capture to capture.
func BenchmarkDelay(b *testing.B) {
	needRoot(b)
	h1, h2 := testHost(b, 1), testHost(b, 2)
	const delay = 20 * time.Millisecond
	h1.Up.Delay = record.Duration(delay)
	openLinks(b, Soft, 1, h1, h2)
	from, to := sniff(b, h1), sniff(b, h2)
	sender := newRawSender(b, h1)
	n := 0
	for b.Loop() {
		sender.send(b, numbered(n, 200))
		n++
		time.Sleep(500 * time.Microsecond)
	}
	sent, received := from.frames(true, n), to.frames(false, n)
	if len(sent) != n || len(received) != n {
		b.Fatalf("%d frames sent, %d received, want %d", len(sent), len(received), n)
	}
	var errors []time.Duration
	for i, f := range received {
		errors = append(errors, (f.time.Sub(sent[i].time) - delay).Abs())
	}
	b.ReportMetric(float64(quantile(errors, 0.5))/1e6, "ms-median-error")
	b.ReportMetric(float64(quantile(errors, 0.99))/1e6, "ms-99%-error")
}

// BenchmarkTCP measures the rate of one TCP connection through the soft links, in an operation
// of 1 MiB, at an MTU of 1500 bytes and without offloads.
func BenchmarkTCP(b *testing.B) {
	needRoot(b)
	h1, h2 := testHost(b, 1), testHost(b, 2)
	d := openLinks(b, Soft, 1, h1, h2)
	var listener net.Listener
	inHost(b, h2, func() (err error) {
		listener, err = net.Listen("tcp4", "10.0.0.2:5000")
		return err
	})
	defer listener.Close()
	received := make(chan int64)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			close(received)
			return
		}
		buf := make([]byte, 1<<18)
		total := int64(0)
		for {
			n, err := conn.Read(buf)
			total += int64(n)
			if err != nil {
				received <- total
				return
			}
		}
	}()
	var conn net.Conn
	inHost(b, h1, func() (err error) {
		conn, err = net.Dial("tcp4", "10.0.0.2:5000")
		return err
	})
	chunk := make([]byte, 1<<20)
	b.SetBytes(int64(len(chunk)))
	sent := int64(0)
	for b.Loop() {
		n, err := conn.Write(chunk)
		if err != nil {
			b.Fatal(err)
		}
		sent += int64(n)
	}
	conn.Close()
	if got := <-received; got != sent {
		b.Fatalf("%d bytes received of %d sent", got, sent)
	}
	b.ReportMetric(float64(sent)*8/b.Elapsed().Seconds()/1e6, "Mbit/s")
	for _, r := range results(b, d) {
		if r.Overruns > 0 {
			b.Errorf("%s: %d overruns", r.Host, r.Overruns)
		}
	}
}
