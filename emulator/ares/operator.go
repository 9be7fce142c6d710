package ares

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// operator orders agents about by the server's web pages.
type operator struct {
	*channel
	ctx     context.Context
	refresh time.Duration // between two looks at a page
	looks   int           // at a page, until the operator gives up
	agents  []listed
}

// listed is an agent in the server's list.
type listed struct{ id, hostname string }

// errPatience says that what the operator waited for did not show.
var errPatience = errors.New("nothing came")

// Operator is the main of the operator: it logs in, waits until the agents are listed, gives each
// order to all agents, and waits for their answers before it gives the next. It prints
// "login ok", "login denied" or "login refused", "listed N", "ordered COMMAND", and for each agent "answered
// COMMAND AGENT" or "unanswered COMMAND AGENT", which ends it after it has removed the agents; and it writes what each agent has reported.
func Operator(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("ares-operator", flag.ContinueOnError)
	address := flags.String("server", "", "http://HOST:PORT")
	userAgent := flags.String("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0", "how it calls itself")
	password := flags.String("password", "", "for the login")
	orders := flags.String("orders", "", "file of orders: lines of a think time in seconds and a command")
	answers := flags.String("answers", "", "folder for a file for each agent, called as its host, of what it has reported")
	agents := flags.Int("agents", 1, "to wait for")
	refresh := flags.Duration("refresh", time.Second, "between two looks at a page")
	looks := flags.Int("looks", 60, "at a page, until it gives up")
	keepAlive := flags.Bool("keep-alive", false, "several requests on one connection")
	if err := options.Parse(flags, args, "server", "password", "orders", "answers"); err != nil {
		return err
	}
	c, err := newChannel(*address, *userAgent, *keepAlive)
	if err != nil {
		return err
	}
	o := &operator{channel: c, ctx: ctx, refresh: *refresh, looks: *looks}
	if err := o.login(*password); err != nil {
		return err
	}
	if err := o.list(*agents); err != nil {
		return err
	}
	return o.work(*orders, *answers)
}

// pause waits between two looks.
func (o *operator) pause(length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-o.ctx.Done():
		return context.Cause(o.ctx)
	}
}

func (o *operator) login(password string) error {
	if err := inside.Phase("login"); err != nil {
		return err
	}
	response, err := o.send(http.MethodPost, "/login", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"password": {password}}.Encode()))
	if errors.Is(err, errStatus) {
		fmt.Println("login denied")
		return err
	}
	if err != nil {
		fmt.Println("login refused")
		return err
	}
	defer response.Body.Close()
	for _, cookie := range response.Cookies() {
		o.session = cookie
	}
	fmt.Println("login ok")
	return nil
}

var agentRow = regexp.MustCompile(`<tr><td>([^<]*)<td>([^<]*)<td>`)

// list waits until so many agents are listed.
func (o *operator) list(agents int) error {
	for range o.looks {
		page, err := o.text(http.MethodGet, "/agents", "", nil)
		if err != nil {
			return err
		}
		o.agents = nil
		for _, row := range agentRow.FindAllStringSubmatch(page, -1) {
			o.agents = append(o.agents, listed{id: html.UnescapeString(row[1]), hostname: html.UnescapeString(row[2])})
		}
		if len(o.agents) >= agents {
			fmt.Println("listed", len(o.agents))
			return nil
		}
		if err := o.pause(o.refresh); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d of %d agents are listed after %d looks", len(o.agents), agents, o.looks)
}

// work gives the orders of a file one by one. An order that is not answered ends it.
func (o *operator) work(orders, answers string) error {
	file, err := os.Open(orders)
	if err != nil {
		return fmt.Errorf("--orders: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for given := 1; lines.Scan(); given++ {
		think, order, ok := strings.Cut(lines.Text(), " ")
		length, err := time.ParseDuration(think + "s")
		if !ok || err != nil {
			return fmt.Errorf("--orders: line %d: want a think time in seconds and a command", given)
		}
		if err := o.pause(length); err != nil {
			return err
		}
		if err := inside.Phase("order"); err != nil {
			return err
		}
		for _, a := range o.agents {
			if _, err := o.post("/api/"+a.id+"/push", url.Values{"cmdline": {order}}); err != nil {
				return err
			}
		}
		fmt.Println("ordered", order)
		if err := inside.Phase("answer"); err != nil {
			return err
		}
		for _, a := range o.agents {
			output, err := o.await(a, given)
			if errors.Is(err, errPatience) {
				fmt.Println("unanswered", order, a.hostname)
				return o.remove()
			}
			if err != nil {
				return err
			}
			fmt.Println("answered", order, a.hostname)
			if err := os.WriteFile(filepath.Join(answers, a.hostname), []byte(output), 0o644); err != nil {
				return fmt.Errorf("--answers: %w", err)
			}
		}
	}
	return lines.Err()
}

// remove takes the agents from the server's list, with the orders that they have not fetched.
func (o *operator) remove() error {
	form := url.Values{"delete": {"delete"}}
	for _, a := range o.agents {
		form.Add("selection", a.id)
	}
	_, err := o.post("/api/mass_execute", form)
	return err
}

// await looks at an agent's console until it shows the answers to so many orders.
func (o *operator) await(a listed, orders int) (string, error) {
	for look := 0; ; look++ {
		page, err := o.text(http.MethodGet, "/api/"+a.id+"/stdout", "", nil)
		if err != nil {
			return "", err
		}
		output := html.UnescapeString(strings.TrimSuffix(strings.TrimPrefix(page, "<pre>\n"), "</pre>\n"))
		// Each answer begins with the order, after a prompt.
		if strings.Count("\n"+output, "\n$ ") >= orders {
			return output, nil
		}
		if look+1 >= o.looks {
			return "", errPatience
		}
		if err := o.pause(o.refresh); err != nil {
			return "", err
		}
	}
}
