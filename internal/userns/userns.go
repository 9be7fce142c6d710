// Package userns starts a process of this program in a user namespace of its own (user_namespaces(7)), where an ordinary
// user has all capabilities over what belongs to the namespace: its mounts, networks and processes, and the files of the
// user's own and subordinate IDs. It gives no right over anything else of the machine.
//
// Start does all of it. What the namespace's IDs are on the machine, a Layout says. The process is talked to as any of
// package helper, and begins with Enter. A user's subordinate IDs are the ranges of /etc/subuid and /etc/subgid, which
// newuidmap(1) and newgidmap(1) of the package uidmap map; without them, a namespace has one ID. Where the machine forbids
// such namespaces, the error is ErrForbidden, and its text says what is missing and how to get it.
package userns

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"detgen/internal/helper"

	"golang.org/x/sys/unix"
)

// ErrForbidden is in the errors of a machine on which this user can have no such namespace.
var ErrForbidden = errors.New("a user namespace cannot be had")

// Layout is which IDs a namespace has, of users and of groups. All others of the machine are strangers in it.
type Layout struct {
	Own   int // the user's own ID, and that of the user's group; 0 makes its programs root's
	First int // the first of the user's subordinate IDs; the others follow
	Count int // how many of these there must be; 0 for none, which every user can have
}

// waiting is the process until its IDs are mapped: it then becomes the program. It says when they may be: a shell that
// sees them change while it looks who it is takes itself for a set-user-ID program, and becomes nobody. What comes over
// the socket pair after the line is the program's.
const waiting = `echo >&3; read -r _ <&3; exec "$@"`

// Start starts a process in a new user namespace, and in those that the command names, which belong to it. It has all
// capabilities there, and so have the programs that it starts. The program calls Enter first.
func Start(c helper.Command, l Layout) (*helper.Process, error) {
	maps, err := l.maps()
	if err != nil {
		return nil, err
	}
	program := c.Program
	if program == nil && c.Path == "" {
		// As a file: another user may not reach it by its name, and /proc/self/exe is the shell's.
		if program, err = os.Open("/proc/self/exe"); err != nil {
			return nil, fmt.Errorf("open this program: %w", err)
		}
		defer program.Close()
	}
	if program != nil {
		c.Path = fmt.Sprintf("/proc/self/fd/%d", helper.Descriptor+1+len(c.Files))
		c.Files = append(c.Files[:len(c.Files):len(c.Files)], program)
		c.Program = nil // the shell starts it
	}
	c.Args = append([]string{"-euc", waiting, "sh", c.Path}, c.Args...)
	c.Path = "/bin/sh"
	c.Namespaces |= unix.CLONE_NEWUSER
	// Root of the namespace has them without, but would gain them when the program begins, and who gains some does not end
	// with the process that started it (prctl(2), PR_SET_PDEATHSIG).
	if c.Ambient, err = capabilities(); err != nil {
		return nil, err
	}
	p, err := helper.Start(c)
	if err != nil {
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EUSERS) {
			err = fmt.Errorf("%w: %w%s", ErrForbidden, err, hint("/proc"))
		}
		return nil, err
	}
	if err := maps.write(p); err != nil {
		p.Kill()
		<-p.Ended()
		p.Conn.Close()
		return nil, err
	}
	return p, nil
}

// Enter is the first thing that a process does which Start started: what the program was started with, other programs are
// not. It gives the socket to the process that started this one.
func Enter() (*os.File, error) {
	if err := unix.CloseRange(helper.Descriptor, 1<<32-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return nil, fmt.Errorf("keep files from other programs: %w", err)
	}
	return helper.Parent(), nil
}

// Check looks whether Start can be called with a layout. What only shows when it is called, it cannot know.
func (l Layout) Check() error {
	_, err := l.maps()
	return err
}

// idMaps are a namespace's maps of user and group IDs: lines of three, as newuidmap(1) takes them after the process.
type idMaps struct {
	users, groups []string
	byProgram     bool // they take newuidmap and newgidmap
}

// maps finds the user's IDs.
func (l Layout) maps() (*idMaps, error) {
	if err := allowed("/proc"); err != nil {
		return nil, err
	}
	own := func(id int) []string { return []string{strconv.Itoa(l.Own), strconv.Itoa(id), "1"} }
	m := &idMaps{users: own(os.Getuid()), groups: own(os.Getgid()), byProgram: l.Count > 0}
	if !m.byProgram {
		return m, nil
	}
	for _, program := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(program); err != nil {
			return nil, fmt.Errorf("%w: %s is missing, which maps a user's subordinate IDs: install it (apt-get install uidmap)", ErrForbidden, program)
		}
	}
	for file, to := range map[string]*[]string{subUsers: &m.users, subGroups: &m.groups} {
		ranges, err := subordinate(file, os.Getuid())
		if err != nil {
			return nil, err
		}
		lines, err := l.place(ranges)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrForbidden, file, err)
		}
		*to = append(*to, lines...)
	}
	return m, nil
}

// place gives the lines that map the layout's subordinate IDs to the user's ranges.
func (l Layout) place(ranges []idRange) ([]string, error) {
	var lines []string
	have := 0
	for _, r := range ranges {
		n := min(r.count, l.Count-have)
		if n <= 0 {
			break
		}
		lines = append(lines, strconv.Itoa(l.First+have), strconv.Itoa(r.first), strconv.Itoa(n))
		have += n
	}
	if have < l.Count {
		return nil, fmt.Errorf("this user has %d subordinate IDs, and %d are needed: as root, usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST USER gives a range that nobody else has", have, l.Count)
	}
	return lines, nil
}

// write maps the IDs of a process that waits for it, and lets it go on.
func (m *idMaps) write(p *helper.Process) error {
	if _, err := p.Conn.Read(make([]byte, 1)); err != nil {
		p.Kill()
		return fmt.Errorf("the process that waits for its IDs ended: %w", errors.Join(err, p.Wait()))
	}
	pid := strconv.Itoa(p.PID())
	if m.byProgram {
		for program, lines := range map[string][]string{"newuidmap": m.users, "newgidmap": m.groups} {
			if out, err := exec.Command(program, append([]string{pid}, lines...)...).CombinedOutput(); err != nil {
				return fmt.Errorf("%w: map the user's subordinate IDs: %s: %w: %s", ErrForbidden, program, err, bytes.TrimSpace(out))
			}
		}
	} else {
		for _, file := range []struct{ name, text string }{
			{"uid_map", strings.Join(m.users, " ")},
			{"setgroups", "deny"}, // without it, nobody but root may write the next
			{"gid_map", strings.Join(m.groups, " ")},
		} {
			if err := os.WriteFile("/proc/"+pid+"/"+file.name, []byte(file.text), 0); err != nil {
				return fmt.Errorf("%w: map the user's own IDs: %w%s", ErrForbidden, err, hint("/proc"))
			}
		}
	}
	_, err := p.Conn.WriteString("\n")
	return err
}

// capabilities are all that this kernel has.
func capabilities() ([]uintptr, error) {
	text, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return nil, err
	}
	last, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the kernel's last capability: %w", err)
	}
	all := make([]uintptr, last+1)
	for i := range all {
		all[i] = uintptr(i)
	}
	return all, nil
}
