package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"detgen/internal/helper"

	"golang.org/x/sys/unix"
)

// server is a host's init.
type server struct {
	lab      *helper.Out
	starter  starter
	mu       sync.Mutex // of everything below
	programs map[string]*program
	outputs  map[string]*output // by program; some outlive it
	calls    map[uint64]net.Conn
	lastCall uint64
}

// program is a running program, the leader of a session and process group of its own.
type program struct{ pid int }

// Init is the main of a host's init process. It returns when the lab closes its end of the
// socket pair; the kernel then ends everything in the host's PID namespace.
func Init() error {
	lab := helper.Parent()
	// Nobody in the host reaches the lab's descriptors by this process's /proc/1/fd (prctl(2), ptrace(2)).
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide from the host's programs: %w", err)
	}
	closeOnExec()
	// The descriptors of the lab are nobody's business: no program of the host, root's neither, can
	// look into this process (PR_SET_DUMPABLE(2const), ptrace(2)).
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("keep the init's descriptors to itself: %w", err)
	}
	starter, err := newStarter()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(reportSocket), 0o755); err != nil {
		return err
	}
	listener, err := net.Listen("unix", reportSocket)
	if err != nil {
		return err
	}
	// Scripts may run as any user of the host.
	if err := os.Chmod(reportSocket, 0o666); err != nil {
		return err
	}
	s := &server{lab: helper.NewOut(lab), starter: starter, programs: map[string]*program{}, outputs: map[string]*output{}, calls: map[uint64]net.Conn{}}
	children := make(chan os.Signal, 1)
	notifyChildren(children)
	go s.reap(children)
	go s.acceptHelpers(listener)
	s.send(Message{Event: Ready, Time: time.Now()})
	return helper.Serve(lab, func(r Request) error {
		reply := Message{Reply: r.ID}
		if err := s.handle(&r, &reply); err != nil {
			reply.Error = err.Error()
		}
		s.send(reply)
		return nil
	})
}

// send tells the lab something. When the lab is gone, this process ends.
func (s *server) send(m Message) { s.lab.Send(m) }

func (s *server) handle(r *Request, reply *Message) error {
	switch r.Operation {
	case Start:
		return s.start(r)
	case Signal:
		p, err := s.program(r.Program)
		if err != nil {
			return err
		}
		return unix.Kill(-p.pid, unix.Signal(r.Number))
	case Usage:
		p, err := s.program(r.Program)
		if err != nil {
			return err
		}
		reply.CPU, reply.Workers, err = childUsage(p.pid)
		return err
	case Read:
		content, err := os.ReadFile(r.Path)
		if reply.Missing = errors.Is(err, os.ErrNotExist); reply.Missing {
			return nil
		}
		reply.Content = content
		return err
	case Exists:
		_, err := os.Lstat(r.Path)
		reply.Missing = err != nil
		return nil
	case Flush:
		s.mu.Lock()
		names := slices.Collect(maps.Keys(s.outputs))
		s.mu.Unlock()
		for _, name := range names {
			s.flush(name)
		}
		return nil
	case Answer:
		s.mu.Lock()
		conn := s.calls[r.Call]
		delete(s.calls, r.Call)
		s.mu.Unlock()
		if conn != nil {
			json.NewEncoder(conn).Encode(Message{Content: r.Content, Error: r.Error})
			conn.Close()
		}
		return nil
	}
	return fmt.Errorf("unknown operation %q", r.Operation)
}

func (s *server) program(name string) (*program, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.programs[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("program %q does not run", name)
}

// start starts a program in a process group of its own, its output going to the lab.
func (s *server) start(r *Request) error {
	argv := r.Command
	if r.Script != "" {
		path := filepath.Join(Directory, "run", r.Program+".sh")
		if err := os.WriteFile(path, []byte(r.Script), 0o755); err != nil {
			return err
		}
		argv = []string{"sh", "-eu", path}
	}
	if len(argv) == 0 {
		return errors.New("nothing to start")
	}
	credential, home, err := lookUpUser(r.User)
	if err != nil {
		return err
	}
	environment := map[string]string{
		"PATH": Helpers + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME": home, "LANG": "C.UTF-8", "TZ": "UTC",
	}
	for k, v := range r.Environment {
		environment[k] = v
	}
	env := make([]string, 0, len(environment))
	for k, v := range environment {
		env = append(env, k+"="+v)
	}
	slices.Sort(env)
	path, err := findProgram(argv[0], environment["PATH"])
	if err != nil {
		return err
	}
	output, end, err := newOutput(r.Program)
	if err != nil {
		return err
	}
	defer unix.Close(end)
	null, err := os.Open("/dev/null")
	if err != nil {
		return err
	}
	defer null.Close()
	attributes := &syscall.ProcAttr{
		Dir: "/", Env: env, Files: []uintptr{null.Fd(), uintptr(end), uintptr(end)},
		Sys: &syscall.SysProcAttr{Chroot: r.Root, Setsid: true, Credential: credential, UseCgroupFD: r.Group != 0, CgroupFD: r.Group},
	}
	if home != "" {
		if info, err := os.Stat(home); err == nil && info.IsDir() {
			attributes.Dir = home
		}
	}
	// The lock makes the program known before its end can be seen.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.programs[r.Program] != nil {
		output.pipe.Close()
		return fmt.Errorf("program %q runs already", r.Program)
	}
	var pid int
	s.starter.do(func() { pid, err = syscall.ForkExec(path, argv, attributes) })
	if err != nil {
		output.pipe.Close()
		return fmt.Errorf("exec %s: %w", path, err)
	}
	s.programs[r.Program], s.outputs[r.Program] = &program{pid}, output
	go s.passOn(output)
	return nil
}

func findProgram(name, path string) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	for _, dir := range filepath.SplitList(path) {
		full := filepath.Join(dir, name)
		if info, err := os.Stat(full); err == nil && !info.IsDir() && info.Mode()&0o111 != 0 {
			return full, nil
		}
	}
	return "", fmt.Errorf("%s: %w in %s", name, exec.ErrNotFound, path)
}

// reap takes note of every process that ends, orphans included.
func (s *server) reap(children <-chan os.Signal) {
	for range children {
		for {
			var status unix.WaitStatus
			pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
			now := time.Now()
			s.mu.Lock()
			var name string
			var ended *program
			for n, p := range s.programs {
				if p.pid == pid {
					name, ended = n, p
				}
			}
			delete(s.programs, name)
			s.mu.Unlock()
			if ended == nil {
				continue
			}
			s.flush(name)
			code := status.ExitStatus()
			if status.Signaled() {
				code = 128 + int(status.Signal())
			}
			s.send(Message{Event: Exited, Program: name, Status: code, Time: now})
		}
	}
}

func (s *server) acceptHelpers(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			var r Report
			if err := json.NewDecoder(conn).Decode(&r); err != nil {
				conn.Close()
				return
			}
			s.mu.Lock()
			s.lastCall++
			call := s.lastCall
			s.calls[call] = conn
			s.mu.Unlock()
			if r.Helper == Log {
				s.flush(r.Name)
			}
			s.send(Message{Event: Reported, Call: call, Report: &r, Time: time.Now()})
		}()
	}
}
