package heartbleed

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
)

// conn is the server's side of a connection; it is a net.Conn of what the visitor sends and gets.
type conn struct {
	net.Conn
	s *server

	records records
	messages
	transcript   []byte
	peer         *half  // what the client encrypts, from its ChangeCipherSpec on
	plain        []byte // decrypted and not yet read
	heartbeats   bool   // both sides have the extension
	established  bool   // as the reading side knows
	masterSecret []byte
	keys         []byte // client's key, server's key, client's salt, server's salt

	sending sync.Mutex // of own and of what is sent: a reader answers heartbeats while somebody writes
	own     *half      // what this side encrypts, from its ChangeCipherSpec on
}

// half is one direction of the encrypted channel: AES-128-GCM (RFC 5288).
type half struct {
	aead     cipher.AEAD
	salt     []byte
	sequence uint64
}

func newHalf(key, salt []byte) (*half, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &half{aead: aead, salt: salt}, err
}

func (h *half) additional(kind byte, length int) []byte {
	b := binary.BigEndian.AppendUint64(nil, h.sequence)
	b = append(b, kind)
	b = binary.BigEndian.AppendUint16(b, version)
	return binary.BigEndian.AppendUint16(b, uint16(length))
}

func (h *half) seal(kind byte, plain []byte) []byte {
	explicit := binary.BigEndian.AppendUint64(nil, h.sequence)
	nonce := append(append([]byte{}, h.salt...), explicit...)
	sealed := h.aead.Seal(explicit, nonce, plain, h.additional(kind, len(plain)))
	h.sequence++
	return sealed
}

func (h *half) open(kind byte, sealed []byte) ([]byte, error) {
	if len(sealed) < 8+h.aead.Overhead() {
		return nil, errors.New("encrypted record is too short")
	}
	nonce := append(append([]byte{}, h.salt...), sealed[:8]...)
	plain, err := h.aead.Open(nil, nonce, sealed[8:], h.additional(kind, len(sealed)-8-h.aead.Overhead()))
	h.sequence++
	return plain, err
}

// prf is the pseudorandom function of TLS 1.2 with SHA-256 (RFC 5246, 5).
func prf(secret []byte, label string, seed []byte, length int) []byte {
	mac := func(parts ...[]byte) []byte {
		h := hmac.New(sha256.New, secret)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	seed = append([]byte(label), seed...)
	var out []byte
	for a := mac(seed); len(out) < length; a = mac(a) {
		out = append(out, mac(a, seed)...)
	}
	return out[:length]
}

// next reads a record, decrypts it and answers heartbeats; it gives what is neither heartbeat nor alert.
func (c *conn) next() (kind byte, payload []byte, err error) {
	for {
		rec, err := c.records.read()
		if err != nil {
			return 0, nil, err
		}
		payload := rec.payload
		if c.peer != nil {
			if payload, err = c.peer.open(rec.kind, payload); err != nil {
				return 0, nil, err
			}
		}
		switch rec.kind {
		case heartbeat:
			if !c.heartbeats {
				return 0, nil, errors.New("heartbeat without the extension")
			}
			if answer := c.s.memory.answer(payload, c.s.patched); answer != nil {
				c.s.note("heartbeat answered")
				if err := c.send(heartbeat, answer); err != nil {
					return 0, nil, err
				}
			} else {
				c.s.note("heartbeat discarded")
			}
		case alert:
			return 0, nil, errAlert
		default:
			return rec.kind, payload, nil
		}
	}
}

// send sends payload, encrypted when the handshake has come so far.
func (c *conn) send(kind byte, payload []byte) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if c.own == nil {
		return writeAll(c.Conn, kind, payload)
	}
	var b []byte
	for len(payload) > 0 {
		n := min(len(payload), recordMost)
		b = appendRecord(b, kind, c.own.seal(kind, payload[:n]))
		payload = payload[n:]
	}
	_, err := c.Conn.Write(b)
	return err
}

// fail sends a fatal alert (RFC 5246, 7.2).
func (c *conn) fail(description byte, err error) error {
	return errors.Join(err, writeAll(c.Conn, alert, []byte{2, description}))
}

const (
	handshakeFailure = 40
	protocolVersion  = 70
)

// message reads the handshake message that must come now, and gives its body.
func (c *conn) message(kind byte) ([]byte, error) {
	for {
		m, err := c.messages.next()
		if err != nil {
			return nil, err
		}
		if m != nil {
			if m[0] != kind {
				return nil, fmt.Errorf("handshake message of type %d instead of %d", m[0], kind)
			}
			c.transcript = append(c.transcript, m...)
			return m[4:], nil
		}
		got, payload, err := c.next()
		if err != nil {
			return nil, err
		}
		if got != handshake {
			return nil, fmt.Errorf("record of type %d instead of a handshake", got)
		}
		c.pending = append(c.pending, payload...)
	}
}

