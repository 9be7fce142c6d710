package peer

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAcceptHoldsItsLimitAndEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended := make(chan bool), make(chan error)
	go func() {
		ended <- Accept(ctx, l, 1, func(c net.Conn) {
			begun <- true
			io.Copy(io.Discard, c) // until it is closed
		})
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	<-begun
	if n, err := dial().Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("a connection above the limit gave %d bytes, %v", n, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "list")
	for text, want := range map[string]string{
		"a b\nc d\n":                          "",
		"":                                    "no line",
		"a b\nc\n":                            ":2: 1 words: want 2",
		"a b\nc d\ne f\n":                     "more than 2 lines",
		strings.Repeat("a", 100_000) + " b\n": "token too long",
	} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := Lines(path, 2, 2)
		switch {
		case want == "" && (err != nil || len(list) != 2 || list[1][1] != "d"):
			t.Errorf("%q: %v, %v", text, list, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%.20q: %v, want %s", text, err, want)
		}
	}
}
