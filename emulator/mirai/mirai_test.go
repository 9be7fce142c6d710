package mirai

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detgen/emulator/internal/peer"
)

// notes keeps what a side prints.
type notes struct {
	mu    sync.Mutex
	lines []string
	came  chan string
}

func newNotes() *notes { return &notes{came: make(chan string, 1000)} }

func (n *notes) note(words ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	line := strings.TrimSuffix(fmt.Sprintln(words...), "\n")
	n.lines = append(n.lines, line)
	n.came <- line
}

// await waits for a line.
func (n *notes) await(t *testing.T, want string) {
	t.Helper()
	for end := time.After(30 * time.Second); ; {
		select {
		case line := <-n.came:
			if line == want {
				return
			}
		case <-end:
			t.Fatalf("%q did not come: %q", want, n.lines)
		}
	}
}

// started gives a server, and the addresses of its commands and reports.
func started(t *testing.T) (said *notes, commands, reports string) {
	t.Helper()
	var l [2]net.Listener
	for i := range l {
		var err error
		if l[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	said = newNotes()
	s := &server{user: "me", password: "secret", bots: map[net.Conn]string{}, note: said.note, lab: onlyNine}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.serve(ctx, l[0], l[1]) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return said, l[0].Addr().String(), l[1].Addr().String()
}

// onlyNine is a lab with one host.
func onlyNine(host string) error {
	if host != "10.0.0.9" {
		return errors.New("no host of this lab")
	}
	return nil
}

func TestOrdersComeAsTheyWereTyped(t *testing.T) {
	for _, typed := range []string{"udp 10.0.0.9 20 dport=9 size=512", "syn 10.0.0.9 60 dport=80 size=0", "ack 10.0.0.9 1 dport=0 size=1400"} {
		o, err := readOrder(typed)
		if err != nil {
			t.Fatal(err)
		}
		b := o.bytes()
		got, err := takeOrder(bytes.NewReader(b[2:]), int(b[0])<<8|int(b[1]))
		if err != nil || got.String() != typed {
			t.Errorf("%q, %v, want %q", got, err, typed)
		}
	}
	for typed, want := range map[string]string{
		"udp 10.0.0.9":                "want VECTOR",
		"http 10.0.0.9 5":             "want udp, syn or ack",
		"udp 10.0.0.9 61":             "want 1 to 60",
		"udp ::1 5":                   "one of IPv4",
		"udp 10.0.0.9 5 dport=70000":  "want 0 to 65535",
		"udp 10.0.0.9 5 size=1401":    "want 0 to 1400",
		"udp 10.0.0.9 5 threads=1000": "want dport or size",
	} {
		if _, err := readOrder(typed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", typed, err, want)
		}
	}
}

func TestOrdersThatAreTooMuchAreNotTaken(t *testing.T) {
	o, err := readOrder("udp 10.0.0.9 20 dport=9 size=512")
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(b []byte){
		"an hour":        func(b []byte) { b[4] = 14 },
		"another vector": func(b []byte) { b[6] = 10 },
		"two targets":    func(b []byte) { b[7] = 2 },
		"a network":      func(b []byte) { b[12] = 24 },
		"a long option":  func(b []byte) { b[15] = 200 },
	} {
		b := o.bytes()
		change(b)
		if got, err := takeOrder(bytes.NewReader(b[2:]), len(b)); err == nil {
			t.Errorf("%s: taken as %q", name, got)
		}
	}
}

func TestTheOperatorOrdersBots(t *testing.T) {
	said, commands, reports := started(t)
	events := newNotes()
	b := &bot{name: "first", server: commands, reports: reports, ping: 10 * time.Millisecond, pings: 2, tries: 1, lab: onlyNine, note: events.note}
	if err := b.serve(t.Context()); err != nil || strings.Join(events.lines, ",") != "online,ping,ping" {
		t.Errorf("%q, %v", events.lines, err)
	}
	said.await(t, "left first")
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	b.pings, b.ping = 0, time.Minute
	waiting.Go(func() {
		if err := b.serve(ctx); err != nil {
			t.Error(err)
		}
	})
	defer waiting.Wait()
	defer cancel()
	said.await(t, "bot first")
	operator := func(password string, orders ...string) []string {
		c, err := net.Dial("tcp", commands)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		seen := newNotes()
		tn := &telnet{Conn: c}
		ok, err := tn.logIn("me", password, seen.note)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range orders {
			if !ok {
				break
			}
			answer, err := tn.answer(o)
			if err != nil {
				t.Fatal(err)
			}
			seen.note(answer)
		}
		return seen.lines
	}
	got := operator("secret", "botcount", "udp 10.0.0.7 5", "udp 10.0.0.9 5 dport=9 size=1")
	want := []string{"login ok", "bots: 1", "error: no host of this lab", "sent to 1"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	said.await(t, "order udp 10.0.0.9 5 dport=9 size=1")
	if got := operator("wrong", "botcount"); !slices.Equal(got, []string{"login denied"}) {
		t.Errorf("%q", got)
	}
}

func TestABotThatFindsNoServerGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	said := newNotes()
	b := &bot{server: l.Addr().String(), tries: 2, again: time.Millisecond, note: said.note}
	if err := b.serve(t.Context()); err != nil || !slices.Equal(said.lines, []string{"gave up"}) {
		t.Errorf("%q, %v", said.lines, err)
	}
}

// device is a telnet server that knows one login; it answers as login(1) and a device's shell do.
func device(t *testing.T, user, password string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		peer.Accept(ctx, l, botsMost, func(c net.Conn) {
			tn := &telnet{Conn: c}
			c.Write([]byte{iac, will, echo, iac, do, 24, iac, sb, 24, 1, iac})
			c.Write([]byte{se}) // a command may come in two pieces
			c.Write([]byte("login: "))
			if _, err := tn.expect(user+"\r\n", "\r\n"); err != nil {
				return
			}
			c.Write([]byte("Password: "))
			if which, err := tn.expect(password+"\r\n", "\r\n"); err != nil || which == 1 {
				c.Write([]byte("\r\nLogin incorrect\r\n"))
				return
			}
			for range 4 {
				c.Write([]byte("# "))
				if _, err := tn.expect("\r\n"); err != nil {
					return
				}
			}
			c.Write([]byte("# "))
			if _, err := tn.expect("/bin/busybox MIRAI\r\n"); err == nil {
				c.Write([]byte("MIRAI: applet not found\r\n"))
			}
		})
	})
	t.Cleanup(func() { cancel(); serving.Wait() })
	return l.Addr().String()
}

