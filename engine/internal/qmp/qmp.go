// Package qmp is a small client of the QEMU Machine Protocol: commands one at a time, and the
// events that come between them. Source: QEMU, docs/interop/qmp-spec.txt.
package qmp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"

	"detgen/internal/helper"
)

// Client is one QMP connection.
type Client struct {
	calls   *helper.Calls[message]
	greeted chan struct{}
	events  chan Event
	flooded atomic.Bool
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
	ID       uint64          `json:"id"`
	Return   json.RawMessage `json:"return"`
	Error    *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
}

// Replies implements helper.Message.
func (m message) Replies() uint64 { return m.ID }

// ErrClosed says that QEMU closed the connection, as it does when it ends.
var ErrClosed = errors.New("QEMU closed its control connection")

var errFlooded = errors.New("QEMU sent more events than anybody read")

// New starts a session on conn: it waits for the greeting and leaves the negotiation mode. The
// client owns conn from here on, also when New fails.
func New(ctx context.Context, conn io.ReadWriteCloser) (*Client, error) {
	c := &Client{
		greeted: make(chan struct{}),
		// QEMU sends a handful of events in a machine's life; reading must not wait for the reader.
		events: make(chan Event, 256),
	}
	c.calls = helper.NewCalls(conn, c.take)
	select {
	case <-c.greeted:
	case <-c.calls.Gone():
		c.Close()
		return nil, fmt.Errorf("wait for QEMU's greeting: %w", ErrClosed)
	case <-ctx.Done():
		c.Close()
		return nil, fmt.Errorf("wait for QEMU's greeting: %w", context.Cause(ctx))
	}
	if err := c.Execute(ctx, "qmp_capabilities", nil, nil); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// take takes what is no reply.
func (c *Client) take(m message) {
	if m.Event == "" {
		if m.Greeting != nil {
			close(c.greeted)
		}
		return
	}
	select {
	case c.events <- Event{m.Event, m.Data}:
	default:
		c.flooded.Store(true)
		c.Close()
	}
}

// Close ends the session.
func (c *Client) Close() error { return c.calls.Close() }

// Execute sends a command and waits for its answer, which goes into result unless that is nil.
func (c *Client) Execute(ctx context.Context, command string, arguments, result any) error {
	m, err := c.calls.Call(ctx, func(number uint64) any {
		return struct {
			Execute   string `json:"execute"`
			Arguments any    `json:"arguments,omitempty"`
			ID        uint64 `json:"id"`
		}{command, arguments, number}
	})
	switch {
	case errors.Is(err, helper.ErrGone):
		err = c.closed()
	case err == nil && m.Error != nil:
		err = errors.New(m.Error.Desc)
	case err == nil && result != nil:
		err = json.Unmarshal(m.Return, result)
	}
	if err != nil {
		return fmt.Errorf("qmp %s: %w", command, err)
	}
	return nil
}

// WaitEvent reads events until one has a name among names.
func (c *Client) WaitEvent(ctx context.Context, names ...string) (Event, error) {
	gone := c.calls.Gone()
	for {
		var e Event
		select {
		case e = <-c.events:
		case <-ctx.Done():
			return Event{}, context.Cause(ctx)
		case <-gone:
			select {
			case e = <-c.events: // that came before the end
			default:
				return Event{}, c.closed()
			}
		}
		if slices.Contains(names, e.Name) {
			return e, nil
		}
	}
}

// closed says why the connection ended.
func (c *Client) closed() error {
	if c.flooded.Load() {
		return errFlooded
	}
	return ErrClosed
}
