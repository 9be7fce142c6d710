package helper

import (
	"bytes"
	"sync"
)

// lastBytes is how much of what a process prints is kept.
const lastBytes = 4 << 10

// lastLines keeps the last whole lines that are written to it.
type lastLines struct {
	mu   sync.Mutex
	text []byte
	cut  bool // text does not begin where the writing began
}

// Write implements io.Writer.
func (l *lastLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	if over := len(l.text) - lastBytes; over > 0 {
		l.text, l.cut = append(l.text[:0], l.text[over:]...), true
	}
	return len(b), nil
}

func (l *lastLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text
	if l.cut {
		if _, whole, ok := bytes.Cut(text, []byte("\n")); ok {
			text = whole
		}
	}
	return string(text)
}
