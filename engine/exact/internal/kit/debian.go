package kit

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"detgen/image"
	"detgen/record"
)

// deb is a downloaded package.
type deb struct {
	Package string
	Version string
	path    string
}

// packages is Debian's archive of the own release, as apt with lists of its own sees it. It needs no privileges and
// installs nothing.
type packages struct {
	dir string   // of the lists and what was downloaded
	env []string // of apt
}

// openPackages fetches the package lists into a new folder.
func openPackages(ctx context.Context, dir string) (*packages, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	env, err := image.Apt(ctx, dir)
	return &packages{dir, env}, err
}

// download fetches packages with apt, which checks their digests against Debian's signed lists.
func (p *packages) download(ctx context.Context, names []string) ([]deb, error) {
	dir := filepath.Join(p.dir, "debs")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := output(ctx, p.env, dir, "apt-get", append([]string{"-qq", "download"}, names...)...); err != nil {
		return nil, fmt.Errorf("download Debian packages: %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, err
	}
	var debs []deb
	for _, path := range paths {
		d := deb{path: path}
		fields, err := output(ctx, os.Environ(), dir, "dpkg-deb", "-f", path, "Package", "Version")
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(fields)) {
			key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			switch key {
			case "Package":
				d.Package = value
			case "Version":
				d.Version = value
			}
		}
		debs = append(debs, d)
	}
	if len(debs) != len(names) {
		return nil, fmt.Errorf("download Debian packages: %d came, %d were asked for", len(debs), len(names))
	}
	return debs, nil
}

// dependency gives the package that a meta-package stands for: the first that it depends on.
func (p *packages) dependency(ctx context.Context, meta string) (string, error) {
	out, err := output(ctx, p.env, "", "apt-cache", "depends", "--important", meta)
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("package %s of Debian %s with its security updates: %w", meta, record.OwnRelease, cmp.Or(err, errors.New("it is not in the package lists")))
}

// files calls use with each file of the package, in the package's order. Reading r is
// optional.
func (d deb) files(ctx context.Context, use func(h *tar.Header, r io.Reader) error) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", d.path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("unpack package %s: %w", d.Package, err)
	}
	useErr := eachFile(pipe, use)
	if useErr == nil {
		_, useErr = io.Copy(io.Discard, pipe) // padding after the archive
	} else {
		pipe.Close()
	}
	waitErr := cmd.Wait()
	if useErr != nil {
		return fmt.Errorf("unpack package %s: %w", d.Package, useErr)
	}
	if waitErr != nil {
		return fmt.Errorf("unpack package %s: %w: %s", d.Package, waitErr, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

func eachFile(r io.Reader, use func(h *tar.Header, r io.Reader) error) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		h.Name = strings.TrimPrefix(h.Name, "./")
		if err := use(h, t); err != nil {
			return err
		}
	}
}

// output runs a program in an environment and a folder and gives its standard output; what it wrote to standard error
// goes into the error.
func output(ctx context.Context, env []string, dir, name string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = dir
	cmd.Env = append(slices.Clone(env), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
