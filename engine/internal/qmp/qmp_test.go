package qmp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// serve plays QEMU on one end of a connection: it greets, and answers each command with the
// lines that answers has for it, in their order, with the command's number for ID.
func serve(t *testing.T, answers map[string][]string) *Client {
	t.Helper()
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		fmt.Fprintln(theirs, `{"QMP": {"version": {}, "capabilities": []}}`)
		for lines := bufio.NewScanner(theirs); lines.Scan(); {
			for command, text := range answers {
				if !strings.Contains(lines.Text(), `"execute":"`+command+`"`) {
					continue
				}
				_, id, _ := strings.Cut(strings.TrimSuffix(lines.Text(), "}"), `"id":`)
				for _, line := range text {
					if line == "close" {
						return
					}
					fmt.Fprintln(theirs, strings.ReplaceAll(line, "ID", id))
				}
			}
		}
	}()
	c, err := New(t.Context(), ours)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var ready = []string{`{"return": {}, "id": ID}`}

func TestCommandAndEvents(t *testing.T) {
	c := serve(t, map[string][]string{
		"qmp_capabilities": ready,
		"query-status":     {`{"event": "STOP", "data": {}}`, `{"return": {"status": "paused"}, "id": ID}`, `{"event": "MIGRATION", "data": {"status": "completed"}}`},
		"cont":             {`{"error": {"class": "GenericError", "desc": "not now"}, "id": ID}`},
	})
	var status struct{ Status string }
	if err := c.Execute(t.Context(), "query-status", nil, &status); err != nil || status.Status != "paused" {
		t.Errorf("status %q, error %v", status.Status, err)
	}
	if e, err := c.WaitEvent(t.Context(), "SHUTDOWN", "MIGRATION"); err != nil || e.Name != "MIGRATION" || string(e.Data) != `{"status": "completed"}` {
		t.Errorf("event %+v, error %v", e, err)
	}
	if err := c.Execute(t.Context(), "cont", nil, nil); err == nil || err.Error() != "qmp cont: not now" {
		t.Errorf("got %v", err)
	}
}

func TestEndOfTheConnection(t *testing.T) {
	c := serve(t, map[string][]string{"qmp_capabilities": ready, "quit": {"close"}})
	if err := c.Execute(t.Context(), "quit", nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("a command gives %v", err)
	}
	if _, err := c.WaitEvent(t.Context(), "SHUTDOWN"); !errors.Is(err, ErrClosed) {
		t.Errorf("waiting for an event gives %v", err)
	}
}

func TestGivingUp(t *testing.T) {
	c := serve(t, map[string][]string{"qmp_capabilities": ready})
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("enough")
	cancel(reason)
	if _, err := c.WaitEvent(ctx, "SHUTDOWN"); !errors.Is(err, reason) {
		t.Errorf("waiting for an event gives %v", err)
	}
	if err := c.Execute(ctx, "cont", nil, nil); !errors.Is(err, reason) {
		t.Errorf("a command gives %v", err)
	}
}

func TestNoGreeting(t *testing.T) {
	ours, theirs := net.Pipe()
	theirs.Close()
	if _, err := New(t.Context(), ours); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}
