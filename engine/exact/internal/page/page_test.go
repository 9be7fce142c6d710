package page

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func device(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "page"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Truncate(Size); err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, f *os.File, part Part, content []byte) {
	t.Helper()
	w := NewWriter(f, part, make([]byte, 4*Block))
	for rest := content; len(rest) > 0; { // in pieces that fit nothing
		n := min(len(rest), 777)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(f *os.File, part Part) ([]byte, error) {
	var b bytes.Buffer
	err := Read(f, part, make([]byte, 2*Block), &b)
	return b.Bytes(), err
}

func TestBothPartsComeBack(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, Block - 1, Block, Block + 1, 4 * Block, 100_001} {
		f := device(t)
		job, result := make([]byte, size), make([]byte, size/2)
		for i := range job {
			job[i] = byte(random.Uint32())
		}
		copy(result, job)
		write(t, f, Job, job)
		write(t, f, Result, result)
		for part, want := range map[Part][]byte{Job: job, Result: result} {
			if got, err := read(f, part); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: got %d, error %v", len(want), len(got), err)
			}
		}
	}
}

func TestWhatIsNotWhole(t *testing.T) {
	f := device(t)
	if _, err := read(f, Job); !errors.Is(err, ErrAbsent) {
		t.Errorf("never written: %v", err)
	}
	w := NewWriter(f, Job, make([]byte, Block))
	if _, err := w.Write(make([]byte, 3*Block)); err != nil {
		t.Fatal(err)
	}
	if _, err := read(f, Job); !errors.Is(err, ErrAbsent) {
		t.Errorf("not closed: %v", err)
	}
	write(t, f, Job, []byte("some content"))
	f.WriteAt([]byte{'S'}, Block)
	if _, err := read(f, Job); err == nil || !strings.Contains(err.Error(), "damaged content") {
		t.Errorf("changed content: %v", err)
	}
	f.WriteAt([]byte{0xff}, 15) // the length's highest byte
	if _, err := read(f, Job); err == nil || !strings.Contains(err.Error(), "damaged header") {
		t.Errorf("changed length: %v", err)
	}
}

func TestFull(t *testing.T) {
	small := Part{"SMALL", 0, 2 * Block}
	w := NewWriter(device(t), small, make([]byte, Block))
	if _, err := w.Write(make([]byte, 2*Block)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{1}); err == nil || err.Error() != "more than 8192 bytes" {
		t.Errorf("got %v", err)
	}
}
