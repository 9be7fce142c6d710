package owners

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"detgen/lab/internal/network"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be a program of a host, which sends.
func TestMain(m *testing.M) {
	if len(os.Args) != 2 || os.Args[1] != "send" {
		os.Exit(m.Run())
	}
	if err := send(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// send sends by each protocol and version of IP to this computer, where nobody answers but to TCP.
func send() error {
	for _, address := range []string{"127.0.0.1:9", "[::1]:9"} {
		udp, err := net.Dial("udp", address)
		if err != nil {
			return err
		}
		if _, err := udp.Write([]byte("x")); err != nil {
			return err
		}
		tcp, err := net.Dial("tcp", strings.TrimSuffix(address, "9")+"80")
		if err != nil {
			return err
		}
		tcp.Close()
		udp.Close()
	}
	raw, err := net.Dial("ip4:89", "127.0.0.1")
	if err != nil {
		return err
	}
	defer raw.Close()
	_, err = raw.Write(make([]byte, 100))
	return err
}

// The rules note what the eBPF program notes: the same groups, addresses, ports, protocols, and the same times but for
// what it takes to come from one to the other.
func TestRulesNoteWhatTheProgramNotes(t *testing.T) {
	if testing.Short() {
		t.Skip("makes control groups and a network namespace: needs root")
	}
	groups, err := OpenGroups()
	if err != nil {
		t.Fatal(err)
	}
	defer groups.Close()
	o, err := New("host", groups, fmt.Sprintf("detgen-owners-test-%d", os.Getpid()), 0, []Program{{Name: "one"}, {Name: "two"}})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	n, err := network.New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	lo, err := n.Handle.LinkByName("lo")
	if err := errors.Join(err, n.Handle.LinkSetUp(lo)); err != nil {
		t.Fatal(err)
	}
	program, err := watchByProgram(o.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer program.close()
	rules, err := watchByRules(n, groups.depth+2)
	if err != nil {
		t.Fatal(err)
	}
	defer rules.close()
	deeper, err := watchByRules(mustNetwork(t), groups.depth+2)
	if err != nil {
		t.Fatal(err)
	}
	defer deeper.close()
	err = n.Do(func() error {
		for _, address := range []string{"127.0.0.1:80", "[::1]:80"} {
			l, err := net.Listen("tcp", address)
			if err != nil {
				return err
			}
			t.Cleanup(func() { l.Close() })
		}
		for _, group := range o.groups {
			sender := exec.Command("/proc/self/exe", "send")
			sender.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(group.Fd())}
			if out, err := sender.CombinedOutput(); err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want, got := noted(t, o, program), noted(t, o, rules)
	if n := len(want); n != 10 {
		t.Errorf("the program notes %d pairs of two programs, want 5 of each", n)
	}
	if !maps.EqualFunc(got, want, func(a, b int64) bool { return max(a-b, b-a) < 1e7 }) {
		t.Errorf("the rules note %s\nwant %s", describe(got), describe(want))
	}
	if others := noted(t, o, deeper); len(others) > 0 {
		t.Errorf("rules of another network note %s", describe(others))
	}
}

func mustNetwork(t *testing.T) *network.Namespace {
	t.Helper()
	n, err := network.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

// noted gives the keys of the host's programs, and their times.
func noted(t *testing.T, o *Owners, from notes) map[key]int64 {
	t.Helper()
	all := map[key]int64{}
	err := from.read(func(k *key, at int64) {
		if _, ok := o.names[k.group()]; ok {
			all[*k] = at
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func describe(noted map[key]int64) string {
	var lines []string
	for k, at := range noted {
		lines = append(lines, fmt.Sprintf("%x %d", k, at))
	}
	slices.Sort(lines)
	return "\n" + strings.Join(lines, "\n")
}

// Nobody else in the namespace can take the rules away.
func TestRulesAreTheLabsOwn(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a network namespace: needs root")
	}
	n := mustNetwork(t)
	rules, err := watchByRules(n, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer rules.close()
	other := &byRules{}
	err = n.Do(func() (err error) {
		other.socket, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	remove := []message{{unix.NFT_MSG_DELTABLE, 0, newTable()[0].attributes[:1]}}
	if err := other.change(remove); !errors.Is(err, unix.EPERM) {
		t.Errorf("another socket removes the table: %v", err)
	}
	if err := rules.read(func(*key, int64) {}); err != nil {
		t.Errorf("the rules are gone: %v", err)
	}
}
