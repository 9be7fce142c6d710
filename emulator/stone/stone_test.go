package stone

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// timed remembers when what was written.
type timed struct {
	start time.Time
	got   []string
}

func (w *timed) Write(b []byte) (int, error) {
	w.got = append(w.got, time.Since(w.start).String()+" "+string(b))
	return len(b), nil
}

// typed gives a letter every 100 ms.
type typed struct{ letters string }

func (r *typed) Read(b []byte) (int, error) {
	time.Sleep(100 * time.Millisecond)
	n := copy(b[:1], r.letters)
	r.letters = r.letters[n:]
	if n == 0 {
		return 0, os.ErrClosed
	}
	return n, nil
}

func TestPiecesAreHeldBackInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &timed{start: time.Now()}
		if err := stall(t.Context(), w, &typed{"abc"}, []time.Duration{500 * time.Millisecond, 0}); err != os.ErrClosed {
			t.Error(err)
		}
		// b is due at 200 ms and waits for a; c has the first delay again
		if got, want := strings.Join(w.got, ", "), "600ms a, 600ms b, 800ms c"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestChaffFollowsItsPlanUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		defer cancel()
		plan := []burst{{100 * time.Millisecond, 10}, {100 * time.Millisecond, 20}, {100 * time.Millisecond, 40}}
		pieces, total, err := chaff(ctx, &got, plan)
		if pieces != 2 || total != 30 || got.Len() != 30 || err != nil {
			t.Errorf("%d pieces of %d bytes, %d written, %v", pieces, total, got.Len(), err)
		}
	})
}

func TestDiscardEndsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- discard(ctx, l) }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write(make([]byte, 1000)); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestBadFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	for content, want := range map[string]string{
		"":           "no line",
		"1s 5\n1s\n": ":2: 1 words: want 2",
		"20s 5":      "want 0 to 10s",
		"1s -1":      "want 0 to 64000",
		"1s 1000000": "want 0 to 64000",
		"soon 1":     `time "soon"`,
	} {
		path := filepath.Join(dir, "plan")
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Chaff(t.Context(), []string{"--to=127.0.0.1:9", "--plan=" + path})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", content, err, want)
		}
	}
	if err := Chaff(t.Context(), []string{"--to=192.0.2.1:9", "--plan=" + dir}); err == nil || !strings.Contains(err.Error(), "no host of this lab") {
		t.Errorf("%v", err)
	}
}