// handshake does the whole handshake (RFC 5246, 7.3).
func (c *conn) handshake() error {
	hello, err := c.message(clientHello)
	if err != nil {
		return err
	}
	r := reader{rest: hello}
	offered, clientRandom := r.number(2), r.bytes(32)
	r.vector(1) // session
	suites := reader{rest: r.vector(2)}
	r.vector(1) // compression
	extensions := r.extensions()
	if r.cut {
		return errors.New("hello is cut off")
	}
	if offered < version {
		return c.fail(protocolVersion, fmt.Errorf("the client offers version %#04x at most", offered))
	}
	common := false
	for len(suites.rest) > 0 {
		common = suites.number(2) == suite || common
	}
	if !common {
		return c.fail(handshakeFailure, errors.New("the client does not offer the suite"))
	}
	_, wants := extensions[heartbeatExtension]
	c.heartbeats = wants && c.s.heartbeats

	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	serverRandom := make([]byte, 32)
	rand.Read(serverRandom)
	if err := c.sendHello(clientRandom, serverRandom, private.PublicKey().Bytes()); err != nil {
		return err
	}
	key, err := c.message(clientKeyExchange)
	if err != nil {
		return err
	}
	public, err := ecdh.P256().NewPublicKey((&reader{rest: key}).vector(1))
	if err != nil {
		return err
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return err
	}
	c.masterSecret = prf(shared, "master secret", append(append([]byte{}, clientRandom...), serverRandom...), 48)
	c.keys = prf(c.masterSecret, "key expansion", append(append([]byte{}, serverRandom...), clientRandom...), 40)
	return c.finish()
}

// sendHello sends ServerHello, Certificate, ServerKeyExchange and ServerHelloDone, each in a record.
func (c *conn) sendHello(clientRandom, serverRandom, public []byte) error {
	var extensions []byte
	extensions = appendExtension(extensions, renegotiationInfo, []byte{0})
	extensions = appendExtension(extensions, pointFormats, []byte{1, 0})
	if c.heartbeats {
		extensions = appendExtension(extensions, heartbeatExtension, []byte{allowedToSend})
	}
	hello := binary.BigEndian.AppendUint16(nil, version)
	hello = append(append(hello, serverRandom...), 0) // no session
	hello = binary.BigEndian.AppendUint16(hello, suite)
	hello = appendShort(append(hello, 0), extensions)

	var chain []byte
	for _, der := range c.s.certificate.Certificate {
		chain = append(chain, byte(len(der)>>16), byte(len(der)>>8), byte(len(der)))
		chain = append(chain, der...)
	}
	chain = append([]byte{byte(len(chain) >> 16), byte(len(chain) >> 8), byte(len(chain))}, chain...)

	exchange := []byte{3, 0, secp256r1, byte(len(public))} // a named curve (RFC 8422, 5.4)
	exchange = append(exchange, public...)
	signed := append(append(append([]byte{}, clientRandom...), serverRandom...), exchange...)
	digest := sha256.Sum256(signed)
	signature, err := c.s.certificate.PrivateKey.(crypto.Signer).Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	exchange = appendShort(binary.BigEndian.AppendUint16(exchange, ecdsaSHA256), signature)

	var b []byte
	for _, m := range [][]byte{
		appendMessage(nil, serverHello, hello),
		appendMessage(nil, certificate, chain),
		appendMessage(nil, serverKeyExchange, exchange),
		appendMessage(nil, serverHelloDone, nil),
	} {
		c.transcript = append(c.transcript, m...)
		b = appendRecord(b, handshake, m)
	}
	_, err = c.Conn.Write(b)
	return err
}

// finish exchanges ChangeCipherSpec and Finished.
func (c *conn) finish() error {
	kind, _, err := c.next()
	if err != nil {
		return err
	}
	if kind != changeCipherSpec {
		return fmt.Errorf("record of type %d instead of ChangeCipherSpec", kind)
	}
	if c.peer, err = newHalf(c.keys[:16], c.keys[32:36]); err != nil {
		return err
	}
	want := c.verify("client finished")
	got, err := c.message(finished)
	if err != nil {
		return err
	}
	if !hmac.Equal(got, want) {
		return errors.New("the client's Finished does not fit")
	}
	if err := writeAll(c.Conn, changeCipherSpec, []byte{1}); err != nil {
		return err
	}
	own, err := newHalf(c.keys[16:32], c.keys[36:40])
	if err != nil {
		return err
	}
	c.sending.Lock()
	c.own = own
	c.sending.Unlock()
	if err := c.send(handshake, appendMessage(nil, finished, c.verify("server finished"))); err != nil {
		return err
	}
	c.established = true
	return nil
}

// verify gives the content of a Finished message for the transcript so far.
func (c *conn) verify(label string) []byte {
	digest := sha256.Sum256(c.transcript)
	return prf(c.masterSecret, label, digest[:], 12)
}

// Read gives what the visitor has sent. The first call does the handshake.
func (c *conn) Read(b []byte) (int, error) {
	if !c.established {
		if err := c.handshake(); err != nil {
			return 0, err
		}
	}
	for len(c.plain) == 0 {
		kind, payload, err := c.next()
		if err != nil {
			return 0, err
		}
		if kind != applicationData {
			return 0, fmt.Errorf("record of type %d among application data", kind)
		}
		c.s.memory.remember(payload)
		c.plain = payload
	}
	n := copy(b, c.plain)
	c.plain = c.plain[n:]
	return n, nil
}

func (c *conn) Write(b []byte) (int, error) {
	if err := c.send(applicationData, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *conn) Close() error {
	c.sending.Lock()
	encrypted := c.own != nil
	c.sending.Unlock()
	if encrypted {
		c.send(alert, []byte{1, 0}) // close_notify; the connection may be gone
	}
	return c.Conn.Close()
}

// certificateOf reads a chain and its key, which must be an ECDSA key.
func certificateOf(chain, key string) (tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(chain, key)
	if err != nil {
		return pair, err
	}
	if pair.Leaf.PublicKeyAlgorithm.String() != "ECDSA" {
		return pair, fmt.Errorf("%s: key is %s: want ECDSA", chain, pair.Leaf.PublicKeyAlgorithm)
	}
	return pair, nil
}
