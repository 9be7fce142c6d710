package kit

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// deb is a downloaded package.
type deb struct {
	Package string
	Version string
	path    string
}

// download fetches packages into dir with apt, which checks their digests against Debian's
// signed lists. It needs no privileges and installs nothing.
func download(ctx context.Context, dir string, names []string) ([]deb, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, err
	}
	if _, err := output(ctx, dir, "apt-get", append([]string{"-qq", "download"}, names...)...); err != nil {
		return nil, fmt.Errorf("download Debian packages (are the package lists there? \"apt-get update\" gets them): %w", err)
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil {
		return nil, err
	}
	var debs []deb
	for _, path := range paths {
		d := deb{path: path}
		fields, err := output(ctx, dir, "dpkg-deb", "-f", path, "Package", "Version")
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
func dependency(ctx context.Context, meta string) (string, error) {
	out, err := output(ctx, "", "apt-cache", "depends", "--important", meta)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "Depends: "); ok {
			return name, nil
		}
	}
	return "", fmt.Errorf("the Debian package %s is not in the package lists (\"apt-get update\" gets them; Debian 12 with its security updates has it)", meta)
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

// output runs a program and gives its standard output; what it wrote to standard error goes
// into the error.
func output(ctx context.Context, dir, name string, arguments ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, arguments...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", name, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
