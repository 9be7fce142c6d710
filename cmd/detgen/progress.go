package main

import (
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/term"
)

// progress is one line at the bottom of a terminal that says what is going on. Where the
// output is no terminal it is silent.
type progress struct {
	mu   sync.Mutex
	out  io.Writer // nil: silent
	text string
}

func newProgress(out io.Writer) *progress {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{out: f}
	}
	return &progress{}
}

// stage says what a run does now.
func (p *progress) stage(name, stage string) { p.show(name + ": " + stage) }

func (p *progress) show(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil {
		p.text = text
		fmt.Fprintf(p.out, "\r\x1b[K%s", text)
	}
}

// clear takes the line away, so that something else can be printed.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out != nil && p.text != "" {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.text = ""
	}
}
