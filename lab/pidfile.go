package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// awaitNumber reads the number of a process from a file that another process writes, maybe later: an OCI runtime writes
// the file of --pid-file when it has started the container, whose init may be at work already. It waits until there is a
// number in the file, or gone is closed, which is errInitEnded.
func awaitNumber(path string, gone <-chan struct{}) (int, error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return 0, err
	}
	events := os.NewFile(uintptr(fd), "events of "+path)
	defer events.Close()
	// a runtime writes it in place (crun), or elsewhere and renames it (runc)
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_CLOSE_WRITE|unix.IN_MOVED_TO); err != nil {
		return 0, fmt.Errorf("watch %s: %w", filepath.Dir(path), err)
	}
	found := make(chan struct{})
	defer close(found)
	go func() {
		select {
		case <-gone:
			events.Close() // ends the read
		case <-found:
		}
	}()
	buffer := make([]byte, 4096)
	for {
		text, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return 0, err
		}
		if len(text) > 0 { // it is written at once
			number, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				return 0, fmt.Errorf("%s: %w", path, err)
			}
			return number, nil
		}
		if _, err := events.Read(buffer); errors.Is(err, os.ErrClosed) {
			return 0, fmt.Errorf("%s was not written: %w", path, errInitEnded)
		} else if err != nil {
			return 0, err
		}
	}
}
