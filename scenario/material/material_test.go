package material

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"detgen/seed"

	xbcrypt "golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/ssh"
)

func source(name string) *rand.ChaCha8 { return seed.Source(1, name) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

func issued(t *testing.T, keyType string) (authority, site *Certificate) {
	t.Helper()
	authority, err := NewAuthority("Lab", "ecdsa", source("authority"))
	if err != nil {
		t.Fatal(err)
	}
	site, err = authority.Issue(CertificateRequest{
		CommonName: "www.example.test", Names: []string{"www.example.test", "10.1.2.3"},
		From: ValidFrom, Until: ValidUntil, KeyType: keyType,
	}, source("site"))
	if err != nil {
		t.Fatal(err)
	}
	return authority, site
}

func TestCertificatesVerify(t *testing.T) {
	for _, keyType := range KeyTypes {
		t.Run(keyType, func(t *testing.T) {
			authority, site := issued(t, keyType)
			roots := x509.NewCertPool()
			roots.AddCert(authority.Certificate)
			for _, name := range []string{"www.example.test", "10.1.2.3"} {
				if _, err := site.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
			if _, err := site.Certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: "other.test"}); err == nil {
				t.Error("verifies for a name that it does not hold")
			}
			key, err := site.KeyPEM()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tls.X509KeyPair([]byte(site.PEM()), []byte(key)); err != nil {
				t.Error(err)
			}
		})
	}
}

// The digests were taken when the package was written. They must never change: runs made
// before would not be made again byte for byte.
func TestSameBytesForever(t *testing.T) {
	authority, site := issued(t, "ecdsa")
	got := map[string]string{"authority": digest(authority.PEM()), "certificate": digest(site.PEM())}
	got["key"] = digest(must(site.KeyPEM())(t))
	for _, keyType := range KeyTypes {
		k := must(NewSSHKey(keyType, "user@host", source("ssh")))(t)
		got["ssh-"+keyType] = digest(must(k.Private())(t) + must(k.Public())(t) + must(k.Dropbear())(t))
	}
	got["bcrypt"] = digest(must(Bcrypt("secret", source("bcrypt")))(t))
	got["shadow"] = digest(ShadowHash("secret", seed.Stream(1, "shadow")))
	got["words"] = digest(Words(seed.Stream(1, "words"), 100))
	want := map[string]string{
		"authority":   "ac591fe25c40ef92",
		"bcrypt":      "c94e36e3bd43158f",
		"certificate": "b41a82827651a497",
		"key":         "b70974bfafbabb8c",
		"shadow":      "cc81aea1761a08ef",
		"ssh-ecdsa":   "ddfba1318f2d6961",
		"ssh-ed25519": "4f690ead9ba8e0ee",
		"ssh-rsa":     "023570e1b82bb8b0",
		"words":       "4390163379f808aa",
	}
	for name, d := range got {
		if want[name] != d {
			t.Errorf("%s: digest %s, want %s", name, d, want[name])
		}
	}
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestSSHKeysAreReadByAnotherImplementation(t *testing.T) {
	for _, keyType := range KeyTypes {
		t.Run(keyType, func(t *testing.T) {
			k := must(NewSSHKey(keyType, "user@host", source("ssh")))(t)
			signer, err := ssh.ParsePrivateKey([]byte(must(k.Private())(t)))
			if err != nil {
				t.Fatal(err)
			}
			line := must(k.Public())(t)
			public, comment, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(public.Marshal(), signer.PublicKey().Marshal()) {
				t.Error("private and public file hold different keys")
			}
			if comment != "user@host" {
				t.Errorf("comment %q", comment)
			}
			if got := must(k.Fingerprint())(t); got != ssh.FingerprintSHA256(public) {
				t.Errorf("fingerprint %s, want %s", got, ssh.FingerprintSHA256(public))
			}
			_, hosts, known, _, _, err := ssh.ParseKnownHosts([]byte("server,10.0.0.1 " + must(k.Blob())(t)))
			if err != nil || len(hosts) != 2 || !bytes.Equal(known.Marshal(), public.Marshal()) {
				t.Errorf("known host: %v %v", hosts, err)
			}
		})
	}
}

// The expected hashes are from "openssl passwd -6 -salt ..." and "openssl passwd -apr1 -salt ...".
func TestPasswordHashes(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"sha512", sha512Crypt("hello world", "abcdefghijklmnop"), "$6$abcdefghijklmnop$dyjnFJu9Pkd1ApapGt4vpRhVPNC0rsMxMKD.u85UP3gYS.PwqhKDfqyjj/vee1iGwy05mxfbOmg4bDg1hwZeh/"},
		{"apr1", apr1("hello world", "abcdefgh"), "$apr1$abcdefgh$CZx3qOBL3IJw7t4yUwt4J."},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestBcryptIsReadByAnotherImplementation(t *testing.T) {
	for _, password := range []string{"", "secret", strings.Repeat("x", 72)} {
		hash := must(Bcrypt(password, source(password)))(t)
		if err := xbcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil {
			t.Errorf("%q: %v", password, err)
		}
		if xbcrypt.CompareHashAndPassword([]byte(hash), []byte(password[:len(password)/2]+"y")) == nil {
			t.Errorf("%q: another password fits", password)
		}
	}
}

func TestSitePagesHaveTheirSizeAndAreReachable(t *testing.T) {
	r := seed.Stream(1, "site")
	site := NewSite([][]int64{{100, 200}, {}, {300}, {}, {}, {}, {}}, r)
	reached := map[int]bool{}
	var visit func(int)
	visit = func(p int) {
		if !reached[p] {
			reached[p] = true
			for _, l := range site.Pages[p].Links {
				visit(l)
			}
		}
	}
	visit(0)
	if len(reached) != 7 {
		t.Errorf("%d of 7 pages can be reached", len(reached))
	}
	if len(site.Objects) != 3 {
		t.Errorf("%d objects, want 3", len(site.Objects))
	}
	for _, size := range []int64{5000, 5001, 12345} {
		if got := len(site.HTML(0, size, r)); int64(got) != size {
			t.Errorf("page of %d bytes, want %d", got, size)
		}
	}
	page := site.HTML(0, 0, r)
	for _, o := range site.Pages[0].Objects {
		if !strings.Contains(page, site.Objects[o].Path) {
			t.Errorf("the page does not show %s", site.Objects[o].Path)
		}
	}
}

func BenchmarkNewRSA(b *testing.B) {
	for i := range b.N {
		if _, err := newRSA(seed.Source(uint64(i), "rsa")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkShadowHash(b *testing.B) {
	r := seed.Stream(1, "shadow")
	for b.Loop() {
		ShadowHash("a password", r)
	}
}
