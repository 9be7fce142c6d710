package ares

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// pollsMost is how often an agent asks for orders at most, whatever its flags say.
const pollsMost = 100_000

// agent polls the server for orders.
type agent struct {
	*channel
	id   string
	user string
	work *os.Root // the only folder it reads and writes
	path string   // of that folder, as it reports it
	scan string   // FIFO that says what came of a scan; "" when it knows no such order

	marksIdle bool // as a phase
}

// scanMost is how long a scan may take.
const scanMost = time.Hour

// Agent is the main of the agent. It ends when it is told to ("exit"), when it has failed to
// reach the server too often, or with the context. It prints "online", "order COMMAND", "idle".
func Agent(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("ares-agent", flag.ContinueOnError)
	address := flags.String("server", "", "http://HOST:PORT")
	userAgent := flags.String("user-agent", "python-requests/2.28.1", "how it calls itself")
	user := flags.String("user", "", "whom it says it runs as")
	work := flags.String("work", "", "folder of the files that it may send and receive")
	interval := flags.Duration("interval", 500*time.Millisecond, "between polls while it is in use")
	idleAfter := flags.Duration("idle-after", time.Minute, "time without an order after which it is idle")
	idlePhase := flags.Bool("idle-phase", false, "mark being idle as a phase")
	idleInterval := flags.Duration("idle-interval", 2*time.Second, "between polls while it is idle, and after a failed one")
	failures := flags.Int("failures", 10, "failed polls in a row after which it gives up")
	keepAlive := flags.Bool("keep-alive", false, "several requests on one connection")
	scan := flags.String("scan", "", "FIFO from which it takes the line that answers the order to scan; somebody else scans")
	if err := options.Parse(flags, args, "server", "user", "work"); err != nil {
		return err
	}
	c, err := newChannel(*address, *userAgent, *keepAlive)
	if err != nil {
		return err
	}
	node, err := node()
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(*work)
	if err != nil {
		return fmt.Errorf("--work: %w", err)
	}
	defer root.Close()
	a := &agent{channel: c, id: fmt.Sprintf("%s_%d", *user, node), user: *user, work: root, path: *work, scan: *scan, marksIdle: *idlePhase}
	return a.poll(ctx, *interval, *idleAfter, *idleInterval, *failures)
}

// node is the number of the first network card's address, which Ares's agents have in their names.
func node() (uint64, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return 0, err
	}
	for _, i := range interfaces {
		if len(i.HardwareAddr) == 6 && i.Flags&net.FlagLoopback == 0 {
			var n uint64
			for _, octet := range i.HardwareAddr {
				n = n<<8 | uint64(octet)
			}
			return n, nil
		}
	}
	return 0, errors.New("no network card")
}

// Phases of a task, which the agent itself marks on its host.
const (
	pollPhase = "poll"
	idlePhase = "idle"
)

// poll asks for orders and carries them out.
func (a *agent) poll(ctx context.Context, interval, idleAfter, idleInterval time.Duration, failures int) error {
	if err := inside.Phase(pollPhase); err != nil {
		return err
	}
	active, idle, failed, online := time.Now(), false, 0, false
	for range pollsMost {
		order, err := a.hello()
		if err == nil && !online {
			online = true
			fmt.Println("online")
		}
		pause := interval
		switch {
		case err != nil:
			if failed++; failed >= failures {
				return fmt.Errorf("gave up after %d failures: %w", failed, err)
			}
			pause = idleInterval
		case order != "":
			failed, idle = 0, false
			fmt.Println("order", order)
			if order == exitOrder {
				return a.report(order, "[+] Exiting... (bye!)\n")
			}
			if err := a.carryOut(order); err != nil {
				return err
			}
			active, pause = time.Now(), 0
		default:
			failed = 0
			if !idle && time.Since(active) > idleAfter {
				idle = true
				fmt.Println("idle")
				if a.marksIdle {
					if err := inside.Phase(idlePhase); err != nil {
						return err
					}
				}
			}
			if idle {
				pause = idleInterval
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
	return fmt.Errorf("no exit after %d polls", pollsMost)
}

// hello asks for an order, "" when there is none.
func (a *agent) hello() (string, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(hello{Platform: "Linux 6.1.0", Hostname: hostname, Username: a.user})
	if err != nil {
		return "", err
	}
	return a.text(http.MethodPost, "/api/"+a.id+"/hello", "application/json", bytes.NewReader(body))
}

func (a *agent) report(order, output string) error {
	_, err := a.post("/api/"+a.id+"/report", url.Values{"output": {prompt(order) + output}})
	return err
}

// carryOut does what is ordered, if it is one of the few things that this agent does, and reports.
func (a *agent) carryOut(order string) error {
	verb, argument, _ := strings.Cut(order, " ")
	var output string
	var err error
	switch verb {
	case "upload", "download", "scan":
		if err := inside.Phase(verb); err != nil {
			return err
		}
		switch verb {
		case "upload":
			output, err = a.upload(argument)
		case "download":
			output, err = a.download(argument)
		case "scan":
			output, err = a.awaitScan()
		}
	default:
		if err := inside.Phase("command"); err != nil {
			return err
		}
		output, err = a.answer(order)
	}
	if err != nil {
		output = "[!] " + err.Error() + "\n"
	}
	if err := a.report(order, output); err != nil {
		return err
	}
	return inside.Phase(pollPhase)
}

// answer makes up what a command would print. Nothing is executed.
func (a *agent) answer(command string) (string, error) {
	switch command {
	case "whoami":
		return a.user + "\n", nil
	case "id":
		return fmt.Sprintf("uid=1000(%s) gid=1000(%s) groups=1000(%s)\n", a.user, a.user, a.user), nil
	case "hostname":
		name, err := os.Hostname()
		return name + "\n", err
	case "pwd":
		return a.path + "\n", nil
	case "ls":
		folder, err := a.work.Open(".")
		if err != nil {
			return "", err
		}
		defer folder.Close()
		names, err := folder.Readdirnames(-1)
		if err != nil || len(names) == 0 {
			return "", err
		}
		return strings.Join(names, "\n") + "\n", nil
	}
	return "", fmt.Errorf("this agent does not know %q", command)
}

// awaitScan waits until whoever has read of the order says what came of it. The agent scans nothing itself.
func (a *agent) awaitScan() (string, error) {
	if a.scan == "" {
		return "", errors.New("this agent does not know \"scan\"")
	}
	fifo, err := os.OpenFile(a.scan, os.O_RDWR, 0) // opening it for reading alone would wait
	if err != nil {
		return "", err
	}
	defer fifo.Close()
	if err := fifo.SetReadDeadline(time.Now().Add(scanMost)); err != nil {
		return "", err
	}
	return bufio.NewReader(io.LimitReader(fifo, 1000)).ReadString('\n')
}

// upload sends a file of the work folder.
func (a *agent) upload(name string) (string, error) {
	file, err := a.work.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("uploaded", name)
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(part, file); err != nil {
		return "", err
	}
	if err := form.Close(); err != nil {
		return "", err
	}
	if _, err := a.text(http.MethodPost, "/api/"+a.id+"/upload", form.FormDataContentType(), &body); err != nil {
		return "", err
	}
	return "[+] Upload successful\n", nil
}

// download fetches a file of the server into the work folder.
func (a *agent) download(name string) (string, error) {
	response, err := a.send(http.MethodGet, "/uploads/"+url.PathEscape(name), "", nil)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	file, err := a.work.Create(name)
	if err != nil {
		return "", err
	}
	n, err := io.Copy(file, response.Body)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return fmt.Sprintf("[+] File downloaded: %s (%d bytes)\n", name, n), err
}
