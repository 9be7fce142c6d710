package link

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"detgen/record"
)

// needRoot skips a test that needs namespaces in the quick loop, and fails it when it cannot
// have them.
func needRoot(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs root and network namespaces")
	}
	if os.Geteuid() != 0 {
		t.Fatal("needs root: run the tests as root, or with -short")
	}
}

// newNetNS makes a network namespace that lives as long as its descriptor. IPv6 is off in it.
func newNetNS(t testing.TB) int {
	t.Helper()
	type made struct {
		fd  int
		err error
	}
	result := make(chan made)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- made{-1, err}
			return
		}
		err := os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0)
		if err != nil {
			result <- made{-1, err}
			return
		}
		fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		result <- made{fd, err}
	}()
	r := <-result
	if r.err != nil {
		t.Fatalf("make a network namespace: %v", r.err)
	}
	t.Cleanup(func() { unix.Close(r.fd) })
	return r.fd
}

// testHost gives the port of host number i (from 1) on network "lan".
func testHost(t testing.TB, i int) Port {
	return Port{
		Host:      fmt.Sprintf("h%d", i),
		Interface: "eth0",
		Network:   "lan",
		MAC:       station(i).String(),
		NetNS:     newNetNS(t),
		MTU:       1500,
	}
}

// address gives the address of host number i.
func address(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }

// openLinks opens a driver and brings the interfaces up; hosts know each other's MACs, so
// that no ARP is among the frames.
func openLinks(t testing.TB, driver string, seed uint64, ports ...Port) Driver {
	t.Helper()
	d, err := Open(t.Context(), driver, seed, newNetNS(t), ports, nil, slog.New(slog.NewTextHandler(t.Output(), nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for i, p := range ports {
		if err := bringUp(p, i+1, len(ports)); err != nil {
			t.Fatalf("bring up %s of %s: %v", p.Interface, p.Host, err)
		}
	}
	return d
}

func bringUp(p Port, number, hosts int) error {
	h, err := netlink.NewHandleAt(netns.NsHandle(p.NetNS), unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer h.Close()
	l, err := h.LinkByName(p.Interface)
	if err != nil {
		return err
	}
	a, err := netlink.ParseAddr(address(number).String() + "/24")
	if err != nil {
		return err
	}
	if err := h.AddrAdd(l, a); err != nil {
		return err
	}
	if err := h.LinkSetUp(l); err != nil {
		return err
	}
	for i := 1; i <= hosts; i++ {
		if i == number {
			continue
		}
		err := h.NeighSet(&netlink.Neigh{
			LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT,
			IP: address(i).AsSlice(), HardwareAddr: station(i).bytes(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (m mac) bytes() []byte {
	return []byte{byte(m >> 40), byte(m >> 32), byte(m >> 24), byte(m >> 16), byte(m >> 8), byte(m)}
}

// inHost calls f in a host's network namespace; sockets and processes it makes stay there.
func inHost(t testing.TB, p Port, f func() error) {
	t.Helper()
	if err := inNetNS(p.NetNS, f); err != nil {
		t.Fatal(err)
	}
}

// drained waits until no frame is under way.
func drained(t testing.TB, d Driver) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := d.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

// results gives the results of up and down of each port.
func results(t testing.TB, d Driver) []record.LinkResult {
	t.Helper()
	r, err := d.Results()
	if err != nil {
		t.Fatal(err)
	}
	return r
}
