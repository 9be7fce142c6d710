package scenario

import (
	"cmp"
	"slices"
	"strings"
	"text/template"
	"time"

	"detgen/scenario/material"
	"detgen/seed"
)

// Authority is a certificate authority. Part: cert (PEM).
type Authority struct {
	// Common name; a template. Without this field "Lab CA".
	Name Text `yaml:"name"`
	// ecdsa (P-256, the default), rsa or ed25519.
	Key Text `yaml:"key"`

	At Position `yaml:"-"`
}

// Certificate is a certificate for servers, or clients, valid from 2020 to 2049 unless it says
// otherwise. Parts: cert, key (PEM), chain (cert and the authority's), fingerprint (SHA-256),
// device_id (Syncthing's form of it).
type Certificate struct {
	// The made authority that signs it.
	Authority Text `yaml:"authority" jsonschema:"required"`
	// DNS names and addresses that it holds, the first also as common name; templates.
	Names []Text `yaml:"names" jsonschema:"required"`
	// ecdsa (P-256, the default), rsa or ed25519.
	Key Text `yaml:"key"`
	// First day: 2020-01-01.
	From Text `yaml:"from"`
	// Last day: 2049-12-31; one before 2020 makes a certificate that has expired.
	Until Text `yaml:"until"`
	// For clients that identify themselves.
	Client bool `yaml:"client"`

	At Position `yaml:"-"`
}

// SSHKey is a key pair. Parts: private (OpenSSH's form), public (a line of authorized_keys),
// blob (algorithm and key, for known_hosts), fingerprint (SHA256:...), dropbear (its own form,
// in base64).
type SSHKey struct {
	// ed25519 (the default), ecdsa (P-256) or rsa (2048 bits).
	Type Text `yaml:"type"`
	// Comment of the public key; a template.
	Comment Text `yaml:"comment"`

	At Position `yaml:"-"`
}

// ZoneKey is the key that signs a DNS zone (ECDSA P-256, algorithm 13). Parts: private and public
// (the files of BIND's dnssec-signzone; public is also the DNSKEY record), file (the name of those
// files without .private and .key), ds (the record of the zone above), tag, digest (of the ds).
type ZoneKey struct {
	// Name of the zone: "." or like example.test; a template.
	Zone Text `yaml:"zone" jsonschema:"required"`

	At Position `yaml:"-"`
}

// keyType fills in the type of a key.
func (r *resolver) keyType(t Text, field, normal string) (string, error) {
	s, err := r.text(t, field)
	if err != nil {
		return "", err
	}
	s = cmp.Or(s, normal)
	if !slices.Contains(material.KeyTypes, s) {
		return "", &Problem{At: t.At, Field: field, Value: s, Message: "must be one of " + strings.Join(material.KeyTypes, ", ")}
	}
	return s, nil
}

func (a *Authority) make(r *resolver, name, field string) (map[string]any, error) {
	keyType, err := r.keyType(a.Key, field+".key", "ecdsa")
	if err != nil {
		return nil, err
	}
	commonName, err := r.text(a.Name, field+".name")
	if err != nil {
		return nil, err
	}
	made, err := material.NewAuthority(cmp.Or(commonName, "Lab CA"), keyType, seed.Source(r.seed, r.stream("make."+name)))
	if err != nil {
		return nil, err
	}
	return certificateParts(made, made)
}

// authorityPart keeps an authority itself among its parts, for those it signs. Templates cannot
// name it.
const authorityPart = " authority"

func certificateParts(made, authority *material.Certificate) (map[string]any, error) {
	key, err := made.KeyPEM()
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"cert": made.PEM(), "key": key, "chain": made.PEM() + authority.PEM(), "fingerprint": made.Fingerprint(),
		"device_id": made.DeviceID(), authorityPart: made,
	}, nil
}

func (c *Certificate) make(r *resolver, name, field string) (map[string]any, error) {
	keyType, err := r.keyType(c.Key, field+".key", "ecdsa")
	if err != nil {
		return nil, err
	}
	if m := r.scenario.Make[c.Authority.Text]; m == nil || m.Authority == nil {
		return nil, &Problem{At: c.Authority.At, Field: field + ".authority", Value: c.Authority.Text, Message: "no authority of that name is made"}
	}
	authority, err := r.makeThing(c.Authority.Text, authorityPart)
	if err != nil {
		return nil, err
	}
	request := material.CertificateRequest{KeyType: keyType, Client: c.Client}
	for i := range c.Names {
		n, err := r.text(c.Names[i], field+".names")
		if err != nil {
			return nil, err
		}
		if n != "" {
			request.Names = append(request.Names, n)
		}
	}
	if len(request.Names) > 0 {
		request.CommonName = request.Names[0]
	}
	if request.From, err = r.day(c.From, field+".from", material.ValidFrom); err != nil {
		return nil, err
	}
	if request.Until, err = r.day(c.Until, field+".until", material.ValidUntil); err != nil {
		return nil, err
	}
	signer := authority.(*material.Certificate)
	made, err := signer.Issue(request, seed.Source(r.seed, r.stream("make."+name)))
	if err != nil {
		return nil, err
	}
	return certificateParts(made, signer)
}

// day fills in a day.
func (r *resolver) day(t Text, field string, normal time.Time) (time.Time, error) {
	s, err := r.text(t, field)
	if err != nil || s == "" {
		return normal, err
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return normal, &Problem{At: t.At, Field: field, Value: s, Message: "must be a day like 2020-12-31"}
	}
	return day, nil
}

func (k *SSHKey) make(r *resolver, name, field string) (map[string]any, error) {
	keyType, err := r.keyType(k.Type, field+".type", "ed25519")
	if err != nil {
		return nil, err
	}
	comment, err := r.text(k.Comment, field+".comment")
	if err != nil {
		return nil, err
	}
	key, err := material.NewSSHKey(keyType, cmp.Or(comment, name), seed.Source(r.seed, r.stream("make."+name)))
	if err != nil {
		return nil, err
	}
	parts := map[string]any{}
	for part, write := range map[string]func() (string, error){
		"private": key.Private, "public": key.Public, "fingerprint": key.Fingerprint, "dropbear": key.Dropbear, "blob": key.Blob,
	} {
		text, err := write()
		if err != nil {
			return nil, err
		}
		parts[part] = text
	}
	return parts, nil
}

func (k *ZoneKey) make(r *resolver, name, field string) (map[string]any, error) {
	zone, err := r.text(k.Zone, field+".zone")
	if err != nil {
		return nil, err
	}
	key, err := material.NewZoneKey(zone, seed.Source(r.seed, r.stream("make."+name)))
	if err != nil {
		return nil, &Problem{At: k.Zone.At, Field: field + ".zone", Value: zone, Message: err.Error()}
	}
	return map[string]any{
		"private": key.Private(), "public": key.Public(), "file": key.File(), "ds": key.DS(), "tag": int64(key.Tag()), "digest": key.Digest(),
	}, nil
}

// passwordFuncs are the functions of templates that hash passwords. Their salts have streams
// named after the user or password, so that one more user changes no other's line.
func (r *resolver) passwordFuncs() template.FuncMap {
	return template.FuncMap{
		"htpasswd": func(user, password string) string {
			return user + ":" + material.HTPasswd(password, seed.Stream(r.seed, "htpasswd."+user))
		},
		"bcrypt": func(password string) (string, error) {
			return material.Bcrypt(password, seed.Source(r.seed, "bcrypt."+password))
		},
		"shadow": func(password string) string {
			return material.ShadowHash(password, seed.Stream(r.seed, "shadow."+password))
		},
	}
}
