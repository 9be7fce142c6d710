package packet

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// timed writes a capture with a frame of one byte, its letter, at each of the times.
func timed(t *testing.T, dir, name string, letters string, times ...int64) string {
	t.Helper()
	var out bytes.Buffer
	w, err := NewPcapWriter(&out, LinkEthernet)
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		if err := w.Write(&Frame{Time: at, Data: []byte{letters[i]}, WireLen: 1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestSeries reads captures as one in the order of their times, whatever the order in which they are named; keeps the
// order within each; and gives all that can be read of damaged ones before it tells of them.
func TestSeries(t *testing.T) {
	dir := t.TempDir()
	second := timed(t, dir, "second", "defg", 40, 50, 45, 60)
	first := timed(t, dir, "first", "abc", 10, 20, 30)
	beside := timed(t, dir, "beside", "xyz", 5, 25, 60)
	none := timed(t, dir, "none", "")
	cut := timed(t, dir, "cut", "kl", 21, 22)
	if err := os.Truncate(cut, 24+17+10); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		paths  []string
		want   string
		order  []int // the captures of the frames
		damage string
	}{
		{[]string{second, first}, "abcdefg", []int{1, 1, 1, 0, 0, 0, 0}, ""},
		{[]string{first, none, second, beside}, "xabycdefgz", []int{3, 0, 0, 3, 0, 2, 2, 2, 2, 3}, ""},
		{[]string{cut, first}, "abkc", []int{1, 1, 0, 1}, cut + ": damaged at byte 41, after frame 1: "},
		{[]string{first}, "abc", []int{0, 0, 0}, ""},
		{[]string{none, none}, "", nil, ""},
	} {
		s, err := OpenSeries(c.paths)
		if err != nil {
			t.Fatal(err)
		}
		var got string
		var order []int
		var f Frame
		for err = s.Next(&f); err == nil; err = s.Next(&f) {
			got += string(f.Data)
			order = append(order, f.Capture)
			if int(f.Number) != len(got) {
				t.Errorf("%v: frame %d has number %d", c.paths, len(got), f.Number)
			}
		}
		var damage *DamageError
		if got != c.want || !slices.Equal(order, c.order) || (c.damage == "") != (err == io.EOF) || err != io.EOF && !errors.As(err, &damage) || !strings.HasPrefix(err.Error()+"", c.damage) && c.damage != "" {
			t.Errorf("%v: %s of %v: %v", c.paths, got, order, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := OpenSeries([]string{first, dir}); !errors.Is(err, ErrNotCapture) {
		t.Errorf("a folder: %v", err)
	}
}

// TestSeriesOpens has no more captures open at once than overlap.
func TestSeriesOpens(t *testing.T) {
	dir := t.TempDir()
	var paths []string
	for i := range int64(50) {
		paths = append(paths, timed(t, dir, string(rune('0'+i)), "ab", 2*i, 2*i+1))
	}
	s, err := OpenSeries(paths)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	frames := 0
	for f := (Frame{}); s.Next(&f) == nil; frames++ {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, fd := range open {
			if to, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(to, dir) {
				n++
			}
		}
		if n > 2 {
			t.Fatalf("frame %d: %d captures are open", f.Number, n)
		}
	}
	if frames != 100 {
		t.Errorf("%d frames", frames)
	}
}
