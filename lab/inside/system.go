package inside

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"detgen/internal/helper"

	"golang.org/x/sys/unix"
)

func notifyChildren(c chan<- os.Signal) { signal.Notify(c, syscall.SIGCHLD) }

// closeOnExec keeps the descriptors that the lab gave to the init from its programs
// (close_range(2)).
func closeOnExec() {
	unix.CloseRange(helper.Descriptor, ^uint(0), unix.CLOSE_RANGE_CLOEXEC)
}

// lookUpUser gives the credential and the home of a user by the host's own /etc/passwd and
// /etc/group. The empty name is root, which needs no credential.
func lookUpUser(name string) (*syscall.Credential, string, error) {
	if name == "" || name == "root" {
		return nil, "/root", nil
	}
	var credential *syscall.Credential
	var home string
	err := eachLine("/etc/passwd", 7, func(f []string) {
		if f[0] == name || f[2] == name {
			uid, _ := strconv.ParseUint(f[2], 10, 32)
			gid, _ := strconv.ParseUint(f[3], 10, 32)
			credential, home = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, f[5]
			name = f[0]
		}
	})
	if err != nil {
		return nil, "", err
	}
	if credential == nil {
		return nil, "", fmt.Errorf("user %q is not in the host's /etc/passwd", name)
	}
	err = eachLine("/etc/group", 4, func(f []string) {
		for member := range strings.SplitSeq(f[3], ",") {
			if member == name {
				gid, _ := strconv.ParseUint(f[2], 10, 32)
				credential.Groups = append(credential.Groups, uint32(gid))
			}
		}
	})
	return credential, home, err
}

// eachLine calls f with the fields of each line that has the given number of them.
func eachLine(path string, fields int, f func([]string)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		if parts := strings.Split(lines.Text(), ":"); len(parts) == fields {
			f(parts)
		}
	}
	return lines.Err()
}

// clockTick is the unit of CPU times in /proc/<pid>/stat (USER_HZ, proc(5)).
const clockTick = 10 * time.Millisecond

// childUsage sums the CPU time of the children of a process and of theirs (a memory worker of
// stress-ng leaves the work to a child of its own), and counts its children.
func childUsage(parent int) (cpu time.Duration, number int, err error) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, 0, err
	}
	children := map[int][]int{}
	used := map[int]time.Duration{}
	for _, path := range stats {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		// The command name is in parentheses and may hold spaces: fields count from after it.
		_, rest, ok := strings.Cut(string(content), ") ")
		fields := strings.Fields(rest)
		if !ok || len(fields) < 15 {
			return 0, 0, fmt.Errorf("%s: cannot be read", path)
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		ppid, _ := strconv.Atoi(fields[1])
		children[ppid] = append(children[ppid], pid)
		for _, ticks := range fields[11:15] { // utime, stime, cutime, cstime
			n, _ := strconv.ParseInt(ticks, 10, 64)
			used[pid] += time.Duration(n) * clockTick
		}
	}
	number = len(children[parent])
	for rest := children[parent]; len(rest) > 0; rest = rest[1:] {
		cpu += used[rest[0]]
		rest = append(rest, children[rest[0]]...)
	}
	return cpu, number, nil
}
