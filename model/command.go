package model

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// commandPrefix begins the name of a command model.
const commandPrefix = "cmd:"

// Limits of what a command may do.
const (
	maxLine      = 64 << 20 // bytes of a line that it prints
	usualBatch   = 256      // items between empty lines, when it does not say
	maxBatch     = 1 << 16
	closePatient = 5 * time.Second // for its end after its input ended
)

// command is a program that scores items: JSON lines over its input and output (docs/models.md, "A command").
type command struct {
	text    string
	about   Description
	options Options
	process *commandProcess // nil after it failed
	known   bool            // about is known, and not from the hello
}

// commandProcess is a running command.
type commandProcess struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan []byte // that it prints; closed at the end of its output
	bad   error       // of its output; valid when lines is closed
	last  *tail
}

// hello is the first line that a command prints.
type hello struct {
	Format int `json:"detgen"`
	Description
	Direction string `json:"direction"`
}

func openCommand(spec string, o Options) (Model, error) {
	text := strings.TrimSpace(strings.TrimPrefix(spec, commandPrefix))
	if text == "" {
		return nil, errors.New(`model "cmd:": name a command behind it, such as "cmd:python3 score.py"`)
	}
	if strings.Contains(text, "{out}") {
		return openFileCommand(text, o)
	}
	c := &command{text: text, options: o}
	if err := c.start(); err != nil {
		return nil, fmt.Errorf("model command %q: %w", text, err)
	}
	return c, nil
}

// start starts the process and reads its hello.
func (c *command) start() error {
	p, err := startCommand(c.text, c.options.Log)
	if err != nil {
		return err
	}
	line, err := p.read(context.Background(), c.options.Timeout)
	if err != nil {
		p.kill()
		return fmt.Errorf("it gave no hello line: %w", err)
	}
	var h hello
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		p.kill()
		return fmt.Errorf(`its first line is %s: want a hello such as {"detgen": 1, "kind": "flow", "columns": [...]}: %w`, short(line), err)
	}
	err = h.validate()
	switch {
	case h.Format != 1:
		err = fmt.Errorf("detgen: its format is %d, and this program speaks format 1", h.Format)
	case h.Batch > maxBatch:
		err = fmt.Errorf("batch: %d is more than %d", h.Batch, maxBatch)
	case h.Direction == "lower":
		h.Lower = true
	case h.Direction != "" && h.Direction != "higher":
		err = fmt.Errorf(`direction: %q is not "higher" or "lower" (which scores attacks have)`, h.Direction)
	}
	if err != nil {
		p.kill()
		return fmt.Errorf("hello: %w", err)
	}
	if h.Name == "" {
		h.Name = c.text
	}
	if h.Batch == 0 {
		h.Batch = usualBatch
	}
	c.process = p
	if c.known {
		return nil
	}
	h.Hash = ""
	c.about = h.Description
	c.about.turnThreshold()
	return nil
}

func startCommand(text string, log func(string)) (*commandProcess, error) {
	p := &commandProcess{cmd: exec.Command("/bin/sh", "-c", text), lines: make(chan []byte, 1024), last: &tail{log: log}}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = p.last
	p.cmd.WaitDelay = closePatient
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		for lines.Scan() {
			p.lines <- slices.Clone(lines.Bytes())
		}
		p.bad = lines.Err()
	}()
	return p, nil
}

// errEnded is that a command ended before it had answered.
var errEnded = errors.New("it ended")

// read gives the next line that it prints.
func (p *commandProcess) read(ctx context.Context, patience time.Duration) ([]byte, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		if ok {
			return line, nil
		}
		if p.bad != nil {
			return nil, fmt.Errorf("its output: %w", p.bad)
		}
		how := p.wait()
		return nil, fmt.Errorf("%w: %s%s", errEnded, how, p.last.quoted())
	case <-timer.C:
		return nil, fmt.Errorf("it printed nothing for %v", patience)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// wait waits for its end, after its output ended, and says how it was.
func (p *commandProcess) wait() string {
	if err := p.cmd.Wait(); err != nil {
		return err.Error()
	}
	return "exit status 0"
}

// kill ends it and everything that it started.
func (p *commandProcess) kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	for range p.lines {
	}
	p.cmd.Wait()
}

