package userns

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// The files of subordinate IDs (subuid(5), subgid(5)).
const (
	subUsers  = "/etc/subuid"
	subGroups = "/etc/subgid"
)

// idRange is a range of IDs of the machine.
type idRange struct{ first, count int }

// subordinate reads the ranges that a file gives a user, by name or by number. A machine without the file gives nobody any.
func subordinate(file string, uid int) ([]idRange, error) {
	names := []string{strconv.Itoa(uid)}
	if u, err := user.LookupId(names[0]); err == nil { // one without a name is in the file by number
		names = append(names, u.Username)
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return rangesOf(string(text), names), nil
}

// rangesOf gives the ranges of the lines "NAME:FIRST:COUNT" that have one of the names. Other lines are others' or comments.
func rangesOf(text string, names []string) []idRange {
	var ranges []idRange
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) != 3 || f[0] != names[0] && f[0] != names[len(names)-1] {
			continue
		}
		first, err1 := strconv.ParseUint(f[1], 10, 32)
		count, err2 := strconv.ParseUint(f[2], 10, 32)
		if err1 == nil && err2 == nil {
			ranges = append(ranges, idRange{int(first), int(count)})
		}
	}
	return ranges
}

// switches are the kernel's files that forbid user namespaces to ordinary users by a value. Two of them are of Debian's
// and Ubuntu's kernels alone.
var switches = []struct{ file, forbids, mend string }{
	{"sys/user/max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"},
	{"sys/kernel/unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"},
	{"sys/kernel/apparmor_restrict_unprivileged_userns", "1", "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for detgen that has \"userns,\""},
}

// allowed looks whether the kernel lets ordinary users have user namespaces. AppArmor's switch has exceptions: see hint.
func allowed(proc string) error {
	if _, err := os.Stat(proc + "/self/ns/user"); err != nil {
		return fmt.Errorf("%w: the kernel has none: use one with CONFIG_USER_NS", ErrForbidden)
	}
	for _, s := range switches[:2] {
		if value(proc, s.file) == s.forbids {
			return fmt.Errorf("%w: this machine forbids them: as root, %s", ErrForbidden, s.mend)
		}
	}
	return nil
}

// hint says what may have been in the way of something that this user may not do in a namespace.
func hint(proc string) string {
	for _, s := range switches {
		if value(proc, s.file) == s.forbids {
			return ": as root, " + s.mend
		}
	}
	return ": a container's filter of system calls, or a limit of it, may forbid it"
}

// Explain says what it most likely means that something failed which only a namespace's root can do.
func Explain(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: %w%s", ErrForbidden, err, hint("/proc"))
	}
	return err
}

// value gives the first line of a file of /proc, "" when there is none.
func value(proc, file string) string {
	f, err := os.Open(proc + "/" + file)
	if err != nil {
		return ""
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Scan()
	return strings.TrimSpace(s.Text())
}
