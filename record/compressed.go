package record

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/whole"

	"github.com/klauspost/compress/zstd"
)

// compressedSuffix is what the name of a compressed capture has more than that of the capture.
const compressedSuffix = ".zst"

// CaptureFile is the file of a capture as it is in a run directory: run.json's name, with ".zst" where only the
// compressed one is there.
func CaptureFile(dir string, c *Capture) string {
	if _, err := os.Lstat(filepath.Join(dir, c.File)); err == nil {
		return c.File
	}
	if _, err := os.Lstat(filepath.Join(dir, c.File+compressedSuffix)); err == nil {
		return c.File + compressedSuffix
	}
	return c.File
}

// PlainCapture is the name that run.json has for a file of CaptureFile.
func PlainCapture(file string) string { return strings.TrimSuffix(file, compressedSuffix) }

// openCompressed decompresses a capture into a file without a name, no more of it than the record says there is. The
// error is fs.ErrNotExist when there is no compressed one.
func openCompressed(dir string, c *Capture) (*os.File, error) {
	in, err := beneath.Open(dir, c.File+compressedSuffix)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	plain, err := os.CreateTemp("", "detgen-capture-")
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*os.File, error) {
		return nil, fmt.Errorf("decompress %s: %w", in.Name(), errors.Join(err, plain.Close()))
	}
	if err := os.Remove(plain.Name()); err != nil {
		return fail(err)
	}
	text, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return fail(err)
	}
	defer text.Close()
	n, err := io.Copy(plain, io.LimitReader(text, c.Bytes+1))
	if err == nil && n != c.Bytes {
		err = fmt.Errorf("it has not the %d bytes that %s says", c.Bytes, FileName)
	}
	if err == nil {
		_, err = plain.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fail(err)
	}
	return plain, nil
}

// CompressCaptures replaces the captures of a run directory by ones that are compressed with zstd. OpenCapture reads
// both. A kill leaves each capture in one form, or in both.
func CompressCaptures(dir string, r *Record) error {
	for i := range r.Result.Captures {
		c := &r.Result.Captures[i]
		path := filepath.Join(dir, c.File)
		if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
			continue // it is compressed
		}
		if err := r.CheckCapture(dir, c); err != nil {
			return err
		}
		if err := compress(dir, c); err != nil {
			return fmt.Errorf("compress %s: %w", path, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func compress(dir string, c *Capture) error {
	in, err := beneath.Open(dir, c.File)
	if err != nil {
		return err
	}
	defer in.Close()
	to := filepath.Join(dir, c.File+compressedSuffix)
	out, err := whole.Create(to)
	if err != nil {
		return err
	}
	w, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return errors.Join(err, out.Abort())
	}
	_, err = io.Copy(w, in)
	if err := errors.Join(err, w.Close()); err != nil {
		return errors.Join(err, out.Abort())
	}
	return out.Commit()
}