func TestABotReportsTheLoginThatFits(t *testing.T) {
	said, commands, reports := started(t)
	host := device(t, "root", "right")
	events := newNotes()
	b := &bot{server: commands, reports: reports, note: events.note}
	if err := b.scan(t.Context(), [][]string{{host}}, [][]string{{"root", "wrong"}, {"root", "right"}}, 0); err != nil {
		t.Fatal(err)
	}
	said.await(t, "login "+host+" root")
	if !slices.Contains(events.lines, "login "+host+" root") {
		t.Errorf("%q", events.lines)
	}
	if err := b.scan(t.Context(), [][]string{{host}}, [][]string{{"root", "wrong"}}, 0); err != nil || events.lines[len(events.lines)-1] != "guesses 1" {
		t.Errorf("%q, %v", events.lines, err)
	}
}

func TestReportsComeWhole(t *testing.T) {
	for _, address := range []string{"10.0.0.9:23", "[fd00::9]:23"} {
		f := found{netip.MustParseAddrPort(address), "root", "a b"}
		if got, err := takeFound(bytes.NewReader(f.bytes())); err != nil || got != f {
			t.Errorf("%v, %v", got, err)
		}
		for n := range f.bytes() {
			if got, err := takeFound(bytes.NewReader(f.bytes()[:n])); err == nil {
				t.Errorf("%d bytes are taken as %v", n, got)
			}
		}
	}
	if got, err := takeFound(strings.NewReader("\x04" + strings.Repeat("\x00", 30))); err == nil {
		t.Errorf("a report of an unknown family is taken as %v", got)
	}
}

func TestMostIsHeldAndOthersAreNoHosts(t *testing.T) {
	dir := t.TempDir()
	targets := filepath.Join(dir, "targets")
	if err := os.WriteFile(targets, []byte("192.0.2.1:23\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for flags, want := range map[string]string{
		"--server=192.0.2.1:23": "no host of this lab",
		"--pings=1001":          "want 0 to 1000",
		"--orders=11":           "want 0 to 10",
		"--ping=1h":             "want 0s to 10m",
		"--name=":               "want 1 to 32",
		"--targets=" + targets:  "no host of this lab",
	} {
		// localhost is in /etc/hosts, of a lab or not.
		err := Bot(t.Context(), []string{"--server=localhost:23", "--reports=localhost:48101", flags})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", flags, err, want)
		}
	}
	err := Operator(t.Context(), []string{"--server=localhost:23", "--user=a", "--password=b", "--order=udp 10.0.0.9 100"})
	if err == nil || !strings.Contains(err.Error(), "want 1 to 60") {
		t.Errorf("operator: %v", err)
	}
}
