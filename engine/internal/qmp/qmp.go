// Package qmp is a small client of the QEMU Machine Protocol: commands one at a time, and the
// events that come between them. Source: QEMU, docs/interop/qmp-spec.txt.
package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Client is one QMP connection.
type Client struct {
	conn    io.ReadWriteCloser
	replies chan message
	events  chan Event
	done    chan struct{} // closed when reading ended
	err     error         // why; valid after done

	mu sync.Mutex // one command at a time
}

// Event is something that QEMU told by itself.
type Event struct {
	Name string
	Data json.RawMessage
}

type message struct {
	Greeting json.RawMessage `json:"QMP"`
	Event    string          `json:"event"`
	Data     json.RawMessage `json:"data"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// ErrClosed says that QEMU closed the connection, as it does when it ends.
var ErrClosed = errors.New("QEMU closed its control connection")

// New starts a session on conn: it waits for the greeting and leaves the negotiation mode. The
// client owns conn from here on, also when New fails.
func New(ctx context.Context, conn io.ReadWriteCloser) (*Client, error) {
	c := &Client{
		conn: conn,
		// A command that is given up closes the connection: one answer at most waits for nobody.
		replies: make(chan message, 1),
		// QEMU sends a handful of events in a machine's life; reading must not wait for the reader.
		events: make(chan Event, 256),
		done:   make(chan struct{}),
	}
	go c.read()
	if _, err := c.wait(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("wait for QEMU's greeting: %w", err)
	}
	if err := c.Execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// Close ends the session.
func (c *Client) Close() error { return c.conn.Close() }

// Events gives the events in the order in which they came. It is closed when the connection
// ends.
func (c *Client) Events() <-chan Event { return c.events }

// Execute sends a command and waits for its answer, which goes into result unless that is nil.
func (c *Client) Execute(ctx context.Context, command string, arguments, result any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	request := struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
	}{command, arguments}
	b, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	if _, err := c.conn.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	m, err := c.wait(ctx)
	if err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	if m.Error != nil {
		return fmt.Errorf("qmp %s: %s", command, m.Error.Desc)
	}
	if result != nil {
		if err := json.Unmarshal(m.Return, result); err != nil {
			return fmt.Errorf("qmp %s: answer: %w", command, err)
		}
	}
	return nil
}

// WaitEvent reads events until one has a name among names.
func (c *Client) WaitEvent(ctx context.Context, names ...string) (Event, error) {
	for {
		select {
		case e, ok := <-c.events:
			if !ok {
				return Event{}, c.err
			}
			for _, name := range names {
				if e.Name == name {
					return e, nil
				}
			}
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		}
	}
}

func (c *Client) wait(ctx context.Context) (message, error) {
	select {
	case m := <-c.replies:
		return m, nil
	case <-c.done:
		return message{}, c.err
	case <-ctx.Done():
		c.Close()
		return message{}, context.Cause(ctx)
	}
}

func (c *Client) read() {
	defer close(c.events)
	defer close(c.done)
	decoder := json.NewDecoder(c.conn)
	for {
		var m message
		if err := decoder.Decode(&m); err != nil {
			c.err = ErrClosed
			return
		}
		if m.Event != "" {
			select {
			case c.events <- Event{m.Event, m.Data}:
			default:
				c.err = errors.New("QEMU sent more events than anybody read")
				return
			}
			continue
		}
		c.replies <- m
	}
}
