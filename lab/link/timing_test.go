package link

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

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
	_ = netns.None
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

func TestSoftRoundTrip(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	openLinks(t, Soft, 1, a, b)
	c, d := testHost(t, 1), testHost(t, 2)
	openVeth(t, c, d)
	var soft, veth []time.Duration
	for range 4 {
		soft = append(soft, roundTrips(t, a, b, 2000)...)
		veth = append(veth, roundTrips(t, c, d, 2000)...)
	}
	t.Logf("soft: median %v, 99 %% %v; veth: median %v, 99 %% %v; added %v",
		quantile(soft, 0.5), quantile(soft, 0.99), quantile(veth, 0.5), quantile(veth, 0.99), quantile(soft, 0.5)-quantile(veth, 0.5))
}

func TestSoftDelayAccuracy(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up.Delay = record.Duration(20 * time.Millisecond)
	openLinks(t, Soft, 1, a, b)
	from, to := sniff(t, a), sniff(t, b)
	sender := newRawSender(t, a)
	const n = 1000
	for i := range n {
		sender.send(t, numbered(i, 200))
		time.Sleep(time.Millisecond)
	}
	sent, received := from.frames(true, n), to.frames(false, n)
	if len(sent) != n || len(received) != n {
		t.Fatalf("%d frames sent, %d received", len(sent), len(received))
	}
	var errors []time.Duration
	for i, f := range received {
		if number(f.data) != i {
			t.Fatalf("frame %d in place %d", number(f.data), i)
		}
		errors = append(errors, (f.time.Sub(sent[i].time) - 20*time.Millisecond).Abs())
	}
	t.Logf("error: median %v, 99 %% %v, greatest %v", quantile(errors, 0.5), quantile(errors, 0.99), quantile(errors, 1))
}
