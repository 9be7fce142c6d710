package helper

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The test binary plays the processes that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role := roles[os.Args[1]]; role != nil {
			if err := role(); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	os.Exit(m.Run())
}

type request struct {
	ID   uint64
	Text string
}

type message struct {
	ID   uint64
	Text string
}

func (m message) Replies() uint64 { return m.ID }

var roles = map[string]func() error{
	// echo tells of each request, then replies with it.
	"echo": func() error {
		parent := Parent()
		out := NewOut(parent)
		return Serve(parent, func(r request) error {
			out.Send(message{Text: "got " + r.Text})
			return out.Send(message(r))
		})
	},
	// descriptors prints those that it has.
	"descriptors": func() error {
		list, err := os.ReadDir("/proc/self/fd")
		for _, e := range list {
			target, _ := os.Readlink("/proc/self/fd/" + e.Name())
			kind, _, _ := strings.Cut(target, ":")
			if kind == "socket" || filepath.Base(target) == "given" {
				fmt.Print(e.Name(), " ", filepath.Base(kind), "; ")
			}
		}
		return err
	},
	"fail": func() error {
		fmt.Println(strings.Repeat("a line that nobody needs\n", 1000) + "the reason")
		return errors.New("enough")
	},
	// parent starts a process that only ends with it, and tells its number.
	"parent": func() error {
		p, err := Start(Command{Path: "/bin/sleep", Args: []string{"1000"}})
		if err != nil {
			return err
		}
		if err := NewOut(Parent()).Send(message{Text: fmt.Sprint(p.PID())}); err != nil {
			return err
		}
		select {}
	},
}

func start(t *testing.T, c Command) *Process {
	t.Helper()
	p, err := Start(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill(); <-p.Ended(); p.Conn.Close() })
	return p
}

func TestCalls(t *testing.T) {
	p := start(t, Command{Args: []string{"echo"}})
	events := make(chan string, 10)
	c := NewCalls(p.Conn, func(m message) { events <- m.Text })
	for _, text := range []string{"one", "two"} {
		m, err := c.Call(t.Context(), func(n uint64) any { return request{n, text} })
		if err != nil || m.Text != text {
			t.Errorf("%q is answered by %q, error %v", text, m.Text, err)
		}
		if e := <-events; e != "got "+text {
			t.Errorf("event %q", e)
		}
	}
	c.Close()
	if err := p.Wait(); err != nil {
		t.Errorf("the process does not end well when the connection does: %v", err)
	}
	if _, err := c.Call(t.Context(), func(n uint64) any { return request{n, "late"} }); !errors.Is(err, ErrGone) {
		t.Errorf("a call after the end gives %v", err)
	}
}

func TestCallIsGivenUp(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() { // which reads and never answers
		b := make([]byte, 100)
		for _, err := theirs.Read(b); err == nil; _, err = theirs.Read(b) {
		}
	}()
	c := NewCalls(ours, func(message) {})
	defer c.Close()
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Millisecond, func() { cancel(reason) })
	if _, err := c.Call(ctx, func(n uint64) any { return request{n, ""} }); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}

func TestProgramMayBeAFile(t *testing.T) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer self.Close()
	p := start(t, Command{Program: self, Args: []string{"fail"}})
	if err := p.Wait(); err == nil || !strings.HasSuffix(err.Error(), "the reason\nenough") {
		t.Errorf("got %v", err)
	}
}

func TestDescriptorsAreThoseGivenAlone(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "given"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	other, _, err := Pair()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	p := start(t, Command{Args: []string{"descriptors"}, Files: []*os.File{file}})
	if err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, want := p.Output(), "3 socket; 4 given;"; got != want {
		t.Errorf("the process has %q, not %q", got, want)
	}
}

func TestErrorGivesTheLastLines(t *testing.T) {
	p := start(t, Command{Args: []string{"fail"}})
	err := p.Wait()
	if err == nil || !strings.HasPrefix(err.Error(), "exit status 1: a line that") || !strings.HasSuffix(err.Error(), "\nthe reason\nenough") || len(err.Error()) > lastBytes+100 {
		t.Errorf("got %v", err)
	}
}

func TestStartFails(t *testing.T) {
	before := descriptors(t)
	if _, err := Start(Command{Path: "/nowhere/program"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestProcessEndsWithItsParent(t *testing.T) {
	p := start(t, Command{Args: []string{"parent"}})
	told := make(chan string, 1)
	NewCalls(p.Conn, func(m message) { told <- m.Text })
	var child int
	fmt.Sscan(<-told, &child)
	fd, err := unix.PidfdOpen(child, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	p.Kill()
	// The descriptor of a process can be read when the process has ended (pidfd_open(2)).
	if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000); n != 1 {
		unix.Kill(child, unix.SIGKILL)
		t.Errorf("the process goes on without its parent (%v)", err)
	}
}
