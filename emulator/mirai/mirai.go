// Package mirai speaks what the botnet Mirai speaks, as its published analyses describe it: bots hold a connection to
// a command server and ask every so often whether it lives; they look for hosts with an open telnet port, guess
// logins there and report those that fit; an operator logs in at the server by telnet and orders floods. The bot
// executes nothing and sends no flood itself: it prints what was ordered. It looks only at hosts of its lab that are
// named to it, with logins that are given to it, and it leaves nothing behind where it has logged in.
//
//	bot       00 00 00 01, then the length of its name and the name; later 00 00, which the server sends back
//	server    an order: length (2 bytes), seconds (4), vector, targets (4 bytes and a mask each), options (key, length, text)
//	report    00, address (4 bytes), port (2), then user and password, each behind its length; to a port of its own; the
//	          original knows no IPv6, for which it is 06 and 16 bytes here
package mirai

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hard maxima, whatever flags say.
const (
	targetsMost = 64   // hosts that a bot looks at
	loginsMost  = 64   // that it guesses
	secondsMost = 60   // of a flood
	ordersMost  = 10   // that a bot prints
	pingsMost   = 1000 // that it sends
	botsMost    = 64   // of a server at a time
	orderMost   = 512  // bytes of an order
)

// Vectors of floods, by name, and their numbers in orders.
var vectors = []string{0: "udp", 3: "syn", 4: "ack"}

// Keys of an order's options.
const (
	sizeOption = 0 // bytes of payload
	portOption = 7 // destination port
)

// order is a flood that bots are told of.
type order struct {
	vector  string
	target  netip.Addr
	seconds int
	port    int
	size    int
}

// String gives the order as an operator types it and a bot prints it.
func (o order) String() string {
	return fmt.Sprintf("%s %v %d dport=%d size=%d", o.vector, o.target, o.seconds, o.port, o.size)
}

// readOrder reads what an operator types: VECTOR ADDRESS SECONDS dport=N size=N.
func readOrder(line string) (order, error) {
	words := strings.Fields(line)
	if len(words) < 3 {
		return order{}, errors.New("want VECTOR ADDRESS SECONDS [dport=N] [size=N]")
	}
	o := order{vector: words[0]}
	if o.vector == "" || !slices.Contains(vectors, o.vector) {
		return o, fmt.Errorf("vector %q: want udp, syn or ack", words[0])
	}
	var err error
	if o.target, err = netip.ParseAddr(words[1]); err != nil || !o.target.Is4() {
		return o, fmt.Errorf("address %q: want one of IPv4", words[1])
	}
	if o.seconds, err = within(words[2], 1, secondsMost); err != nil {
		return o, fmt.Errorf("seconds: %w", err)
	}
	for _, word := range words[3:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "dport":
			o.port, err = within(value, 0, 65535)
		case "size":
			o.size, err = within(value, 0, 1400)
		default:
			err = errors.New("want dport or size")
		}
		if err != nil {
			return o, fmt.Errorf("option %q: %w", word, err)
		}
	}
	return o, nil
}

func within(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, fmt.Errorf("%q: want %d to %d", text, least, most)
	}
	return n, nil
}

// bytes gives the order as it goes over the wire.
func (o order) bytes() []byte {
	body := binary.BigEndian.AppendUint32(nil, uint32(o.seconds))
	body = append(body, byte(slices.Index(vectors, o.vector)), 1)
	body = append(append(body, o.target.AsSlice()...), 32)
	body = append(body, 2)
	for _, option := range []struct{ key, value int }{{sizeOption, o.size}, {portOption, o.port}} {
		text := strconv.Itoa(option.value)
		body = append(append(body, byte(option.key), byte(len(text))), text...)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(body)+2)), body...)
}

// takeOrder reads an order behind its length, which it is given.
func takeOrder(r io.Reader, length int) (order, error) {
	var o order
	if length < 14 || length > orderMost {
		return o, fmt.Errorf("order of %d bytes: want 14 to %d", length, orderMost)
	}
	b := make([]byte, length-2)
	if _, err := io.ReadFull(r, b); err != nil {
		return o, err
	}
	o.seconds = int(binary.BigEndian.Uint32(b))
	if v := int(b[4]); v >= len(vectors) || vectors[v] == "" {
		return o, fmt.Errorf("vector %d is not known", v)
	}
	o.vector = vectors[b[4]]
	if b[5] != 1 || b[10] != 32 {
		return o, errors.New("want one target, which is one host")
	}
	if o.seconds < 1 || o.seconds > secondsMost {
		return o, fmt.Errorf("%d seconds: want 1 to %d", o.seconds, secondsMost)
	}
	o.target = netip.AddrFrom4([4]byte(b[6:10]))
	rest := b[12:]
	for range b[11] {
		if len(rest) < 2 || len(rest) < 2+int(rest[1]) {
			return o, io.ErrUnexpectedEOF
		}
		value, err := within(string(rest[2:2+rest[1]]), 0, 65535)
		if err != nil {
			return o, err
		}
		switch rest[0] {
		case sizeOption:
			o.size = value
		case portOption:
			o.port = value
		}
		rest = rest[2+rest[1]:]
	}
	return o, nil
}

// found is a login that fits.
type found struct {
	address        netip.AddrPort
	user, password string
}

// The first byte of a report: of which family the address is.
const (
	reportIPv4 = 0
	reportIPv6 = 6
)

func (f found) bytes() []byte {
	family := byte(reportIPv4)
	if f.address.Addr().Is6() {
		family = reportIPv6
	}
	b := append([]byte{family}, f.address.Addr().AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, f.address.Port())
	b = append(append(b, byte(len(f.user))), f.user...)
	return append(append(b, byte(len(f.password))), f.password...)
}

// takeFound reads a report.
func takeFound(r io.Reader) (found, error) {
	var family [1]byte
	if _, err := io.ReadFull(r, family[:]); err != nil {
		return found{}, err
	}
	length := 4
	switch family[0] {
	case reportIPv4:
	case reportIPv6:
		length = 16
	default:
		return found{}, fmt.Errorf("family %d of a report's address is not known", family[0])
	}
	end := make([]byte, length+2)
	if _, err := io.ReadFull(r, end); err != nil {
		return found{}, err
	}
	address, _ := netip.AddrFromSlice(end[:length])
	f := found{address: netip.AddrPortFrom(address, binary.BigEndian.Uint16(end[length:]))}
	for _, text := range []*string{&f.user, &f.password} {
		var length [1]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return f, err
		}
		b := make([]byte, length[0])
		if _, err := io.ReadFull(r, b); err != nil {
			return f, err
		}
		*text = string(b)
	}
	return f, nil
}

// patience is how long a side waits for what must come at once.
const patience = 30 * time.Second
