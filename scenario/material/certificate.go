package material

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Validity of certificates when nothing else is asked for: right on any clock that a lab has.
var (
	ValidFrom  = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	ValidUntil = time.Date(2049, 12, 31, 23, 59, 59, 0, time.UTC)
)

// Certificate is a certificate with its private key.
type Certificate struct {
	Certificate *x509.Certificate
	Key         crypto.Signer
}

// CertificateRequest is what a certificate is to hold.
type CertificateRequest struct {
	CommonName string
	Names      []string // DNS names and IP addresses
	From       time.Time
	Until      time.Time
	KeyType    string // "ecdsa", "rsa", "ed25519"
	Client     bool   // for clients that identify themselves, instead of servers
}

// NewAuthority makes a self-signed certificate authority.
func NewAuthority(name, keyType string, source *rand.ChaCha8) (*Certificate, error) {
	key, err := NewKey(keyType, source)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial(source),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             ValidFrom,
		NotAfter:              ValidUntil,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	return sign(template, template, key, key)
}

// Issue makes a certificate signed by the authority.
func (c *Certificate) Issue(request CertificateRequest, source *rand.ChaCha8) (*Certificate, error) {
	key, err := NewKey(request.KeyType, source)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(source),
		Subject:      pkix.Name{CommonName: request.CommonName},
		NotBefore:    request.From,
		NotAfter:     request.Until,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if request.KeyType == "rsa" {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	if request.Client {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	for _, name := range request.Names {
		if ip, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return sign(template, c.Certificate, key, c.Key)
}

func sign(template, parent *x509.Certificate, key, parentKey crypto.Signer) (*Certificate, error) {
	der, err := x509.CreateCertificate(nil, template, parent, key.Public(), unsalted{parentKey})
	if err != nil {
		return nil, fmt.Errorf("certificate %q: %w", template.Subject.CommonName, err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("certificate %q: %w", template.Subject.CommonName, err)
	}
	return &Certificate{Certificate: parsed, Key: key}, nil
}

// unsalted signs without randomness: ECDSA by RFC 6979; the others have none anyway.
type unsalted struct{ crypto.Signer }

func (u unsalted) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return u.Signer.Sign(nil, digest, opts)
}

// serial draws a positive serial number of 16 bytes.
func serial(source *rand.ChaCha8) *big.Int {
	bytes := make([]byte, 16)
	_, _ = source.Read(bytes)
	bytes[0] = bytes[0]&0x7f | 0x40
	return new(big.Int).SetBytes(bytes)
}

// PEM is the certificate in PEM.
func (c *Certificate) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate.Raw}))
}

// KeyPEM is the private key in PEM (PKCS #8).
func (c *Certificate) KeyPEM() (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// Fingerprint is the SHA-256 of the certificate, in hexadecimal.
func (c *Certificate) Fingerprint() string {
	sum := sha256.Sum256(c.Certificate.Raw)
	return hex.EncodeToString(sum[:])
}
