package material

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"testing"
)

// The key, its tag and its digest are those of RFC 6605, section 6.1.
func TestZoneKey(t *testing.T) {
	const private = "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="
	scalar, err := base64.StdEncoding.DecodeString(private)
	if err != nil {
		t.Fatal(err)
	}
	k := must(newZoneKey("example.net", must(ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar))(t)))(t)
	for _, c := range []struct{ what, got, want string }{
		{"public", k.Public(), "example.net. IN DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==\n"},
		{"ds", k.DS(), "example.net. IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17\n"},
		{"private", k.Private(), "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: " + private + "\n"},
		{"file", k.File(), "Kexample.net.+013+55648"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.what, c.got, c.want)
		}
	}
	if root := must(NewZoneKey(".", source("root")))(t).File(); root[:3] != "K.+" {
		t.Errorf("file of the root's key: %s", root)
	}
	if _, err := NewZoneKey("a..test", source("zone")); err == nil {
		t.Error("a..test is taken for a zone")
	}
}
