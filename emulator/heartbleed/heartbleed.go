// Package heartbleed emulates a web server over TLS 1.2 whose heartbeats (RFC 6520) do what those of OpenSSL
// before 1.0.1g did: they send back as many bytes as the request claims to hold (CVE-2014-0160). The bytes
// behind the request come from a made-up memory, which holds what visitors have sent and a planted secret; no
// memory of the process is ever sent. The package also has the client that asks for them. Both do the
// handshake of RFC 5246 with one cipher suite, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 (RFC 5289).
package heartbleed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
)

// Types of records (RFC 5246, 6.2.1; RFC 6520, 3).
const (
	changeCipherSpec = 20
	alert            = 21
	handshake        = 22
	applicationData  = 23
	heartbeat        = 24
)

// Types of handshake messages (RFC 5246, 7.4).
const (
	clientHello       = 1
	serverHello       = 2
	certificate       = 11
	serverKeyExchange = 12
	serverHelloDone   = 14
	clientKeyExchange = 16
	finished          = 20
)

// Extensions, groups and suites that both sides use.
const (
	serverName          = 0      // RFC 6066
	supportedGroups     = 10     // RFC 8422
	pointFormats        = 11     // RFC 8422
	signatureAlgorithms = 13     // RFC 5246
	heartbeatExtension  = 15     // RFC 6520
	renegotiationInfo   = 0xff01 // RFC 5746
	secp256r1           = 23
	ecdsaSHA256         = 0x0403
	suite               = 0xc02b // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	emptyRenegotiation  = 0x00ff // TLS_EMPTY_RENEGOTIATION_INFO_SCSV
)

const (
	version    = 0x0303  // TLS 1.2
	recordMost = 1 << 14 // bytes of plaintext in a record
	// cipherMost is what encryption may add to a record (RFC 5246, 6.2.3).
	cipherMost = recordMost + 2048
	// messageMost is how long a handshake message may be here, in bytes.
	messageMost = 1 << 16
	// paddingLeast is what follows the payload of a heartbeat (RFC 6520, 4).
	paddingLeast = 16
)

// Types of heartbeat messages.
const (
	heartbeatRequest  = 1
	heartbeatResponse = 2
)

// allowedToSend is the mode of the heartbeat extension in which a peer answers requests.
const allowedToSend = 1

var errAlert = errors.New("the other side sends an alert")

// record is a record as it goes over the wire.
type record struct {
	kind    byte
	version uint16
	payload []byte
}

// records reads records. What has come of one stays when a read ends early, as with a deadline: http.Server
// interrupts a read that waits for the next request.
type records struct {
	r   io.Reader
	raw []byte
}

func (r *records) read() (*record, error) {
	for {
		if len(r.raw) >= 5 {
			length := int(binary.BigEndian.Uint16(r.raw[3:]))
			if length > cipherMost {
				return nil, fmt.Errorf("record of %d bytes: at most %d are allowed", length, cipherMost)
			}
			if end := 5 + length; len(r.raw) >= end {
				rec := &record{kind: r.raw[0], version: binary.BigEndian.Uint16(r.raw[1:]), payload: r.raw[5:end:end]}
				r.raw = r.raw[end:]
				return rec, nil
			}
		}
		b := make([]byte, 4096)
		n, err := r.r.Read(b)
		r.raw = append(r.raw, b[:n]...)
		if err != nil && n == 0 {
			return nil, err
		}
	}
}

// appendRecord appends a record with its header.
func appendRecord(b []byte, kind byte, payload []byte) []byte {
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, version)
	return appendShort(b, payload)
}

// appendMessage appends a handshake message with its header.
func appendMessage(b []byte, kind byte, body []byte) []byte {
	b = append(b, kind, byte(len(body)>>16), byte(len(body)>>8), byte(len(body)))
	return append(b, body...)
}

// appendShort appends bytes behind their length in two bytes.
func appendShort(b, content []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(content))), content...)
}

func appendExtension(b []byte, kind uint16, content []byte) []byte {
	return appendShort(binary.BigEndian.AppendUint16(b, kind), content)
}

// messages takes handshake messages out of records, which may hold several or parts of one.
type messages struct{ pending []byte }

// next gives a whole message with its header, or nil when more records are needed.
func (m *messages) next() ([]byte, error) {
	if len(m.pending) < 4 {
		return nil, nil
	}
	length := 4 + int(m.pending[1])<<16 + int(m.pending[2])<<8 + int(m.pending[3])
	if length > messageMost {
		return nil, fmt.Errorf("handshake message of %d bytes: at most %d are read", length, messageMost)
	}
	if len(m.pending) < length {
		return nil, nil
	}
	message := m.pending[:length:length]
	m.pending = m.pending[length:]
	return message, nil
}

// reader takes fields from bytes. When one is cut off, it gives zero values and remembers.
type reader struct {
	rest []byte
	cut  bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.cut = nil, true
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) number(size int) int {
	n := 0
	for _, b := range r.bytes(size) {
		n = n<<8 | int(b)
	}
	return n
}

// vector gives what stands behind its length of so many bytes.
func (r *reader) vector(size int) []byte { return r.bytes(r.number(size)) }

// extensions reads the list at the end of a hello.
func (r *reader) extensions() map[int][]byte {
	list := map[int][]byte{}
	if len(r.rest) == 0 {
		return list
	}
	e := reader{rest: r.vector(2)}
	for len(e.rest) > 0 {
		kind := e.number(2)
		list[kind] = e.vector(2)
	}
	r.cut = r.cut || e.cut
	return list
}

// writeAll sends payload of one kind in as many records as it takes.
func writeAll(c net.Conn, kind byte, payload []byte) error {
	var b []byte
	for len(payload) > 0 {
		n := min(len(payload), recordMost)
		b = appendRecord(b, kind, payload[:n])
		payload = payload[n:]
	}
	_, err := c.Write(b)
	return err
}
