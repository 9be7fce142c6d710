package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// outputLimit is how much of what a program prints is kept. What comes after it is thrown away.
const outputLimit = 64 << 20

// outputCut is the last line of a log that has reached the limit.
var outputCut = fmt.Sprintf("\n[the log ends here: the program printed more than %d MiB]\n", outputLimit>>20)

// output is what a program of a host, and those that it started, printed. It is a log of the run directory, which
// nothing in the host can reach.
type output struct {
	file *os.File

	mu    sync.Mutex // of everything below
	size  int64
	full  bool
	grown chan struct{} // closed when more comes
	err   error         // of writing
}

// openOutput makes a log.
func openOutput(dir, program string) (*output, error) {
	file, err := os.OpenFile(filepath.Join(dir, program+".log"), os.O_RDWR|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, err
	}
	return &output{file: file, grown: make(chan struct{})}, nil
}

// Write implements io.Writer. It never fails: a program goes on when its log is full, and a log that cannot be written is
// an error of close.
func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(text)
	if o.full || o.err != nil || n == 0 {
		return n, nil
	}
	if o.size+int64(n) > outputLimit {
		text = append(text[:outputLimit-o.size:outputLimit-o.size], outputCut...)
		o.full = true
	}
	written, err := o.file.Write(text)
	o.size += int64(written)
	o.err = err
	close(o.grown)
	o.grown = make(chan struct{})
	return n, nil
}

// now gives the log's size, a channel that is closed when it grows, and whether that can still be.
func (o *output) now() (size int64, grown <-chan struct{}, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.size, o.grown, o.full
}

// errEnded is the error of waiting for lines of a program that has ended.
var errEnded = errors.New("the program has ended")

// await waits until count lines match a pattern, from the line at offset on, and gives those lines. It gives errEnded when
// ended is closed before that, and may be nil.
func (o *output) await(ctx context.Context, offset int64, pattern *regexp.Regexp, count int, ended <-chan struct{}) ([]byte, error) {
	var found, rest []byte // rest is a line that has not ended
	match := func(line []byte) bool {
		if pattern.Match(bytes.TrimRight(line, "\r\n")) {
			found = append(found, line...)
			count--
		}
		return count <= 0
	}
	for over := false; ; {
		size, grown, full := o.now()
		for chunk := make([]byte, 64<<10); offset < size; {
			n, err := o.file.ReadAt(chunk[:min(int64(len(chunk)), size-offset)], offset)
			if err != nil && err != io.EOF {
				return nil, err
			}
			offset += int64(n)
			for text := chunk[:n]; ; {
				line, after, ended := bytes.Cut(text, []byte("\n"))
				rest = append(rest, line...)
				if !ended {
					break
				}
				if match(append(rest, '\n')) {
					return found, nil
				}
				rest, text = rest[:0], after
			}
		}
		switch {
		case full:
			return nil, fmt.Errorf("the log has reached its limit, %d MiB", outputLimit>>20)
		case over:
			if len(rest) > 0 && match(rest) {
				return found, nil
			}
			return nil, errEnded
		}
		select {
		case <-grown:
		case <-ended:
			over = true // what it printed last has come
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// part gives a part of the log, at most length bytes.
func (o *output) part(offset int64, length int) ([]byte, error) {
	content := make([]byte, length)
	n, err := o.file.ReadAt(content, offset)
	if err == io.EOF {
		err = nil
	}
	return content[:n], err
}

// tail gives the last lines, for an error message.
func (o *output) tail() string {
	const lines, length = 8, 8 << 10
	size, _, _ := o.now()
	content, err := o.part(max(0, size-length), length)
	if err != nil {
		return err.Error()
	}
	last := strings.Split(strings.TrimSpace(string(content)), "\n")
	last = last[max(0, len(last)-lines):]
	if len(last) == 1 {
		if last[0] == "" {
			return "it printed nothing"
		}
		return "it printed: " + last[0]
	}
	return "its last lines:\n  " + strings.Join(last, "\n  ")
}

// close ends writing. The error is that of writing, if there was one.
func (o *output) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.full = true
	if err := errors.Join(o.err, o.file.Close()); err != nil {
		return fmt.Errorf("write a log: %w", err)
	}
	return nil
}
