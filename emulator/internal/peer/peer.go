// Package peer has what emulators of servers and of clients share: taking connections, and reading lists.
package peer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
)

// Accept hands each connection to attend, most at once, and closes it when that returns or ctx ends; further ones are
// closed at once. It closes the listener when ctx ends, waits for all calls, and gives nil then.
func Accept(ctx context.Context, l net.Listener, most int, attend func(net.Conn)) error {
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	places := make(chan bool, most)
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		select {
		case places <- true:
		default:
			c.Close() // no place left
			continue
		}
		all.Go(func() {
			defer func() { <-places }()
			defer c.Close()
			end := context.AfterFunc(ctx, func() { c.Close() })
			defer end()
			attend(c)
		})
	}
}

// Lines reads a file of 1 to most lines of so many words each. The error names the file and the line.
func Lines(path string, words, most int) ([][]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var list [][]string
	s := bufio.NewScanner(file)
	for s.Scan() {
		fields := strings.Fields(s.Text())
		if len(fields) != words {
			return nil, fmt.Errorf("%s:%d: %d words: want %d", path, len(list)+1, len(fields), words)
		}
		if list = append(list, fields); len(list) > most {
			return nil, fmt.Errorf("%s: more than %d lines", path, most)
		}
	}
	if err := s.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no line", path)
	}
	return list, nil
}
