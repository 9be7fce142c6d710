package resolve

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/scenario/format"
	"detgen/scenario/material"
	"detgen/seed"
)

// functions are the functions of templates that need the run.
func (sc *scope) functions() format.Functions {
	return format.Functions{
		Made: sc.made.part, Host: sc.hostView, Hosts: sc.groupViews, SHA256: sc.fileDigest, Size: sc.fileSize,
		// Salts have streams named after the user or password, so that one more user changes no
		// other's line.
		HTPasswd: func(user, password string) string {
			return user + ":" + material.HTPasswd(password, seed.Stream(sc.seed, "htpasswd."+user))
		},
		Bcrypt: func(password string) (string, error) {
			return material.Bcrypt(password, seed.Source(sc.seed, "bcrypt."+password))
		},
		Shadow: func(password string) string {
			return material.ShadowHash(password, seed.Stream(sc.seed, "shadow."+password))
		},
	}
}

// hostView gives one host as templates see it.
func (sc *scope) hostView(name string) (map[string]any, error) {
	p, err := sc.partCalled(name)
	if err != nil {
		return nil, err
	}
	return p.view(), nil
}

// partCalled gives the part with a name: the scenario's for it, else that of its host.
func (sc *scope) partCalled(name string) (*part, error) {
	for _, called := range []func(*part) string{func(p *part) string { return p.name }, func(p *part) string { return p.Name }} {
		for _, p := range sc.parts {
			if called(p) == name {
				return p, nil
			}
		}
	}
	return nil, fmt.Errorf("no host %q in this task: %s", name, problem.Nearest(name, sc.partNames()))
}

// groupViews gives the hosts of a group.
func (sc *scope) groupViews(group string) ([]map[string]any, error) {
	var views []map[string]any
	for _, p := range sc.parts {
		if p.group == group {
			views = append(views, p.view())
		}
	}
	if views == nil && sc.scenario.Hosts[group] == nil {
		return nil, fmt.Errorf("no host %q: %s", group, problem.Nearest(group, strictyaml.InOrder(sc.scenario.Hosts)))
	}
	return views, nil
}

// content gives the content of a file of a host that has been rendered already.
func (sc *scope) content(host, path string) (io.Reader, error) {
	m, err := sc.partCalled(host)
	if err != nil {
		return nil, err
	}
	for _, f := range m.Files {
		if f.Path != path {
			continue
		}
		switch {
		case f.Generate != nil:
			return f.Generate.Content()
		case f.Base64 != "":
			return base64.NewDecoder(base64.StdEncoding, strings.NewReader(f.Base64)), nil
		}
		return strings.NewReader(f.Text), nil
	}
	return nil, fmt.Errorf("host %q has no file %s (yet: hosts and their files are made in the order of the scenario's file)", host, path)
}

// fileDigest gives the SHA-256 of a file, in hexadecimal.
func (sc *scope) fileDigest(host, path string) (string, error) {
	content, err := sc.content(host, path)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fileSize gives the size of a file in bytes.
func (sc *scope) fileSize(host, path string) (int64, error) {
	m, err := sc.partCalled(host)
	if err != nil {
		return 0, err
	}
	for _, f := range m.Files {
		if f.Path == path && f.Generate != nil {
			return f.Generate.Size, nil
		}
	}
	content, err := sc.content(host, path)
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, content)
}
