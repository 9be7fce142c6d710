// Package stone has what a stepping stone does to a connection that it relays, so that detectors which match
// connections can be probed: it holds back what passes (Stall), or adds what means nothing (Chaff, to a
// Discard server).
package stone

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"detgen/emulator/internal/options"
	"detgen/emulator/internal/peer"
	"detgen/lab/inside"
)

const (
	delayMost = 5 * time.Second
	pauseMost = 10 * time.Second
	linesMost = 10_000 // of a file of delays or a plan
	sizeMost  = 64_000 // bytes of a piece of chaff
	// chunkMost is how many bytes Stall takes at a time.
	chunkMost = 4096
)

// seconds reads a time, in seconds or with a unit, from 0 to most.
func seconds(text string, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		d, err = time.ParseDuration(text + "s")
	}
	if err != nil || d < 0 || d > most {
		return 0, fmt.Errorf("time %q: want 0 to %v", text, most)
	}
	return d, nil
}

// Stall is the main of a pipe that holds back what passes: each piece as long as the next line of --delays says,
// from the start again after the last. Pieces keep their order, so one may wait for the one before it.
func Stall(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("stall", flag.ContinueOnError)
	path := f.String("delays", "", "file with a time a line, at most 5s each")
	if err := options.Parse(f, args, "delays"); err != nil {
		return err
	}
	list, err := peer.Lines(*path, 1, linesMost)
	if err != nil {
		return err
	}
	var delays []time.Duration
	for i, l := range list {
		d, err := seconds(l[0], delayMost)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", *path, i+1, err)
		}
		delays = append(delays, d)
	}
	return stall(ctx, os.Stdout, os.Stdin, delays)
}

func stall(ctx context.Context, w io.Writer, r io.Reader, delays []time.Duration) error {
	type piece struct {
		content []byte
		due     time.Time
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pieces := make(chan piece, 64)
	var readErr error
	go func() {
		defer close(pieces)
		for i := 0; ; i++ {
			b := make([]byte, chunkMost)
			n, err := r.Read(b)
			if n > 0 {
				select {
				case pieces <- piece{b[:n], time.Now().Add(delays[i%len(delays)])}:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if err != io.EOF {
					readErr = err
				}
				return
			}
		}
	}()
	for {
		select {
		case p, ok := <-pieces:
			if !ok {
				return readErr
			}
			select {
			case <-time.After(time.Until(p.due)):
			case <-ctx.Done():
				return nil
			}
			if _, err := w.Write(p.content); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// Chaff is the main of a sender of bytes that mean nothing. It connects to --to and sends, for each line of --plan,
// so many bytes after a pause. It ends with the plan or the context, and prints "sent PIECES BYTES".
func Chaff(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("chaff", flag.ContinueOnError)
	to := f.String("to", "", "HOST:PORT of a server that discards")
	path := f.String("plan", "", "file with lines of a pause, at most 10s, and a size in bytes, at most 64000")
	if err := options.Parse(f, args, "to", "plan"); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(*to)
	if err != nil {
		return fmt.Errorf("--to: %w", err)
	}
	if host != "127.0.0.1" { // a port that this host forwards
		if err := inside.LabHost(host); err != nil {
			return fmt.Errorf("--to: %w", err)
		}
	}
	list, err := peer.Lines(*path, 2, linesMost)
	if err != nil {
		return err
	}
	var plan []burst
	for i, l := range list {
		pause, err := seconds(l[0], pauseMost)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", *path, i+1, err)
		}
		size, err := strconv.Atoi(l[1])
		if err != nil || size < 0 || size > sizeMost {
			return fmt.Errorf("%s:%d: size %q: want 0 to %d bytes", *path, i+1, l[1], sizeMost)
		}
		plan = append(plan, burst{pause, size})
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", *to)
	if err != nil {
		return err
	}
	defer c.Close()
	pieces, total, err := chaff(ctx, c, plan)
	fmt.Println("sent", pieces, total)
	return err
}

type burst struct {
	pause time.Duration
	size  int
}

func chaff(ctx context.Context, w io.Writer, plan []burst) (pieces, total int, err error) {
	for _, p := range plan {
		select {
		case <-time.After(p.pause):
		case <-ctx.Done():
			return pieces, total, nil
		}
		b := make([]byte, p.size)
		rand.Read(b)
		if _, err := w.Write(b); err != nil {
			return pieces, total, err
		}
		pieces, total = pieces+1, total+p.size
	}
	return pieces, total, nil
}

// Discard is the main of a server that reads and throws away (RFC 863). It ends with the context.
func Discard(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("discard", flag.ContinueOnError)
	address := f.String("listen", "127.0.0.1:9", "address to listen at")
	if err := options.Parse(f, args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *address)
	if err != nil {
		return err
	}
	return discard(ctx, l)
}

func discard(ctx context.Context, l net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		all.Go(func() {
			end := context.AfterFunc(ctx, func() { c.Close() })
			defer end()
			defer c.Close()
			io.Copy(io.Discard, c) // whatever ends it
		})
	}
}
