package mirai

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Commands and options of telnet (RFC 854, 857, 858, 1184).
const (
	iac       = 255
	dont      = 254
	do        = 253
	wont      = 252
	will      = 251
	sb        = 250 // subnegotiation
	se        = 240 // its end
	echo      = 1
	goAhead   = 3 // its suppression
	lineMode  = 34
	screenful = 64 << 10 // bytes that are read at most without a word that is waited for
)

// telnet is a client's side of a connection: it refuses every option but the server's echo, as bots do.
type telnet struct {
	net.Conn
	text []byte // that has come and was not waited for
	raw  []byte // a command that has not come whole
}

// receive reads once, answers commands, and keeps the text.
func (t *telnet) receive() error {
	b := make([]byte, 4096)
	n, err := t.Read(b)
	t.raw = append(t.raw, b[:n]...)
	var reply []byte
	for len(t.raw) > 0 {
		if t.raw[0] != iac {
			t.text = append(t.text, t.raw[0])
			t.raw = t.raw[1:]
			continue
		}
		length := commandLength(t.raw)
		if length == 0 {
			break // not whole
		}
		switch command := t.raw[:length]; {
		case length == 2 && command[1] == iac:
			t.text = append(t.text, iac)
		case length == 3 && command[1] == do:
			reply = append(reply, iac, wont, command[2])
		case length == 3 && command[1] == will && (command[2] == echo || command[2] == goAhead):
			reply = append(reply, iac, do, command[2])
		case length == 3 && command[1] == will:
			reply = append(reply, iac, dont, command[2])
		}
		t.raw = t.raw[length:]
	}
	if len(reply) > 0 {
		if _, err := t.Write(reply); err != nil {
			return err
		}
	}
	if len(t.text) > screenful {
		return fmt.Errorf("more than %d bytes came", screenful)
	}
	if n > 0 {
		return nil
	}
	return err
}

// commandLength gives the length of the command that b begins with, 0 when it is not whole.
func commandLength(b []byte) int {
	switch {
	case len(b) < 2:
		return 0
	case b[1] == sb:
		if end := bytes.Index(b, []byte{iac, se}); end >= 0 {
			return end + 2
		}
		return 0
	case b[1] >= will && b[1] <= dont:
		if len(b) < 3 {
			return 0
		}
		return 3
	}
	return 2
}

// errGone says that the server has ended the connection.
var errGone = errors.New("the connection ended")

// expect reads until one of the words comes, and gives which one.
func (t *telnet) expect(words ...string) (int, error) {
	if err := t.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return 0, err
	}
	for {
		first, which := -1, 0
		for i, word := range words {
			if at := bytes.Index(t.text, []byte(word)); at >= 0 && (first < 0 || at < first) {
				first, which = at, i
			}
		}
		if first >= 0 {
			t.text = t.text[first+len(words[which]):]
			return which, nil
		}
		if err := t.receive(); errors.Is(err, io.EOF) {
			return 0, fmt.Errorf("waiting for %q: %w", words, errGone)
		} else if err != nil {
			return 0, fmt.Errorf("waiting for %q: %w", words, err)
		}
	}
}

// say types a line.
func (t *telnet) say(line string) error {
	_, err := io.WriteString(t, line+"\r\n")
	return err
}
