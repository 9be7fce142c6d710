// Package http3 is a client of HTTP/3 (RFC 9114) over QUIC (RFC 9000) that sends requests one after another
// over one connection, as curl would if Debian's could. It is built on quic-go.
package http3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"detgen/lab/inside"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// request is what is asked for.
type request struct {
	method string
	body   string // file that is sent; "" for none
	login  string // USER:PASSWORD; "" for none
	span   string // of the Range header; "" for none
	output string // file that the response's body goes to
	folder string // instead: where bodies go by their paths; "" for none
	agent  string
}

// Client is the main of the client. For each URL it prints the status, the version of HTTP and the length of the
// body (of HEAD, what it would be), with blanks between; "000 0 0" and, on the standard error, the reason when no response came. The
// last words of the reason are one of: certificate, handshake, cut.
func Client(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("http3", flag.ContinueOnError)
	var r request
	flags.StringVar(&r.method, "method", http.MethodGet, "GET, HEAD, POST, PUT or DELETE")
	flags.StringVar(&r.body, "body", "", "file to send")
	flags.StringVar(&r.login, "login", "", "USER:PASSWORD of basic authentication (RFC 7617)")
	flags.StringVar(&r.span, "range", "", "value of the Range header, without \"bytes=\"")
	flags.StringVar(&r.output, "output", os.DevNull, "file for the body of the last response")
	flags.StringVar(&r.folder, "folder", "", "instead: folder in which the bodies are stored by their paths, \"/\" as index.html")
	flags.StringVar(&r.agent, "user-agent", "quic-go", "how it calls itself")
	authority := flags.String("ca", "", "file with the certificate of the authority to trust (PEM)")
	patience := flags.Duration("patience", 10*time.Second, "silence after which it gives up")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("name at least one https://HOST:PORT/PATH")
	}
	transport, err := newTransport(*authority, *patience)
	if err != nil {
		return err
	}
	defer transport.Close()
	client := &http.Client{Transport: transport}
	for _, address := range flags.Args() {
		if err := r.check(address); err != nil {
			return err
		}
	}
	for _, address := range flags.Args() {
		line, err := r.send(ctx, client, address)
		fmt.Println(line)
		if err != nil {
			return err
		}
	}
	return nil
}

func newTransport(authority string, patience time.Duration) (*http3.Transport, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no certificate in PEM form", authority)
	}
	return &http3.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		QUICConfig:      &quic.Config{HandshakeIdleTimeout: patience, MaxIdleTimeout: patience},
	}, nil
}

// check makes sure that a URL leads to a host of the lab.
func (r *request) check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q: must be https://HOST:PORT/PATH", address)
	}
	return inside.LabHost(u.Hostname())
}

// send sends the request and gives the line about its response.
func (r *request) send(ctx context.Context, client *http.Client, address string) (string, error) {
	const none = "000 0 0"
	var body io.Reader
	if r.body != "" {
		file, err := os.Open(r.body)
		if err != nil {
			return none, fmt.Errorf("--body: %w", err)
		}
		defer file.Close()
		body = file
	}
	req, err := http.NewRequestWithContext(ctx, r.method, address, body)
	if err != nil {
		return none, err
	}
	if file, ok := body.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return none, err
		}
		req.ContentLength = info.Size()
	}
	req.Header.Set("User-Agent", r.agent)
	if user, password, ok := strings.Cut(r.login, ":"); ok {
		req.SetBasicAuth(user, password)
	}
	if r.span != "" {
		req.Header.Set("Range", "bytes="+r.span)
	}
	response, err := client.Do(req)
	if err != nil {
		return none, fmt.Errorf("%w: %s", err, reason(err))
	}
	defer response.Body.Close()
	file, err := r.create(req.URL.Path)
	if err != nil {
		return none, err
	}
	n, err := io.Copy(file, response.Body)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if r.method == http.MethodHead {
		n = response.ContentLength
	}
	line := fmt.Sprintf("%03d %d %d", response.StatusCode, response.ProtoMajor, n)
	if err != nil {
		return line, fmt.Errorf("%w: %s", err, reason(err))
	}
	return line, nil
}

// create opens the file for the body of what has a path.
func (r *request) create(path string) (*os.File, error) {
	if r.folder == "" {
		return os.Create(r.output)
	}
	root, err := os.OpenRoot(r.folder)
	if err != nil {
		return nil, fmt.Errorf("--folder: %w", err)
	}
	defer root.Close()
	name := strings.TrimPrefix(path, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return root.Create(name)
}

// reason says in a word why there is no whole response.
func reason(err error) string {
	var certificate *tls.CertificateVerificationError
	var transport *quic.TransportError
	switch {
	case errors.As(err, &certificate):
		return "certificate"
	case errors.As(err, &transport) && transport.ErrorCode.IsCryptoError():
		return "handshake"
	}
	return "cut"
}