func (c *command) Describe() Description { return c.about }

// Close ends the command.
func (c *command) Close() error {
	if c.process == nil {
		return nil
	}
	p := c.process
	c.process = nil
	p.in.Close()
	timer := time.AfterFunc(closePatient, func() { syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) })
	defer timer.Stop()
	for range p.lines {
	}
	p.cmd.Wait()
	return nil
}

// Score sends the items and collects the answers, which may come in any order within a batch.
func (c *command) Score(ctx context.Context, items []Item) ([]Score, error) {
	var done []Score
	for batch := range slices.Chunk(items, c.about.Batch*pipelined) {
		scores, err := c.batch(ctx, batch)
		done = append(done, scores...)
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// pipelined is how many batches are sent before all are answered.
const pipelined = 16

// batch scores some batches at once. After an error the process has ended.
func (c *command) batch(ctx context.Context, items []Item) ([]Score, error) {
	if c.process == nil {
		if err := c.start(); err != nil {
			return nil, fmt.Errorf("model command %q: %w", c.text, err)
		}
	}
	scores, err := c.exchange(ctx, items)
	if err == nil {
		return scores, nil
	}
	c.process.kill()
	c.process = nil
	if errors.Is(err, errEnded) && len(items) > 1 {
		return c.findCrash(ctx, items[len(scores):], scores, err)
	}
	var of *ItemError
	if !errors.As(err, &of) && len(scores) < len(items) {
		err = &ItemError{items[len(scores)].ID, err}
	}
	return scores, fmt.Errorf("model command %q: %w", c.text, err)
}

// findCrash scores the items that a crash left without an answer one by one, to find the one that it is about.
func (c *command) findCrash(ctx context.Context, items []Item, scores []Score, crash error) ([]Score, error) {
	for i := range items[:min(len(items), c.about.Batch)] {
		one, err := c.batch(ctx, items[i:i+1])
		if err != nil {
			return scores, err
		}
		scores = append(scores, one...)
	}
	return scores, fmt.Errorf("model command %q: %w (it did so when it had a batch of items %s and after, and not when it has them one by one)", c.text, crash, items[0].ID)
}

// exchange sends items and gives the scores up to the first item that has none.
func (c *command) exchange(ctx context.Context, items []Item) ([]Score, error) {
	p := c.process
	index := make(map[string]int, len(items))
	for i := range items {
		index[items[i].ID] = i
	}
	var sending sync.WaitGroup
	sending.Go(func() {
		out := bufio.NewWriterSize(p.in, 256<<10)
		var line []byte
		for i := range items {
			line = appendItem(line[:0], &items[i], c.about.MaxSteps)
			if (i+1)%c.about.Batch == 0 || i == len(items)-1 {
				line = append(line, '\n') // an empty line: answer
			}
			if _, err := out.Write(line); err != nil {
				return // it ended, which its output tells
			}
		}
		out.Flush()
	})
	scores := make([]Score, len(items))
	answered := make([]bool, len(items))
	var wrong error
	for n := 0; n < len(items) && wrong == nil; n++ {
		var line []byte
		if line, wrong = p.read(ctx, c.options.Timeout); wrong != nil {
			break
		}
		var s Score
		if s, wrong = c.answer(line); wrong != nil {
			break
		}
		i, ok := index[s.ID]
		switch {
		case !ok:
			wrong = fmt.Errorf("it gave a score for item %q, which it was not asked for", s.ID)
		case answered[i]:
			wrong = &ItemError{s.ID, errors.New("it gave two scores")}
		default:
			if bad := s.bad(); bad != "" {
				wrong = &ItemError{s.ID, fmt.Errorf("the model's %s: want a finite number", bad)}
				break
			}
			if steps := c.about.steps(&items[i]); c.about.StepScores && len(s.Steps) != steps {
				wrong = &ItemError{s.ID, fmt.Errorf("it gave %d step scores for %d steps", len(s.Steps), steps)}
				break
			}
			s.Score = c.about.turn(s.Score)
			for k := range s.Steps {
				s.Steps[k] = c.about.turn(s.Steps[k])
			}
			scores[i], answered[i] = s, true
		}
	}
	first := slices.Index(answered, false)
	if wrong == nil {
		sending.Wait()
		return scores, nil
	}
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // so that the sending ends
	sending.Wait()
	if first < 0 {
		first = len(items)
	}
	return scores[:first], wrong
}

// answer reads a line with a score.
func (c *command) answer(line []byte) (Score, error) {
	var s struct {
		ID    *string   `json:"id"`
		Score *float64  `json:"score"`
		Steps []float64 `json:"steps"`
	}
	if err := json.Unmarshal(line, &s); err != nil {
		for _, word := range []string{"-Infinity", "Infinity", "NaN"} { // what Python prints, and JSON does not have
			if rest := bytes.ReplaceAll(line, []byte(word), []byte("0")); !bytes.Equal(rest, line) && json.Unmarshal(rest, &s) == nil && s.ID != nil {
				return Score{}, &ItemError{*s.ID, fmt.Errorf("the model's score is %s: want a finite number", word)}
			}
		}
		return Score{}, fmt.Errorf(`it printed %s: want {"id": "...", "score": 0.5}, and other text on its error output`, short(line))
	}
	if s.ID == nil {
		return Score{}, fmt.Errorf(`it printed %s: "id" is missing`, short(line))
	}
	if s.Score == nil {
		return Score{}, &ItemError{*s.ID, errors.New(`"score" is missing or null`)}
	}
	return Score{ID: *s.ID, Score: *s.Score, Steps: s.Steps}, nil
}

// appendItem adds an item as a line of JSON. What is no number is null, infinities are 1e999.
func appendItem(b []byte, item *Item, maxSteps int) []byte {
	b = append(b, `{"id":`...)
	b = appendText(b, item.ID)
	if item.Row != nil {
		b = append(b, `,"row":[`...)
		for i, x := range item.Row {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendNumber(b, x, 64)
		}
		b = append(b, ']')
	}
	if item.Steps != nil {
		b = append(b, `,"steps":[`...)
		steps := item.Steps
		if maxSteps > 0 && len(steps) > maxSteps {
			steps = steps[:maxSteps]
		}
		for k, row := range steps {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(b, '[')
			for i, x := range row {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendNumber(b, float64(x), 32)
			}
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	if item.Capture != "" {
		e := &item.Ends
		b = append(b, `,"capture":`...)
		b = appendText(b, item.Capture)
		b = append(b, `,"client":`...)
		b = appendText(b, e.Client)
		b = append(b, `,"server":`...)
		b = appendText(b, e.Server)
		b = fmt.Appendf(b, `,"client_port":%d,"server_port":%d,"protocol":%d,"start":%d`, e.ClientPort, e.ServerPort, e.Protocol, e.Start)
	}
	return append(b, "}\n"...)
}

func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // a string always has a form
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendNumber(b []byte, x float64, bits int) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, "null"...)
	case math.IsInf(x, 1):
		return append(b, "1e999"...)
	case math.IsInf(x, -1):
		return append(b, "-1e999"...)
	}
	return strconv.AppendFloat(b, x, 'g', -1, bits)
}

// short quotes the beginning of a line.
func short(line []byte) string {
	if len(line) > 120 {
		return strconv.Quote(string(line[:120])) + "..."
	}
	return strconv.Quote(string(line))
}

// tail keeps the last lines of what a command prints to its error output, and hands all on.
type tail struct {
	log  func(string)
	mu   sync.Mutex
	part []byte
	kept []string
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, b...)
	for {
		line, rest, ok := bytes.Cut(t.part, []byte("\n"))
		if !ok {
			if len(t.part) > 64<<10 {
				t.part = t.part[:0]
			}
			return len(b), nil
		}
		text := strings.TrimRight(string(line), "\r ")
		t.part = rest
		if t.log != nil {
			t.log(text)
		}
		if text != "" {
			t.kept = append(t.kept, text)
			t.kept = t.kept[max(0, len(t.kept)-3):]
		}
	}
}

// quoted gives the last line as a part of an error.
func (t *tail) quoted() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.kept) == 0 {
		return ""
	}
	return "; it said: " + t.kept[len(t.kept)-1]
}
