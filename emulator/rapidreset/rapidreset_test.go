package rapidreset

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve starts a server of HTTP/2 without TLS, which counts the requests that it begins to work on.
func serve(t *testing.T) (address string, begun *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	begun = &atomic.Int64{}
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		begun.Add(1)
		<-r.Context().Done() // it would take long
	})}
	t.Cleanup(func() { server.Close() })
	go server.Serve(l)
	return l.Addr().String(), begun
}

func TestStreamsAreOpenedAndReset(t *testing.T) {
	address, begun := serve(t)
	c := &client{address: address, authority: "www.test", patience: 10 * time.Second}
	if err := c.attack(t.Context(), 100, 5, time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if c.opened != 100 || c.reset != 100 || c.answers.Load() != 0 || c.connections != 1 {
		t.Errorf("got %d opened, %d reset, %d answered, %d connections", c.opened, c.reset, c.answers.Load(), c.connections)
	}
	if begun.Load() != 100 {
		t.Errorf("the server began to work on %d requests, want 100", begun.Load())
	}
}

func TestRateIsKept(t *testing.T) {
	address, _ := serve(t)
	c := &client{address: address, authority: "www.test", patience: 10 * time.Second}
	begin := time.Now()
	if err := c.attack(t.Context(), 21, 5, 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took < 200*time.Millisecond {
		t.Errorf("21 streams at 100 a second took %v", took)
	}
}

func TestServerOfAnotherProtocol(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.NotFoundHandler())
	c := &client{address: l.Addr().String(), authority: "www.test", patience: 10 * time.Second}
	if err := c.attack(t.Context(), 1, 1, 0); err == nil || !strings.Contains(err.Error(), "does not speak HTTP/2") {
		t.Errorf("got %v", err)
	}
}

func TestBounds(t *testing.T) {
	for flag, want := range map[string]string{
		"--streams=20001": "want 1 to 20000", "--rate=0": "want 1 to 10000", "--connections=201": "want 1 to 200", "--patience=2m": "want 1ms to 1m0s",
	} {
		err := Client(context.Background(), []string{"--server=192.0.2.1:80", "--authority=x", flag})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", flag, err)
		}
	}
}
