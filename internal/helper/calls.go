package helper

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrGone is the error of a request whose connection has ended.
var ErrGone = errors.New("the connection has ended")

// Message is what comes over a connection that requests go out on.
type Message interface {
	// Replies gives the number of the request that the message replies to, 0 for an event.
	Replies() uint64
}

// Calls sends numbered requests over a connection and hands each reply to who waits for it.
type Calls[M Message] struct {
	conn io.ReadWriteCloser
	out  *Out
	gone chan struct{}

	mu      sync.Mutex // of everything below
	last    uint64
	waiting map[uint64]chan M
}

// NewCalls reads messages from conn and calls event for each that is no reply, one after the other. The caller closes the
// connection, by Close.
func NewCalls[M Message](conn io.ReadWriteCloser, event func(M)) *Calls[M] {
	c := &Calls[M]{conn: conn, out: NewOut(conn), gone: make(chan struct{}), waiting: map[uint64]chan M{}}
	go c.read(event)
	return c
}

func (c *Calls[M]) read(event func(M)) {
	defer close(c.gone)
	messages := json.NewDecoder(bufio.NewReader(c.conn))
	for {
		var m M
		if messages.Decode(&m) != nil {
			return
		}
		number := m.Replies()
		if number == 0 {
			event(m)
			continue
		}
		c.mu.Lock()
		reply := c.waiting[number]
		delete(c.waiting, number)
		c.mu.Unlock()
		if reply != nil { // nobody waits any more when the context ended
			reply <- m
		}
	}
}

// Call sends the request that number is put into, and waits for the reply. The error is ErrGone when the connection
// ends before.
func (c *Calls[M]) Call(ctx context.Context, request func(number uint64) any) (M, error) {
	var none M
	reply := make(chan M, 1)
	c.mu.Lock()
	c.last++
	number := c.last
	c.waiting[number] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, number)
		c.mu.Unlock()
	}()
	if err := c.out.Send(request(number)); err != nil {
		return none, err
	}
	select {
	case m := <-reply:
		return m, nil
	case <-c.gone:
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
	select {
	case m := <-reply: // the last thing that came
		return m, nil
	default:
		return none, ErrGone
	}
}

// Gone is closed when the connection has ended and every event was handled.
func (c *Calls[M]) Gone() <-chan struct{} { return c.gone }

// Close ends the connection.
func (c *Calls[M]) Close() error { return c.conn.Close() }

// Send sends a value that has no reply.
func (c *Calls[M]) Send(value any) error { return c.out.Send(value) }

// Out writes values to a connection, each whole, from any goroutine.
type Out struct {
	mu sync.Mutex
	w  io.Writer
}

// NewOut gives what writes values to w.
func NewOut(w io.Writer) *Out { return &Out{w: w} }

// Send writes a value. When the other end is closed, the error is ErrGone.
func (o *Out) Send(value any) error {
	line, err := json.Marshal(value)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.w.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w (%w)", ErrGone, err)
	}
	return nil
}

// Serve calls handle for each request that comes, one after the other, until the other end is closed.
func Serve[R any](conn io.Reader, handle func(R) error) error {
	requests := json.NewDecoder(conn)
	for {
		var r R
		if err := requests.Decode(&r); errors.Is(err, io.EOF) || errors.Is(err, unix.ECONNRESET) { // what was sent to it last is not read
			return nil
		} else if err != nil {
			return fmt.Errorf("read a request: %w", err)
		}
		if err := handle(r); err != nil {
			return err
		}
	}
}
