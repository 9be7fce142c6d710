package exact

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// stamp tells at the cost of a system call whether a file is as it was made: every change of
// its content changes its ctime, which nobody can set. Only when the stamp differs (the cache
// was copied) the digest decides.
type stamp struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
	Inode  uint64 `json:"inode"`
	Ctime  int64  `json:"ctime"` // ns
}

// newStamp makes a file durable and gives its stamp.
func newStamp(f *os.File) (stamp, error) {
	if err := f.Sync(); err != nil {
		return stamp{}, fmt.Errorf("make %s durable: %w", f.Name(), err)
	}
	s, err := quickStamp(f)
	if err != nil {
		return stamp{}, err
	}
	s.SHA256, err = digest(f.Name())
	return s, err
}

// quickStamp is a file's stamp without the digest.
func quickStamp(f *os.File) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return stamp{}, fmt.Errorf("look at %s: %w", f.Name(), err)
	}
	return stamp{Bytes: st.Size, Inode: st.Ino, Ctime: st.Ctim.Nano()}, nil
}

// openStamped opens a file that must be as its stamp says: for writing if this user may, since
// QEMU asks for that.
func openStamped(path string, want stamp) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, err
	}
	got, err := quickStamp(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	if got.Bytes == want.Bytes && got.Inode == want.Inode && got.Ctime == want.Ctime {
		return f, nil
	}
	sum, err := digest(path)
	if err == nil && sum != want.SHA256 {
		err = fmt.Errorf("%s is damaged: its SHA-256 is %s, not %s", path, sum, want.SHA256)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// digest gives the SHA-256, in hexadecimal digits, of a file's pages that are not zero, each
// after its offset (8 bytes, little-endian): a sparse file's costs what it holds.
func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	page := make([]byte, 4096)
	zero := make([]byte, len(page))
	fd := int(f.Fd())
	for offset := int64(0); ; {
		if offset, err = unix.Seek(fd, offset, unix.SEEK_DATA); errors.Is(err, unix.ENXIO) {
			return hex.EncodeToString(h.Sum(nil)), nil // no more data
		}
		if err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		end, err := unix.Seek(fd, offset, unix.SEEK_HOLE)
		if err != nil {
			return "", fmt.Errorf("read %s: %w", path, err)
		}
		for r := bufio.NewReaderSize(io.NewSectionReader(f, offset, end-offset), 1<<20); offset < end; {
			n, err := io.ReadFull(r, page[:min(int64(len(page)), end-offset)])
			if err != nil {
				return "", fmt.Errorf("read %s: %w", path, err)
			}
			if !bytes.Equal(page[:n], zero[:n]) {
				h.Write(binary.LittleEndian.AppendUint64(nil, uint64(offset)))
				h.Write(page[:n])
			}
			offset += int64(n)
		}
	}
}
