package stratum

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// notes keeps what a side prints.
type notes struct {
	mu    sync.Mutex
	lines []string
}

func (n *notes) note(words ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, strings.TrimSuffix(fmt.Sprintln(words...), "\n"))
}

func (n *notes) count(prefix string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(slices.DeleteFunc(slices.Clone(n.lines), func(l string) bool { return !strings.HasPrefix(l, prefix) }))
}

// started gives a pool that finds a block every 20 ms, and where it is.
func started(t *testing.T, path string, secure bool) (*pool, *notes, *place) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	where := &place{address: l.Addr().String(), name: "pool.test", path: path}
	if secure {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		about := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pool.test"}, DNSNames: []string{"pool.test"},
			NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		}
		der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		where.ca = filepath.Join(t.TempDir(), "ca")
		if err := os.WriteFile(where.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644); err != nil {
			t.Fatal(err)
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	}
	p, said := newPool("wallet", 20, 100), &notes{}
	p.printing = said.note
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- p.serve(ctx, l, path, []time.Duration{20 * time.Millisecond}) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p, said, where
}

func mine(t *testing.T, where *place, change func(*miner)) *notes {
	t.Helper()
	w, err := where.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer w.leave()
	said := &notes{}
	m := &miner{wire: w, login: login{Login: "wallet"}, shares: 5, rate: 2000, length: 30 * time.Second, pause: time.Minute, note: said.note}
	change(m)
	if err := m.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	return said
}

func TestSharesAreFoundAndChecked(t *testing.T) {
	for name, tc := range map[string]struct {
		path   string
		secure bool
	}{"lines": {"", false}, "lines over TLS": {"", true}, "WebSocket": {"/work", false}, "WebSocket over TLS": {"/work", true}} {
		t.Run(name, func(t *testing.T) {
			_, pool, where := started(t, tc.path, tc.secure)
			said := mine(t, where, func(*miner) {})
			if a, r := said.count("accepted"), said.count("rejected"); a != 6 || r != 0 {
				t.Errorf("%d accepted, %d rejected: %q", a, r, said.lines)
			}
			if pool.count("share accepted") != 5 || pool.count("share rejected") != 0 {
				t.Errorf("the pool says %q", pool.lines)
			}
		})
	}
}

func TestHashesAboveTheTargetAreRejected(t *testing.T) {
	_, pool, where := started(t, "", false)
	said := mine(t, where, func(m *miner) { m.faulty = true })
	if n := said.count("rejected: Low difficulty share"); n != 5 {
		t.Errorf("%q", said.lines)
	}
	if pool.count("share accepted") != 0 {
		t.Errorf("the pool says %q", pool.lines)
	}
}

func TestStrangersDoNotLogIn(t *testing.T) {
	_, pool, where := started(t, "", false)
	said := mine(t, where, func(m *miner) { m.login.Login = "another" })
	if said.count("login denied: Invalid payment address provided") != 1 || pool.count("login denied") != 1 {
		t.Errorf("%q", said.lines)
	}
}

func TestAShareCountsOnce(t *testing.T) {
	p := newPool("wallet", 1, 100)
	m := &member{id: "me", nonces: map[string]bool{}}
	j := p.newJob(m)
	worker := &miner{note: func(...any) {}, id: "me"}
	if err := worker.begin(j); err != nil {
		t.Fatal(err)
	}
	share := worker.search(1000)
	params := []byte(fmt.Sprintf(`{"id":"me","job_id":%q,"nonce":%q,"result":%q}`, share.JobID, share.Nonce, share.Result))
	if err := p.share(m, params); err != nil {
		t.Error(err)
	}
	if err := p.share(m, params); err == nil || err.Error() != "Duplicate share" {
		t.Errorf("once more: %v", err)
	}
	for range jobsKept {
		p.newJob(m)
	}
	if err := p.share(m, params); err == nil || err.Error() != "Block expired" {
		t.Errorf("after %d jobs: %v", jobsKept, err)
	}
	if err := p.share(&member{id: "you"}, params); err == nil || err.Error() != "Unauthenticated" {
		t.Errorf("of another: %v", err)
	}
}

func TestTheRateHolds(t *testing.T) {
	_, _, where := started(t, "", false)
	begin := time.Now()
	var m *miner
	mine(t, where, func(own *miner) { m = own; m.rate = 100 })
	if most := int(time.Since(begin).Seconds()*100) + 2; m.hashes > most {
		t.Errorf("%d hashes, want at most %d", m.hashes, most)
	}
}

func TestAWalletFollowsTheChain(t *testing.T) {
	for _, path := range []string{"", "/chain"} {
		_, _, where := started(t, path, false)
		w, err := where.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		said := &notes{}
		if err := follow(w, "hash", 3, said.note); err != nil {
			t.Error(err)
		}
		w.leave()
		if said.count("subscribed") != 1 || said.count("block 1") < 3 || said.count("balance ") != 3 {
			t.Errorf("%q", said.lines)
		}
	}
}

func TestTargetsAreThoseOfCryptoNote(t *testing.T) {
	// XMRig takes this one for a difficulty of 10000.
	if got := target(10000); got != "b88d0600" {
		t.Errorf("target %s", got)
	}
	below, err := limit("b88d0600")
	if err != nil || below/(1<<64/10000-1) != 1 {
		t.Errorf("limit %d, %v", below, err)
	}
}

func TestFramesAreThoseOfWebSocket(t *testing.T) {
	if got := acceptKey("dGhlIHNhbXBsZSBub25jZQ=="); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" { // RFC 6455, 1.3
		t.Errorf("key %s", got)
	}
	for _, length := range []int{0, 125, 126, 65535, 65536} {
		content := bytes.Repeat([]byte{'a'}, length)
		for _, client := range []bool{false, true} {
			from := &wire{client: client}
			to := &wire{client: !client, r: bufio.NewReader(bytes.NewReader(from.frame(textFrame, content)))}
			got, err := to.readFrame()
			if length > messageMost && err == nil || length <= messageMost && !bytes.Equal(got, content) {
				t.Errorf("%d bytes, client %v: %d came, %v", length, client, len(got), err)
			}
		}
	}
	same := &wire{client: true, r: bufio.NewReader(bytes.NewReader((&wire{client: true}).frame(textFrame, []byte("a"))))}
	if _, err := same.readFrame(); err == nil {
		t.Error("a client takes a masked frame")
	}
	end := &wire{client: true, r: bufio.NewReader(bytes.NewReader((&wire{}).frame(closeFrame, nil)))}
	if _, err := end.readFrame(); err != io.EOF {
		t.Errorf("close: %v", err)
	}
}

func TestMostIsHeldAndOthersAreNoHosts(t *testing.T) {
	for flags, want := range map[string]string{
		"--shares=1001":         "want 1 to 1000",
		"--rate=5001":           "want 1 to 5000",
		"--length=2h":           "want 10ms to 1h",
		"--server=192.0.2.1:80": "no host of this lab",
	} {
		err := Miner(t.Context(), []string{"--server=192.0.2.1:3333", "--wallet=x", flags})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", flags, err, want)
		}
	}
	if err := Wallet(t.Context(), []string{"--server=192.0.2.1:1", "--account=x"}); err == nil || !strings.Contains(err.Error(), "no host of this lab") {
		t.Errorf("wallet: %v", err)
	}
	path := filepath.Join(t.TempDir(), "blocks")
	for content, want := range map[string]string{"": "no line", "1\n0\n": ":2: ", "soon\n": `"soon"`} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		err := Pool(t.Context(), []string{"--wallet=x", "--blocks=" + path})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("blocks %q: %v, want %q", content, err, want)
		}
	}
}
