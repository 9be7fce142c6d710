package kit

import (
	"fmt"
	"io"
	"strings"
)

// Cpio writes an archive in the "newc" format, which the kernel unpacks into its first root
// file system (Documentation/driver-api/early-userspace/buffer-format.rst). Owners are root
// and times are zero, so equal files give equal archives. Archives may follow each other in
// one file.
type Cpio struct {
	w      io.Writer
	inode  int
	offset int64
	err    error
	known  map[string]bool // directories written
}

// NewCpio starts an archive on w.
func NewCpio(w io.Writer) *Cpio { return &Cpio{w: w, known: map[string]bool{}} }

// Kinds of files, as in stat(2)'s st_mode.
const (
	modeDirectory = 0o040000
	modeRegular   = 0o100000
	modeSymlink   = 0o120000
	modeCharacter = 0o020000
)

// Directory adds a directory, and those above it, with permissions 0755.
func (c *Cpio) Directory(name string) {
	if name == "" || name == "." || c.known[name] {
		return
	}
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		c.Directory(name[:i])
	}
	c.known[name] = true
	c.header(name, modeDirectory|0o755, 0, 0, 0)
}

// File adds a regular file of size bytes that r gives, and the directories above it.
func (c *Cpio) File(name string, permissions uint32, size int64, r io.Reader) error {
	c.parent(name)
	c.header(name, modeRegular|permissions, size, 0, 0)
	if c.err != nil {
		return c.err
	}
	n, err := io.Copy(c.w, io.LimitReader(r, size))
	c.offset += n
	if err == nil && n < size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		c.err = fmt.Errorf("%s: %w", name, err)
	}
	c.align()
	return c.err
}

// Symlink adds a symbolic link.
func (c *Cpio) Symlink(name, target string) {
	c.parent(name)
	c.header(name, modeSymlink|0o777, int64(len(target)), 0, 0)
	c.write(target)
	c.align()
}

// Character adds a character device.
func (c *Cpio) Character(name string, permissions uint32, major, minor int) {
	c.parent(name)
	c.header(name, modeCharacter|permissions, 0, major, minor)
}

// Close ends the archive and gives the first error of all calls.
func (c *Cpio) Close() error {
	c.inode = -1
	c.header("TRAILER!!!", 0, 0, 0, 0)
	// The kernel looks for a following archive at any multiple of four; 512 is customary.
	if pad := -c.offset & 511; c.err == nil && pad > 0 {
		c.write(strings.Repeat("\x00", int(pad)))
	}
	return c.err
}

func (c *Cpio) parent(name string) {
	if i := strings.LastIndexByte(name, '/'); i > 0 {
		c.Directory(name[:i])
	}
}

func (c *Cpio) header(name string, mode uint32, size int64, major, minor int) {
	if size >= 1<<32 && c.err == nil {
		c.err = fmt.Errorf("%s: %d bytes do not fit into an archive", name, size)
	}
	c.inode++
	// magic, inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
	c.write(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		c.inode, mode, 0, 0, 1, 0, size, 0, 0, major, minor, len(name)+1, 0, name))
	c.align()
}

func (c *Cpio) align() {
	if pad := -c.offset & 3; pad > 0 {
		c.write("\x00\x00\x00"[:pad])
	}
}

func (c *Cpio) write(s string) {
	if c.err != nil {
		return
	}
	var n int
	n, c.err = io.WriteString(c.w, s)
	c.offset += int64(n)
}
