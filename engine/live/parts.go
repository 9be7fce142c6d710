package live

import (
	"fmt"
	"os"
	"path/filepath"

	"detgen/internal/boundary"
	"detgen/internal/helper"
	"detgen/internal/thread"
	"detgen/lab/inside/program"

	"golang.org/x/sys/unix"
)

// parts is the carried program as labs get it; the zero value lets this program play the parts.
type parts struct {
	mounts *os.File // a mount namespace like this process's in which the program is at carried; of root
	memory *os.File // the program, in memory; of a user, who may make no such namespace
}

// carried is where the program is in root's namespace.
var carried = filepath.Join(boundary.Scratch, "detgen-inside")

// openParts makes the carried program ready for the labs of this process. It is gone with the last process that uses it.
func openParts() (p parts, err error) {
	if os.Geteuid() == 0 {
		p.mounts, err = programMounts()
	} else {
		p.memory, err = programMemory()
	}
	if err != nil {
		err = fmt.Errorf("provide the labs' program: %w", err)
	}
	return p, err
}

// programMounts makes the namespace, nil without a program. All labs share the file's memory.
func programMounts() (mounts *os.File, err error) {
	result := make(chan error)
	thread.Go(func() {
		there, err := mountProgram()
		if there && err == nil {
			mounts, err = os.Open("/proc/thread-self/ns/mnt")
		}
		result <- err
	})
	err = <-result
	return mounts, err
}

// mountProgram brings the calling thread into a new namespace with the program.
func mountProgram() (there bool, err error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return false, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return false, fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("tmpfs", boundary.Scratch, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"); err != nil {
		return false, fmt.Errorf("mount a tmpfs on %s: %w", boundary.Scratch, err)
	}
	return program.Put(carried)
}

// programMemory gives the program as a file without a name, nil without a program.
func programMemory() (*os.File, error) {
	fd, err := unix.MemfdCreate("detgen-inside", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open a file in memory: %w", err)
	}
	file := os.NewFile(uintptr(fd), "detgen-inside")
	if there, err := program.Write(file); err != nil || !there {
		file.Close()
		return nil, err
	}
	return file, nil
}

// command starts the program in a role, with namespaces of its own.
func (p parts) command(role string) helper.Command {
	return helper.Command{Path: p.path(), Program: p.memory, Args: []string{role}, Mounts: p.mounts, Namespaces: helper.Isolated}
}

// path is the program's, "" for that which runs.
func (p parts) path() string {
	if p.mounts == nil {
		return ""
	}
	return carried
}

func (p parts) close() {
	for _, f := range []*os.File{p.mounts, p.memory} {
		if f != nil {
			f.Close()
		}
	}
}
