package resolve

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"detgen/internal/problem"
	"detgen/scenario/format"
	"detgen/scenario/material"
	"detgen/seed"
)

// keyType fills in the type of a key.
func (sc *scope) keyType(t format.Text, field, normal string) (string, error) {
	s, err := sc.text(t, field)
	if err != nil {
		return "", err
	}
	s = cmp.Or(s, normal)
	if !slices.Contains(material.KeyTypes, s) {
		return "", &problem.Problem{At: t.At, Field: field, Value: s, Message: "must be one of " + strings.Join(material.KeyTypes, ", ")}
	}
	return s, nil
}

func (sc *scope) makeAuthority(a *format.Authority, name, field string) (map[string]any, error) {
	keyType, err := sc.keyType(a.Key, field+".key", "ecdsa")
	if err != nil {
		return nil, err
	}
	commonName, err := sc.text(a.Name, field+".name")
	if err != nil {
		return nil, err
	}
	made, err := material.NewAuthority(cmp.Or(commonName, "Lab CA"), keyType, seed.Source(sc.seed, sc.stream("make."+name)))
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

func (sc *scope) makeCertificate(c *format.Certificate, name, field string) (map[string]any, error) {
	keyType, err := sc.keyType(c.Key, field+".key", "ecdsa")
	if err != nil {
		return nil, err
	}
	if m := sc.scenario.Make[c.Authority.Text]; m == nil || m.Authority == nil {
		return nil, &problem.Problem{At: c.Authority.At, Field: field + ".authority", Value: c.Authority.Text, Message: "no authority of that name is made"}
	}
	authority, err := sc.made.part(c.Authority.Text, authorityPart)
	if err != nil {
		return nil, err
	}
	request := material.CertificateRequest{KeyType: keyType, Client: c.Client}
	for i := range c.Names {
		n, err := sc.text(c.Names[i], field+".names")
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
	if request.From, err = sc.day(c.From, field+".from", material.ValidFrom); err != nil {
		return nil, err
	}
	if request.Until, err = sc.day(c.Until, field+".until", material.ValidUntil); err != nil {
		return nil, err
	}
	signer := authority.(*material.Certificate)
	made, err := signer.Issue(request, seed.Source(sc.seed, sc.stream("make."+name)))
	if err != nil {
		return nil, err
	}
	return certificateParts(made, signer)
}

// day fills in a day.
func (sc *scope) day(t format.Text, field string, normal time.Time) (time.Time, error) {
	s, err := sc.text(t, field)
	if err != nil || s == "" {
		return normal, err
	}
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return normal, &problem.Problem{At: t.At, Field: field, Value: s, Message: "must be a day like 2020-12-31"}
	}
	return day, nil
}

func (sc *scope) makeSSHKey(k *format.SSHKey, name, field string) (map[string]any, error) {
	keyType, err := sc.keyType(k.Type, field+".type", "ed25519")
	if err != nil {
		return nil, err
	}
	comment, err := sc.text(k.Comment, field+".comment")
	if err != nil {
		return nil, err
	}
	key, err := material.NewSSHKey(keyType, cmp.Or(comment, name), seed.Source(sc.seed, sc.stream("make."+name)))
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

func (sc *scope) makeZoneKey(k *format.ZoneKey, name, field string) (map[string]any, error) {
	zone, err := sc.text(k.Zone, field+".zone")
	if err != nil {
		return nil, err
	}
	key, err := material.NewZoneKey(zone, seed.Source(sc.seed, sc.stream("make."+name)))
	if err != nil {
		return nil, &problem.Problem{At: k.Zone.At, Field: field + ".zone", Value: zone, Message: err.Error()}
	}
	return map[string]any{
		"private": key.Private(), "public": key.Public(), "file": key.File(), "ds": key.DS(), "tag": int64(key.Tag()), "digest": key.Digest(),
	}, nil
}
