package model

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"detgen/flow"
	"detgen/internal/beneath"
	"detgen/table"
)

// fileCommand is a program that reads a whole file of items and writes a file of scores (docs/models.md, "Whole files").
type fileCommand struct {
	text    string
	about   Description
	options Options
}

// inPlace finds what stands for the file of items: {in}, {in:MODE}, {in:RECIPE}, {pcap}.
var inPlace = regexp.MustCompile(`\{in(?::([a-z0-9-]+))?\}|\{pcap\}`)

func openFileCommand(text string, o Options) (Model, error) {
	c := &fileCommand{text: text, options: o, about: Description{Name: text}}
	found := inPlace.FindStringSubmatch(text)
	switch {
	case found == nil:
		return nil, fmt.Errorf("model command %q: it has {out} and lacks the file that it reads: {in} (flow rows), {in:MODE}, {in:RECIPE} or {pcap}", text)
	case found[0] == "{pcap}":
		c.about.Kind = Captures
		if !strings.Contains(text, "{items}") {
			return nil, fmt.Errorf("model command %q: with {pcap} it needs {items} too, the table of the capture's connections with their ids", text)
		}
		return c, nil
	}
	mode, err := flow.ParseMode(found[1])
	if found[1] == "" {
		mode, err = flow.Default, nil
	}
	if err != nil {
		c.about.Kind, c.about.Recipe = Packets, found[1]
		return c, nil
	}
	c.about.Kind, c.about.Mode = Flows, mode.String()
	if mode == flow.Default {
		c.about.Columns = append([]string{"Destination Port", "Protocol"}, flow.StatisticNames()...)
		return c, nil
	}
	for _, column := range flow.NewLayout(mode, flow.ToolColumns).Columns() {
		if column.Kind == table.Int || column.Kind == table.Float {
			c.about.Columns = append(c.about.Columns, column.Name)
		}
	}
	return c, nil
}

func (c *fileCommand) Describe() Description { return c.about }
func (c *fileCommand) Close() error          { return nil }

// Score writes the items, runs the command, and joins what it wrote by id. With {pcap} it runs once for each capture.
func (c *fileCommand) Score(ctx context.Context, items []Item) ([]Score, error) {
	folder, err := os.MkdirTemp("", "detgen-model-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	groups := [][]Item{items}
	if c.about.Kind == Captures {
		groups = byCapture(items)
	}
	all := map[string]Score{}
	var failed error
	for i, group := range groups {
		if failed = c.run(ctx, filepath.Join(folder, strconv.Itoa(i)), group, all); failed != nil {
			failed = fmt.Errorf("model command %q: %w", c.text, failed)
			break
		}
	}
	scores := make([]Score, 0, len(items))
	for i := range items {
		s, ok := all[items[i].ID]
		if !ok {
			if failed == nil {
				failed = fmt.Errorf("model command %q: %w", c.text, &ItemError{items[i].ID, errors.New("it wrote no score for it")})
			}
			return scores, failed
		}
		delete(all, items[i].ID)
		scores = append(scores, s)
	}
	for id := range all {
		return scores, fmt.Errorf("model command %q: it wrote a score for item %q, which it was not asked for", c.text, id)
	}
	return scores, failed
}

func byCapture(items []Item) (groups [][]Item) {
	index := map[string]int{}
	for _, item := range items {
		i, ok := index[item.Capture]
		if !ok {
			i = len(groups)
			index[item.Capture] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}

// run runs the command once.
func (c *fileCommand) run(ctx context.Context, folder string, items []Item, all map[string]Score) error {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	in, out := filepath.Join(folder, "items.csv"), filepath.Join(folder, "scores.csv")
	if err := c.write(in, items); err != nil {
		return err
	}
	text := strings.NewReplacer("{out}", quote(out), "{items}", quote(in), "{pcap}", quote(items[0].Capture)).Replace(c.text)
	text = inPlace.ReplaceAllLiteralString(text, quote(in))
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	said := &tail{log: c.options.Log}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = closePatient
	if err := cmd.Run(); err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			err = fmt.Errorf("it did not end within %v", c.options.Timeout)
		}
		return fmt.Errorf("items %s and after: %w%s", items[0].ID, err, said.quoted())
	}
	f, err := beneath.OpenNamed(out)
	if err != nil {
		return fmt.Errorf("it wrote no file of scores to {out}: %w", err)
	}
	defer f.Close()
	steps, err := readScores("its file of scores", bufio.NewReader(f), all)
	c.about.StepScores = steps
	return err
}

// quote quotes a path for the shell.
func quote(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

// write writes the items as a table: a row each, of sequences a row for each step.
func (c *fileCommand) write(path string, items []Item) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	names := c.about.Columns
	switch c.about.Kind {
	case Captures:
		names = []string{"client", "client_port", "server", "server_port", "protocol", "start"}
	case Packets, Sessions:
		names = []string{"step"}
		for i := range len(items[0].Steps[0]) {
			names = append(names, "column"+strconv.Itoa(i+1))
		}
	}
	line := []byte("id")
	for _, name := range names {
		line = append(append(line, ','), cell(name)...)
	}
	out.Write(append(line, '\n'))
	for i := range items {
		item := &items[i]
		e := &item.Ends
		if c.about.Kind == Captures {
			fmt.Fprintf(out, "%s,%s,%d,%s,%d,%d,%d\n", cell(item.ID), e.Client, e.ClientPort, e.Server, e.ServerPort, e.Protocol, e.Start)
			continue
		}
		if item.Row != nil {
			line = append(line[:0], cell(item.ID)...)
			for _, x := range item.Row {
				line = strconv.AppendFloat(append(line, ','), x, 'g', -1, 64)
			}
			out.Write(append(line, '\n'))
		}
		for k, row := range item.Steps {
			line = append(append(line[:0], cell(item.ID)...), ',')
			line = strconv.AppendInt(line, int64(k+1), 10)
			for _, x := range row {
				line = strconv.AppendFloat(append(line, ','), float64(x), 'g', -1, 32)
			}
			out.Write(append(line, '\n'))
		}
	}
	return errors.Join(out.Flush(), f.Close())
}

// cell quotes a cell of a CSV file where it has to be.
func cell(text string) string {
	if slices.ContainsFunc([]byte(text), func(c byte) bool { return c == ',' || c == '"' || c == '\n' || c == '\r' }) {
		return `"` + strings.ReplaceAll(text, `"`, `""`) + `"`
	}
	return text
}
