package scenario

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"strings"
	"text/template"
)

// funcs are the functions of templates that need the run.
func (r *resolver) funcs() template.FuncMap {
	if r.functions != nil {
		return r.functions
	}
	all := template.FuncMap{
		"made":   r.makeThing,
		"host":   r.hostView,
		"hosts":  r.groupViews,
		"sha256": r.fileDigest,
		"size":   r.fileSize,
	}
	maps.Copy(all, r.passwordFuncs())
	r.functions = all
	return all
}

// hostView gives one host as templates see it.
func (r *resolver) hostView(name string) (map[string]any, error) {
	p, err := r.partCalled(name)
	if err != nil {
		return nil, err
	}
	return p.view(), nil
}

func (r *resolver) partCalled(name string) (*part, error) {
	for _, p := range r.parts {
		if p.part == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no host %q in this task: %s", name, nearest(name, r.partNames()))
}

// groupViews gives the hosts of a group.
func (r *resolver) groupViews(group string) ([]map[string]any, error) {
	var views []map[string]any
	for _, p := range r.parts {
		if p.group == group {
			views = append(views, p.view())
		}
	}
	if views == nil && r.scenario.Hosts[group] == nil {
		return nil, fmt.Errorf("no host %q: %s", group, nearest(group, inOrder(r.scenario.Hosts)))
	}
	return views, nil
}

// content gives the content of a file of a machine that has been rendered already.
func (r *resolver) content(host, path string) (io.Reader, error) {
	m, err := r.partCalled(host)
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
func (r *resolver) fileDigest(host, path string) (string, error) {
	content, err := r.content(host, path)
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
func (r *resolver) fileSize(host, path string) (int64, error) {
	m, err := r.partCalled(host)
	if err != nil {
		return 0, err
	}
	for _, f := range m.Files {
		if f.Path == path && f.Generate != nil {
			return f.Generate.Size, nil
		}
	}
	content, err := r.content(host, path)
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, content)
}
