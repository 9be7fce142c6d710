package qemu

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"sync"
)

// consoleLines is how many of the guest's last lines are kept for error messages.
const consoleLines = 20

// console reads what the guest writes to its serial console.
type console struct {
	mu    sync.Mutex
	lines []string
	panic string        // the kernel's reason, "" when it did not panic
	done  chan struct{} // closed when the guest's end of it is closed
}

// start reads lines from r, which it owns, until its end.
func (c *console) start(r *os.File, line func(string)) {
	c.done = make(chan struct{})
	go func() {
		defer close(c.done)
		defer r.Close()
		in := bufio.NewReader(r)
		for {
			text, err := in.ReadString('\n')
			if text = strings.TrimRight(text, "\r\n"); text != "" {
				c.keep(text)
				if line != nil {
					line(text)
				}
			}
			if err != nil {
				return
			}
		}
	}()
}

func (c *console) keep(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, reason, found := strings.Cut(text, "Kernel panic - not syncing: "); found && c.panic == "" {
		c.panic = reason
	}
	if len(c.lines) == consoleLines {
		c.lines = append(c.lines[:0], c.lines[1:]...)
	}
	c.lines = append(c.lines, text)
}

func (c *console) panicked() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.panic
}

func (c *console) last() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.lines)
}
