package material

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"math/rand/v2"
)

// SSHKey is a key pair for SSH.
type SSHKey struct {
	Key     crypto.Signer
	Comment string
	check   uint32 // the number by which a reader of the private file sees that it decrypted rightly
}

// NewSSHKey makes a key pair of a type of KeyTypes.
func NewSSHKey(keyType, comment string, source *rand.ChaCha8) (*SSHKey, error) {
	key, err := NewKey(keyType, source)
	if err != nil {
		return nil, err
	}
	return &SSHKey{Key: key, Comment: comment, check: uint32(source.Uint64())}, nil
}

// wire collects values as SSH writes them (RFC 4251, section 5).
type wire []byte

func (w *wire) string(s []byte) {
	*w = binary.BigEndian.AppendUint32(*w, uint32(len(s)))
	*w = append(*w, s...)
}

func (w *wire) integer(n *big.Int) {
	b := n.Bytes()
	if len(b) > 0 && b[0]&0x80 != 0 {
		b = append([]byte{0}, b...)
	}
	w.string(b)
}

const curveName = "nistp256"

// Algorithm is the key's name in SSH: "ssh-ed25519".
func (k *SSHKey) Algorithm() string {
	switch k.Key.(type) {
	case ed25519.PrivateKey:
		return "ssh-ed25519"
	case *ecdsa.PrivateKey:
		return "ecdsa-sha2-" + curveName
	}
	return "ssh-rsa"
}

// blob is the public key on the wire (RFC 8709, 5656, 4253).
func (k *SSHKey) blob() ([]byte, error) {
	var w wire
	w.string([]byte(k.Algorithm()))
	switch key := k.Key.(type) {
	case ed25519.PrivateKey:
		w.string(key.Public().(ed25519.PublicKey))
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, err
		}
		w.string([]byte(curveName))
		w.string(point)
	case *rsa.PrivateKey:
		w.integer(big.NewInt(int64(key.E)))
		w.integer(key.N)
	default:
		return nil, fmt.Errorf("no SSH form of this key")
	}
	return w, nil
}

// Public is the line of an authorized_keys file, without a line end.
func (k *SSHKey) Public() (string, error) {
	blob, err := k.Blob()
	return blob + " " + k.Comment, err
}

// Blob is algorithm and public key, as they stand behind the host's names in a known_hosts file.
func (k *SSHKey) Blob() (string, error) {
	blob, err := k.blob()
	return k.Algorithm() + " " + base64.StdEncoding.EncodeToString(blob), err
}

// Fingerprint is the SHA-256 of the public key as ssh-keygen writes it.
func (k *SSHKey) Fingerprint() (string, error) {
	blob, err := k.blob()
	sum := sha256.Sum256(blob)
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(sum[:]), err
}

// privateFields appends what a private key file holds behind the algorithm's name.
func (k *SSHKey) privateFields(w *wire) error {
	switch key := k.Key.(type) {
	case ed25519.PrivateKey:
		w.string(key.Public().(ed25519.PublicKey))
		w.string(key)
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes()
		if err != nil {
			return err
		}
		scalar, err := key.Bytes()
		if err != nil {
			return err
		}
		w.string([]byte(curveName))
		w.string(point)
		w.integer(new(big.Int).SetBytes(scalar))
	case *rsa.PrivateKey:
		p, q := key.Primes[0], key.Primes[1]
		for _, n := range []*big.Int{key.N, big.NewInt(int64(key.E)), key.D, new(big.Int).ModInverse(q, p), p, q} {
			w.integer(n)
		}
	}
	return nil
}

// Private is the private key as OpenSSH keeps it, not encrypted (OpenSSH, PROTOCOL.key).
func (k *SSHKey) Private() (string, error) {
	blob, err := k.blob()
	if err != nil {
		return "", err
	}
	var secret wire
	secret = binary.BigEndian.AppendUint32(secret, k.check)
	secret = binary.BigEndian.AppendUint32(secret, k.check)
	secret.string([]byte(k.Algorithm()))
	if err := k.privateFields(&secret); err != nil {
		return "", err
	}
	secret.string([]byte(k.Comment))
	for i := byte(1); len(secret)%8 != 0; i++ {
		secret = append(secret, i)
	}
	w := wire("openssh-key-v1\x00")
	w.string([]byte("none")) // cipher
	w.string([]byte("none")) // key derivation
	w.string(nil)            // its options
	w = binary.BigEndian.AppendUint32(w, 1)
	w.string(blob)
	w.string(secret)
	return string(pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: w})), nil
}

// Dropbear is the private key as Dropbear keeps it, in base64 because it is binary (Dropbear,
// buf_put_priv_key in signkey.c and the files of the algorithms).
func (k *SSHKey) Dropbear() (string, error) {
	var w wire
	switch key := k.Key.(type) {
	case ed25519.PrivateKey:
		w.string([]byte(k.Algorithm()))
		w.string(key) // seed and public key, as Go keeps them
	case *ecdsa.PrivateKey:
		blob, err := k.blob()
		if err != nil {
			return "", err
		}
		scalar, err := key.Bytes()
		if err != nil {
			return "", err
		}
		w = blob
		w.integer(new(big.Int).SetBytes(scalar))
	case *rsa.PrivateKey:
		w.string([]byte(k.Algorithm()))
		for _, n := range []*big.Int{big.NewInt(int64(key.E)), key.N, key.D, key.Primes[0], key.Primes[1]} {
			w.integer(n)
		}
	default:
		return "", fmt.Errorf("no Dropbear form of this key")
	}
	return base64.StdEncoding.EncodeToString(w), nil
}
