package lab

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drainLimit is how long the lab waits, after the warm-up and after the task, for connections to end.
const drainLimit = 5 * time.Second

// drain waits until no TCP connection of the lab is on its way open or closed or has data on
// its way, and no frame is in a link. Connections that are open and idle on purpose (a chat, a
// synchronisation) do not hold it up; the result says whether any were left.
func (l *lab) drain(ctx context.Context) error {
	limited, cancel := context.WithTimeoutCause(ctx, drainLimit, errTimeout)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		busy, open, err := l.connections(ctx)
		if err != nil {
			return err
		}
		if busy == 0 {
			l.result.Drained = open == 0
			break
		}
		select {
		case <-tick.C:
			continue
		case <-limited.Done():
			if cause := context.Cause(limited); !errors.Is(cause, errTimeout) {
				return cause
			}
		}
		l.result.Drained = false
		break
	}
	if err := l.links.Drain(ctx); err != nil {
		return fmt.Errorf("drain links: %w", err)
	}
	return nil
}

// connections counts the TCP connections of the lab's hosts that something is going on in, and
// those that are open and idle.
func (l *lab) connections(ctx context.Context) (busy, open int, err error) {
	for _, h := range l.hosts {
		err := h.sockets(ctx, "tcp", func(s socket) {
			switch {
			case s.state == tcpListen || s.state == tcpTimeWait || s.state == tcpClose:
			case s.state == tcpEstablished && s.unsent == 0:
				open++
			default:
				busy++
			}
		})
		if err != nil {
			return 0, 0, fmt.Errorf("host %q: connections: %w", h.Name, err)
		}
	}
	return busy, open, nil
}
