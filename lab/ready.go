package lab

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/record"
)

// pollInterval is how often the kernel's tables are read where it offers no event: for a
// socket that listens, a file in an overlay, and connections that end.
const pollInterval = time.Millisecond

// awaitReady waits until everything that the service's Ready names holds.
func (h *host) awaitReady(ctx context.Context, s *record.Service, p *process) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Duration(s.Timeout), errTimeout)
	defer cancel()
	if s.Ready.Exit {
		select {
		case <-p.done:
			if p.status != 0 {
				return fmt.Errorf("host %q: service %q ended with status %d; %s%s%s", h.Name, s.Name, p.status, h.tail(s.Name), h.outOfMemory(), h.mayNot(s.Name))
			}
			return nil
		case <-ctx.Done():
			return h.notReady(ctx, s, "to end")
		}
	}
	if s.Ready.Log != "" {
		pattern, err := regexp.Compile(s.Ready.Log)
		if err != nil {
			return fmt.Errorf("host %q: service %q: %w", h.Name, s.Name, err)
		}
		_, err = p.output.await(ctx, 0, pattern, 1, p.done)
		switch {
		case errors.Is(err, errEnded):
			return h.endedEarly(s, p)
		case ctx.Err() != nil:
			return h.notReady(ctx, s, fmt.Sprintf("to print a line that matches %q", s.Ready.Log))
		case err != nil:
			return fmt.Errorf("host %q: service %q: %w", h.Name, s.Name, err)
		}
	}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		missing, err := h.missing(ctx, &s.Ready)
		if err != nil {
			return fmt.Errorf("host %q: service %q: %w", h.Name, s.Name, err)
		}
		if missing == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return h.endedEarly(s, p)
		case <-ctx.Done():
			return h.notReady(ctx, s, missing)
		}
	}
}

var errTimeout = errors.New("timeout")

func (h *host) endedEarly(s *record.Service, p *process) error {
	return fmt.Errorf("host %q: service %q ended with status %d before it was ready; %s%s%s", h.Name, s.Name, p.status, h.tail(s.Name), h.outOfMemory(), h.mayNot(s.Name))
}

func (h *host) notReady(ctx context.Context, s *record.Service, waiting string) error {
	if cause := context.Cause(ctx); !errors.Is(cause, errTimeout) {
		return cause
	}
	return fmt.Errorf("host %q: service %q is not ready after %s: waited for it %s; %s",
		h.Name, s.Name, time.Duration(s.Timeout), waiting, h.tail(s.Name))
}

// missing says what of r does not hold yet, "" when all does.
func (h *host) missing(ctx context.Context, r *record.Ready) (string, error) {
	if r.File != "" {
		if exists, err := h.exists(ctx, r.File); err != nil || !exists {
			return "to make the file " + r.File, err
		}
	}
	for _, address := range r.Listen {
		listens, err := h.listens(ctx, address)
		if err != nil {
			return "", err
		}
		if !listens {
			return "to listen on " + address, nil
		}
	}
	return "", nil
}

// Socket states in /proc/net/tcp and /proc/net/udp (include/net/tcp_states.h).
const (
	tcpEstablished = 0x01
	tcpTimeWait    = 0x06
	tcpClose       = 0x07 // of a UDP socket: bound
	tcpListen      = 0x0A
)

// listens says whether a socket of the host listens on the address: "tcp/80", "udp/53",
// "unix//run/x.sock". It reads the host's own tables in /proc, so nothing goes over the wire.
func (h *host) listens(ctx context.Context, address string) (bool, error) {
	kind, name, _ := strings.Cut(address, "/")
	if kind == "unix" {
		table, err := h.table(ctx, "unix")
		return bytes.HasSuffix(bytes.TrimSpace(table), []byte(" "+name)) || bytes.Contains(table, []byte(" "+name+"\n")), err
	}
	port, err := strconv.ParseUint(name, 10, 16)
	if err != nil || (kind != "tcp" && kind != "udp") {
		return false, fmt.Errorf("listen %q: want tcp/PORT, udp/PORT or unix/PATH", address)
	}
	want := tcpListen
	if kind == "udp" {
		want = tcpClose
	}
	found := false
	err = h.sockets(ctx, kind, func(s socket) { found = found || s.state == want && s.localPort == uint16(port) })
	return found, err
}

// socket is a line of /proc/net/tcp or udp.
type socket struct {
	localPort uint16
	state     int
	unsent    uint64 // bytes not yet acknowledged
}

// sockets calls f for each IPv4 and IPv6 socket of the host of a kind ("tcp", "udp").
func (h *host) sockets(ctx context.Context, kind string, f func(socket)) error {
	for _, table := range []string{kind, kind + "6"} {
		content, err := h.table(ctx, table)
		if errors.Is(err, os.ErrNotExist) && table == kind+"6" {
			continue // a kernel without IPv6
		}
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(bytes.NewReader(content))
		lines.Scan() // heading
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 5 {
				continue
			}
			_, port, _ := strings.Cut(fields[1], ":")
			localPort, err1 := strconv.ParseUint(port, 16, 16)
			state, err2 := strconv.ParseUint(fields[3], 16, 8)
			queue, _, _ := strings.Cut(fields[4], ":")
			unsent, err3 := strconv.ParseUint(queue, 16, 64)
			if err := errors.Join(err1, err2, err3); err != nil {
				return fmt.Errorf("%s: %w", table, err)
			}
			f(socket{uint16(localPort), int(state), unsent})
		}
	}
	return nil
}

// mayNot says what to do when a program was refused something for want of a capability; "" when it printed nothing of it.
func (h *host) mayNot(program string) string {
	return refused(h.tail(program), h.Capabilities)
}

// refused is the hint for what a program printed last.
func refused(printed string, capabilities []string) string {
	text := strings.ToLower(printed)
	switch {
	case strings.Contains(text, "permission denied") && !slices.Contains(capabilities, "DAC_OVERRIDE"):
		return "; root on a host may not read or write what another user owns: run the service as that user (user), or give the host the capability DAC_OVERRIDE (capabilities)"
	case strings.Contains(text, "operation not permitted"):
		return "; a host's programs have no capabilities but those that its scenario lists: see which one it needs (capabilities)"
	}
	return ""
}
