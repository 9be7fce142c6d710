package mirai

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"syscall"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// Operator is the main of the operator. It logs in, waits until so many bots are there, and gives an order. It prints
// "login ok", "login denied" or "login refused" (no server), "bots N" and "sent to N".
func Operator(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("mirai-operator", flag.ContinueOnError)
	address := f.String("server", "", "HOST:PORT")
	user := f.String("user", "", "to log in as")
	password := f.String("password", "", "of the user")
	bots := f.Int("bots", 1, "to wait for, at most 64")
	refresh := f.Duration("refresh", time.Second, "between two looks at their number, at most 1m")
	looks := f.Int("looks", 60, "at their number, at most 1000")
	typed := f.String("order", "", "VECTOR ADDRESS SECONDS [dport=N] [size=N]; none when empty")
	if err := options.Parse(f, args, "server", "user", "password"); err != nil {
		return err
	}
	for name, most := range map[string]int{"bots": botsMost, "looks": 1000} {
		if err := options.Within(f, name, 0, most); err != nil {
			return err
		}
	}
	if err := options.WithinTime(f, "refresh", 0, time.Minute); err != nil {
		return err
	}
	if *typed != "" {
		if _, err := readOrder(*typed); err != nil {
			return fmt.Errorf("--order: %w", err)
		}
	}
	if err := labAddress(*address); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	if err := inside.Phase("login"); err != nil {
		return err
	}
	c, err := dial(ctx, *address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		fmt.Println("login refused")
		return nil
	}
	if err != nil {
		return err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	t := &telnet{Conn: c}
	note := func(words ...any) { fmt.Println(words...) }
	if ok, err := t.logIn(*user, *password, note); err != nil || !ok {
		return err
	}
	return t.command(ctx, *bots, *looks, *refresh, *typed, note)
}

// logIn says whether the login is right.
func (t *telnet) logIn(user, password string, note func(...any)) (bool, error) {
	// A telnet client begins by what it offers.
	if _, err := t.Write([]byte{iac, do, goAhead}); err != nil {
		return false, err
	}
	for _, step := range []struct{ prompt, word string }{{"username: ", user}, {"password: ", password}} {
		if _, err := t.expect(step.prompt); err != nil {
			return false, err
		}
		if err := t.say(step.word); err != nil {
			return false, err
		}
	}
	which, err := t.expect("wrong username or password", "# ")
	if err != nil {
		return false, err
	}
	if which == 0 {
		note("login denied")
		return false, nil
	}
	note("login ok")
	return true, nil
}

// command waits for bots and gives an order.
func (t *telnet) command(ctx context.Context, bots, looks int, refresh time.Duration, order string, note func(...any)) error {
	count := 0
	for look := 0; ; look++ {
		answer, err := t.answer("botcount")
		if err != nil {
			return err
		}
		if _, err := fmt.Sscanf(answer, "bots: %d", &count); err != nil {
			return fmt.Errorf("the server answers %q to botcount", answer)
		}
		if count >= bots {
			break
		}
		if look >= looks {
			return fmt.Errorf("%d of %d bots after %d looks", count, bots, looks)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(refresh):
		}
	}
	note("bots", count)
	if order != "" {
		if err := inside.Phase("order"); err != nil {
			return err
		}
		answer, err := t.answer(order)
		if err != nil {
			return err
		}
		note(answer)
	}
	return t.say("exit")
}

// answer types a command and gives what comes before the next prompt.
func (t *telnet) answer(command string) (string, error) {
	if err := t.say(command); err != nil {
		return "", err
	}
	if _, err := t.expect(command + "\r\n"); err != nil {
		return "", err
	}
	before := string(t.text)
	for !strings.Contains(before, "# ") {
		if err := t.receive(); err != nil {
			return "", err
		}
		before = string(t.text)
	}
	text, rest, _ := strings.Cut(before, "\r\n")
	t.text = []byte(rest)
	_, err := t.expect("# ")
	return text, err
}
