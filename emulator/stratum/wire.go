package stratum

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// wire carries messages. One goroutine reads; any may write.
type wire struct {
	net.Conn
	r         *bufio.Reader
	frames    bool // of WebSocket, not lines
	client    bool // frames that it writes are masked
	writing   sync.Mutex
	closeOnce sync.Once
}

// write sends a message as JSON.
func (w *wire) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	if !w.frames {
		_, err = w.Conn.Write(append(b, '\n'))
		return err
	}
	_, err = w.Conn.Write(w.frame(textFrame, b))
	return err
}

// read gives the next message, or io.EOF when the other side has said that there is none.
func (w *wire) read() (*message, error) {
	line, err := w.next()
	if err != nil {
		return nil, err
	}
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return nil, fmt.Errorf("message %.60q: %w", line, err)
	}
	return &m, nil
}

func (w *wire) next() ([]byte, error) {
	if w.frames {
		return w.readFrame()
	}
	var line []byte
	for {
		part, err := w.r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > messageMost {
			return nil, fmt.Errorf("message of more than %d bytes", messageMost)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// Kinds of frames (RFC 6455, 5.2).
const (
	textFrame  = 0x1
	closeFrame = 0x8
	lastFrame  = 0x80 // of a message
	maskedBit  = 0x80
)

// frame gives a frame, which holds a whole message.
func (w *wire) frame(kind byte, content []byte) []byte {
	b := []byte{lastFrame | kind}
	var masked byte
	if w.client {
		masked = maskedBit
	}
	switch n := len(content); {
	case n < 126:
		b = append(b, masked|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, masked|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, masked|127), uint64(n))
	}
	if !w.client {
		return append(b, content...)
	}
	var key [4]byte
	rand.Read(key[:])
	b = append(b, key[:]...)
	for i, c := range content {
		b = append(b, c^key[i%4])
	}
	return b
}

// readFrame gives the content of the next text frame, io.EOF when the other side closes.
func (w *wire) readFrame() ([]byte, error) {
	var head [2]byte
	if _, err := io.ReadFull(w.r, head[:]); err != nil {
		return nil, err
	}
	length := uint64(head[1] &^ maskedBit)
	if size := map[uint64]int{126: 2, 127: 8}[length]; size != 0 {
		long := make([]byte, 8)
		if _, err := io.ReadFull(w.r, long[8-size:]); err != nil {
			return nil, err
		}
		length = binary.BigEndian.Uint64(long)
	}
	if length > messageMost {
		return nil, fmt.Errorf("message of more than %d bytes", messageMost)
	}
	if (head[1]&maskedBit != 0) == w.client {
		return nil, errors.New("frames of a client are masked, those of a server are not (RFC 6455, 5.1)")
	}
	var key [4]byte
	if !w.client {
		if _, err := io.ReadFull(w.r, key[:]); err != nil {
			return nil, err
		}
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(w.r, content); err != nil {
		return nil, err
	}
	for i := range content {
		content[i] ^= key[i%4]
	}
	switch head[0] {
	case lastFrame | textFrame:
		return content, nil
	case lastFrame | closeFrame:
		return nil, io.EOF
	}
	return nil, fmt.Errorf("frame of kind %#x, where only whole texts come", head[0])
}

// leave says that no more messages come, and closes.
func (w *wire) leave() {
	w.closeOnce.Do(func() {
		if w.frames {
			w.writing.Lock()
			w.Conn.Write(w.frame(closeFrame, binary.BigEndian.AppendUint16(nil, 1000))) // normal (RFC 6455, 7.4.1)
			w.writing.Unlock()
		}
		w.Conn.Close()
	})
}

// acceptKey answers a client's key (RFC 6455, 4.2.2).
func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// place is where a server is, and how to speak with it.
type place struct {
	address   string // HOST:PORT
	name      string // of the server, for TLS and Host
	ca        string // file of the authority; TLS when there is one
	path      string // of the WebSocket; lines when empty
	origin    string // of the page that opens the WebSocket
	userAgent string // of the browser
}

// dial connects to a server.
func (p *place) dial(ctx context.Context) (*wire, error) {
	c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return nil, err
	}
	w := &wire{Conn: c, client: true, frames: p.path != ""}
	if err := p.begin(ctx, w); err != nil {
		c.Close()
		return nil, err
	}
	return w, nil
}

func (p *place) begin(ctx context.Context, w *wire) error {
	stop := context.AfterFunc(ctx, func() { w.Conn.Close() })
	defer stop()
	if p.ca != "" {
		pem, err := os.ReadFile(p.ca)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return fmt.Errorf("%s: no certificate", p.ca)
		}
		secure := tls.Client(w.Conn, &tls.Config{RootCAs: roots, ServerName: p.name})
		if err := secure.HandshakeContext(ctx); err != nil {
			return err
		}
		w.Conn = secure
	}
	w.r = bufio.NewReader(w.Conn)
	if !w.frames {
		return nil
	}
	var random [16]byte
	rand.Read(random[:])
	key := base64.StdEncoding.EncodeToString(random[:])
	if _, err := fmt.Fprintf(w.Conn, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		p.path, p.name, p.userAgent, p.origin, key); err != nil {
		return err
	}
	response, err := http.ReadResponse(w.r, &http.Request{Method: http.MethodGet})
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-WebSocket-Accept") != acceptKey(key) {
		return fmt.Errorf("the server answers the handshake of WebSocket with %s", response.Status)
	}
	return nil
}

// take does a server's part of the beginning of a connection. A client of WebSocket asks for path.
func take(c net.Conn, path string) (*wire, error) {
	w := &wire{Conn: c, r: bufio.NewReader(c)}
	if path == "" {
		return w, nil
	}
	ask, err := http.ReadRequest(w.r)
	if err != nil {
		return nil, err
	}
	key := ask.Header.Get("Sec-WebSocket-Key")
	if ask.URL.Path != path || key == "" {
		fmt.Fprintf(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return nil, fmt.Errorf("%s %s is no WebSocket", ask.Method, ask.URL.Path)
	}
	w.frames = true
	_, err = fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", acceptKey(key))
	return w, err
}
