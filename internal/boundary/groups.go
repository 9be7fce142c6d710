package boundary

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// OwnGroup gives the path of this process's v2 control group, and how many are above it. It is an error when the process
// may make none below it.
func OwnGroup() (path string, depth int, err error) {
	mount := "/sys/fs/cgroup"
	var fs unix.Statfs_t
	if err := unix.Statfs(mount, &fs); err != nil {
		return "", 0, fmt.Errorf("look at the control groups: %w", err)
	}
	if fs.Type != unix.CGROUP2_SUPER_MAGIC {
		mount += "/unified"
	}
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", 0, err
	}
	for line := range strings.Lines(string(text)) {
		name, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::/")
		if !ok {
			continue
		}
		path := filepath.Join(mount, name)
		for _, file := range []string{"", "cgroup.procs"} {
			if err := unix.Access(filepath.Join(path, file), unix.W_OK); err != nil {
				return "", 0, fmt.Errorf("this process may make no control groups in its own, %s (%w)", path, err)
			}
		}
		if name == "" {
			return path, 0, nil
		}
		return path, strings.Count(name, "/") + 1, nil
	}
	return "", 0, errors.New("this process is in no v2 control group")
}
