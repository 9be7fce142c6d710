package live

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/boundary"

	"golang.org/x/sys/unix"
)

// labName names a lab after the process that asks for it and that process's start time, so
// that its control groups can be told from those of a process that is gone, and after the device and
// inode of its directory, which no other lab has at the same time.
func labName(dir string) (string, error) {
	var st unix.Stat_t
	if err := unix.Stat(dir, &st); err != nil {
		return "", fmt.Errorf("look at %s: %w", dir, err)
	}
	pid := os.Getpid()
	return fmt.Sprintf("detgen-%d-%d-%x-%x", pid, processStart(pid), st.Dev, st.Ino), nil
}

var groupName = regexp.MustCompile(`^detgen-(\d+)-(\d+)-`)

// processStart is when a process started, in clock ticks since boot (field 22 of
// /proc/<pid>/stat), 0 when there is no such process.
func processStart(pid int) uint64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return 0
	}
	start, _ := strconv.ParseUint(fields[19], 10, 64)
	return start
}

// removeStaleGroups removes the control groups of labs whose process is gone.
func removeStaleGroups() {
	gone := map[string]bool{} // process and start; each has many groups
	for _, dir := range groups("detgen-*") {
		m := groupName.FindStringSubmatch(filepath.Base(dir))
		if m == nil {
			continue
		}
		if _, known := gone[m[0]]; !known {
			pid, _ := strconv.Atoi(m[1])
			start, _ := strconv.ParseUint(m[2], 10, 64)
			gone[m[0]] = processStart(pid) != start
		}
		if gone[m[0]] {
			removeTree(dir)
		}
	}
}

// removeGroups removes what is left of a lab's control groups.
func removeGroups(name string) {
	for _, dir := range groups(name + "-*") {
		removeTree(dir)
	}
}

// groups gives the control groups at the top of every hierarchy whose name matches; of a user, those in the user's own
// group.
func groups(pattern string) []string {
	if os.Geteuid() != 0 {
		own, _, err := boundary.OwnGroup()
		if err != nil {
			return nil // there can be none
		}
		list, _ := filepath.Glob(filepath.Join(own, pattern))
		return list
	}
	v2, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup", pattern))
	v1, _ := filepath.Glob(filepath.Join("/sys/fs/cgroup/*", pattern))
	return append(v2, v1...)
}

// removeTree removes a control group and those below it, deepest first; the kernel refuses
// those that still have processes.
func removeTree(dir string) {
	var dirs []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	slices.Reverse(dirs)
	for _, d := range dirs {
		os.Remove(d)
	}
}
