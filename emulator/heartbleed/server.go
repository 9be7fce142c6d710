package heartbleed

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"detgen/emulator/internal/options"
)

// server is the web server.
type server struct {
	certificate tls.Certificate
	memory      *memory
	patched     bool
	heartbeats  bool
	printing    sync.Mutex
}

// note prints a line of the server's log.
func (s *server) note(line string) {
	s.printing.Lock()
	defer s.printing.Unlock()
	fmt.Println(line)
}

// listener gives connections that speak TLS.
type listener struct {
	net.Listener
	s *server
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, s: l.s, records: records{r: c}}, nil
}

// site serves a folder, and a form at /login that answers "welcome" to whatever is sent.
func site(folder string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir(folder)))
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("password") == "" {
			http.Error(w, "no password", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "welcome")
	})
	return mux
}

// Server is the main of the web server. It prints "heartbeat answered" and "heartbeat discarded", and ends with the
// context.
func Server(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("heartbleed-server", flag.ContinueOnError)
	address := f.String("listen", ":443", "address to listen at")
	chain := f.String("cert", "", "file with the certificate (PEM, ECDSA)")
	key := f.String("key", "", "file with its key (PEM)")
	folder := f.String("site", "", "folder that is served")
	secret := f.String("secret", "", "file with the secret in the made-up memory, at most 4 kB")
	depth := f.Int("depth", 2000, "bytes of memory before the secret, at most 60000")
	patched := f.Bool("patched", false, "discard heartbeats that claim more than they hold")
	heartbeats := f.Bool("heartbeat", true, "offer the heartbeat extension")
	if err := options.Parse(f, args, "cert", "key", "site", "secret"); err != nil {
		return err
	}
	if err := options.Within(f, "depth", 0, 60_000); err != nil {
		return err
	}
	pair, err := certificateOf(*chain, *key)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(*secret)
	if err != nil {
		return err
	}
	if len(content) > 4000 {
		return fmt.Errorf("--secret: %d bytes: at most 4000", len(content))
	}
	s := &server{certificate: pair, memory: newMemory(content, *depth), patched: *patched, heartbeats: *heartbeats}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	web := &http.Server{Handler: site(*folder), ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { web.Close() })
	defer stop()
	if err := web.Serve(listener{l, s}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
