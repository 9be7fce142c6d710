package heartbleed

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const secret = "the planted secret"

// started gives the address of a server with a secret 2000 bytes deep, and a client that trusts it.
func started(t *testing.T, change func(*server)) (address string, client *http.Client) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "www.test"}, DNSNames: []string{"www.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "page"), bytes.Repeat([]byte("x"), 100_000), 0o644); err != nil {
		t.Fatal(err)
	}
	s := &server{certificate: tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, memory: newMemory([]byte(secret), 2000), heartbeats: true}
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: site(folder)}
	go web.Serve(listener{l, s})
	t.Cleanup(func() { web.Close() })
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "www.test"}}
	t.Cleanup(transport.CloseIdleConnections)
	return l.Addr().String(), &http.Client{Transport: transport}
}

func TestVisitorsReadPagesOverTLS(t *testing.T) {
	address, client := started(t, nil)
	for range 2 { // two requests on one connection
		response, err := client.Get("https://" + address + "/page")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || len(body) != 100_000 {
			t.Fatalf("the page has %d bytes, %v", len(body), err)
		}
		if response.TLS.Version != tls.VersionTLS12 || response.TLS.CipherSuite != suite {
			t.Errorf("TLS %#x with suite %#x", response.TLS.Version, response.TLS.CipherSuite)
		}
	}
}

func TestAHeartbeatLeaks(t *testing.T) {
	for name, tc := range map[string]struct {
		change          func(*server)
		length, payload int
		err             error
		bytes           int
		secret          bool
	}{
		"far enough":            {nil, 4000, 16, nil, 3984, true},
		"not so far":            {nil, 1000, 16, nil, 984, false},
		"more than a record":    {nil, 65535, 1000, nil, 64535, true},
		"no more than it holds": {nil, 100, 100, nil, 0, false},
		"patched":               {func(s *server) { s.patched = true }, 4000, 16, errSilent, 0, false},
		"without the extension": {func(s *server) { s.heartbeats = false }, 4000, 16, errUnsupported, 0, false},
		"patched, well-behaved": {func(s *server) { s.patched = true }, 16, 100, nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			address, _ := started(t, tc.change)
			leaked, err := ask(t.Context(), address, "", tc.length, tc.payload, 300*time.Millisecond)
			if !errors.Is(err, tc.err) || len(leaked) != tc.bytes || bytes.Contains(leaked, []byte(secret)) != tc.secret {
				t.Errorf("leaked %d bytes, %v", len(leaked), err)
			}
		})
	}
}

func TestWhatVisitorsSendLeaks(t *testing.T) {
	address, client := started(t, nil)
	response, err := client.PostForm("https://"+address+"/login", url.Values{"password": {"of-a-visitor"}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || string(body) != "welcome\n" {
		t.Fatalf("%q, %v", body, err)
	}
	leaked, err := ask(t.Context(), address, "www.test", 2000, 16, time.Second)
	if err != nil || !strings.Contains(string(leaked), "of-a-visitor") {
		t.Errorf("%q, %v", leaked, err)
	}
}

func TestAnInterruptedReadLosesNothing(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	whole := appendRecord(nil, handshake, []byte("hello"))
	go func() {
		client.Write(whole[:3])
		client.Write(whole[3:7])
	}()
	r := &records{r: server}
	server.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := r.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v, want the deadline", err)
	}
	server.SetReadDeadline(time.Time{})
	go client.Write(whole[7:])
	if rec, err := r.read(); err != nil || rec.kind != handshake || string(rec.payload) != "hello" {
		t.Errorf("%v, %v", rec, err)
	}
}

func TestTheClientKeepsToItsBounds(t *testing.T) {
	for _, args := range [][]string{
		{"--times=1001"}, {"--times=0"}, {"--length=65536"}, {"--payload=2000"}, {"--interval=2m"}, {"--patience=1h"}, {"word"}, {"--server="},
		{"--server=192.0.2.1:443"}, {"--server=nowhere"},
	} {
		if err := Client(t.Context(), append([]string{"--server=localhost:1"}, args...)); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: %v, want one line", args, err)
		}
	}
}
