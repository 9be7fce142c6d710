package lab

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func testOutput(t *testing.T) (*output, string) {
	t.Helper()
	dir := t.TempDir()
	o, err := openOutput(dir, "web")
	if err != nil {
		t.Fatal(err)
	}
	return o, filepath.Join(dir, "web.log")
}

func TestOutputIsCutAtItsLimit(t *testing.T) {
	o, path := testOutput(t)
	block := []byte(strings.Repeat(strings.Repeat("x", 1<<16-1)+"\n", 16)) // 1 MiB
	for range outputLimit/len(block) + 3 {
		if n, err := o.Write(append(block, "more\n"...)); n != len(block)+5 || err != nil {
			t.Fatalf("wrote %d: %v", n, err)
		}
	}
	if _, err := o.await(t.Context(), 0, regexp.MustCompile("never"), 1, nil); err == nil || !strings.Contains(err.Error(), "reached its limit, 64 MiB") {
		t.Errorf("waiting for a line of a full log: %v", err)
	}
	if !strings.HasSuffix(o.tail(), strings.TrimSpace(outputCut)) {
		t.Errorf("the tail is %s", o.tail())
	}
	if err := o.close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := outputLimit + len(outputCut); len(content) != want || !strings.HasSuffix(string(content), outputCut) {
		t.Errorf("%d bytes, want %d", len(content), want)
	}
}

func TestOutputAwaitsLines(t *testing.T) {
	o, _ := testOutput(t)
	defer o.close()
	ended := make(chan struct{})
	type answer struct {
		lines string
		err   error
	}
	await := func(pattern string, count int) <-chan answer {
		c := make(chan answer, 1)
		go func() {
			lines, err := o.await(t.Context(), 0, regexp.MustCompile(pattern), count, ended)
			c <- answer{string(lines), err}
		}()
		return c
	}
	long := strings.Repeat("x", 200<<10)
	whole, last, never := await("^a+$", 2), await("^end$", 1), await("^none$", 1)
	o.Write([]byte("a\nb"))
	o.Write([]byte("b\n" + long + "\naa\r\nend"))
	if got := <-whole; got.lines != "a\naa\r\n" || got.err != nil {
		t.Errorf("got %q, %v", got.lines, got.err)
	}
	if got := <-await("^bb$", 1); got.lines != "bb\n" {
		t.Errorf("a line in two parts: %q, %v", got.lines, got.err)
	}
	if got := <-await("^x+$", 1); len(got.lines) != len(long)+1 {
		t.Errorf("a long line: %d bytes, %v", len(got.lines), got.err)
	}
	close(ended)
	if got := <-last; got.lines != "end" || got.err != nil {
		t.Errorf("a line without an end: %q, %v", got.lines, got.err)
	}
	if got := <-never; !errors.Is(got.err, errEnded) {
		t.Errorf("a line that never comes: %v", got.err)
	}
}

func TestOutputAwaitIsGivenUp(t *testing.T) {
	o, _ := testOutput(t)
	defer o.close()
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := o.await(ctx, 0, regexp.MustCompile("x"), 1, nil); !errors.Is(err, reason) {
		t.Errorf("got %v", err)
	}
}

// What is there already is not written to: a link that something left leads nowhere.
func TestOutputIsNew(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	if err := errors.Join(os.WriteFile(victim, []byte("kept"), 0o644), os.Symlink(victim, filepath.Join(dir, "web.log"))); err != nil {
		t.Fatal(err)
	}
	if _, err := openOutput(dir, "web"); !errors.Is(err, os.ErrExist) {
		t.Errorf("got %v", err)
	}
}
