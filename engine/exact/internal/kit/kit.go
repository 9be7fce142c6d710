// Package kit fetches and prepares what the guest of engine/exact boots from: Debian's cloud
// kernel, its modules and crun, as they are in Debian's packages, taken apart and not
// installed. A kit is made once, kept in the cache, and named by the digest of its content.
package kit

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"detgen/engine/exact/internal/cache"
)

// KernelPackage is the meta-package of the guest's kernel. Linux 6.12 is the first in Debian
// 12 whose NetEm takes a seed (since 6.6).
const KernelPackage = "linux-image-6.12-cloud-amd64"

// Kit is a prepared kit in the cache.
type Kit struct {
	Manifest
	dir string
}

// Manifest lists what a kit is made of.
type Manifest struct {
	Release  string            `json:"release"`  // of the kernel, as uname -r says it
	Packages map[string]string `json:"packages"` // name -> version
	Modules  []string          `json:"modules"`  // in the order of loading
	Kernel   string            `json:"kernel"`   // SHA-256 of vmlinux
	Base     string            `json:"base"`     // SHA-256 of base.cpio
}

// Kernel is the path of the kernel, an uncompressed ELF file.
func (k *Kit) Kernel() string { return filepath.Join(k.dir, "vmlinux") }

// Base is the path of the cpio archive with everything of the first root file system but
// /init.
func (k *Kit) Base() string { return filepath.Join(k.dir, "base.cpio") }

// Programs are the commands of the host that making a kit needs, with their Debian packages.
var Programs = map[string]string{"apt-get": "apt", "apt-cache": "apt", "dpkg-deb": "dpkg", "xz": "xz-utils"}

// Open gives the kit in the cache directory, and makes it when it is not there or is not as it
// was made. Several processes may do so at once.
func Open(ctx context.Context, dir string, log *slog.Logger) (*Kit, error) {
	target := folder(dir)
	k, err := loadWhole(target)
	if err == nil {
		return k, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the guest's kernel is fetched anew", "reason", err)
	}
	good := func() bool {
		_, err := loadWhole(target)
		return err == nil
	}
	err = cache.Make(ctx, target, good, func(tmp string) error {
		log.Info("fetching the guest's kernel and crun from Debian", "kernel", KernelPackage)
		return build(ctx, tmp)
	})
	if err != nil {
		return nil, fmt.Errorf("make the guest kit: %w", err)
	}
	return load(target)
}

// loadWhole gives the kit in a folder, and makes sure that its files are as they were made.
func loadWhole(dir string) (*Kit, error) {
	k, err := load(dir)
	if err != nil {
		return nil, err
	}
	for path, want := range map[string]string{k.Kernel(): k.Manifest.Kernel, k.Base(): k.Manifest.Base} {
		if err := check(path, want); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// check makes sure that a file has a SHA-256.
func check(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		return fmt.Errorf("%s is not as it was made: its SHA-256 is %s, not %s", path, got, want)
	}
	return nil
}

// Load gives the kit in the cache directory, which must be there. Its files are not read: what
// starts from a snapshot does not need them.
func Load(dir string) (*Kit, error) { return load(folder(dir)) }

// Folder is the name of the kit's folder in the cache directory.
func Folder() string { return "kit-" + recipe() }

func folder(dir string) string { return filepath.Join(dir, Folder()) }

// recipe names what this program puts into a kit: kits of another recipe are other kits.
func recipe() string {
	h := sha256.New()
	fmt.Fprintln(h, "1", KernelPackage, wanted, crunPackages)
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func load(dir string) (*Kit, error) {
	k := &Kit{dir: dir}
	b, err := os.ReadFile(filepath.Join(dir, "kit.json"))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &k.Manifest); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return k, nil
}

func build(ctx context.Context, dir string) error {
	for program, pkg := range Programs {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("program %s is missing (Debian package %s)", program, pkg)
		}
	}
	archive, err := openPackages(ctx, filepath.Join(dir, "packages"))
	if err != nil {
		return err
	}
	kernel, err := archive.dependency(ctx, KernelPackage)
	if err != nil {
		return err
	}
	debs, err := archive.download(ctx, append([]string{kernel}, crunPackages...))
	if err != nil {
		return err
	}
	m := Manifest{Packages: map[string]string{}}
	parts := parts{modules: map[string][]byte{}, builtin: map[string]bool{}, libraries: map[string][]byte{}}
	for _, d := range debs {
		m.Packages[d.Package] = d.Version
		if err := d.files(ctx, parts.take); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(archive.dir); err != nil {
		return err
	}
	if parts.image == nil || parts.crun == nil || parts.loader == nil {
		return errors.New("the packages hold no kernel image, no crun or no dynamic loader")
	}
	m.Release = parts.release
	if m.Kernel, err = writeFile(filepath.Join(dir, "vmlinux"), func(w io.Writer) error {
		kernel, err := vmlinux(parts.image)
		if err != nil {
			return err
		}
		_, err = w.Write(kernel)
		return err
	}); err != nil {
		return err
	}
	modules, err := loadOrder(wanted, parts.builtin, func(name string) (module, error) {
		file, ok := parts.modules[name]
		if !ok {
			return module{}, fmt.Errorf("kernel %s has no module %s", parts.release, name)
		}
		file, err := decompress(ctx, file)
		if err != nil {
			return module{}, fmt.Errorf("kernel module %s: %w", name, err)
		}
		return parseModule(name, file)
	})
	if err != nil {
		return err
	}
	for _, module := range modules {
		m.Modules = append(m.Modules, module.name)
	}
	if m.Base, err = writeFile(filepath.Join(dir, "base.cpio"), func(w io.Writer) error {
		return parts.archive(w, modules)
	}); err != nil {
		return err
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "kit.json"), b, 0o644)
}

// parts are the files of the packages that go into a kit.
type parts struct {
	image     []byte // bzImage
	release   string
	modules   map[string][]byte // as packed
	builtin   map[string]bool
	crun      []byte
	loader    []byte
	libraries map[string][]byte // by path
}

// take keeps the files of a package that a kit is made of.
func (p *parts) take(h *tar.Header, r io.Reader) error {
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	name := strings.TrimPrefix(h.Name, "usr/")
	read := func(to *[]byte) (err error) {
		*to, err = io.ReadAll(r)
		return err
	}
	switch {
	case strings.HasPrefix(name, "boot/vmlinuz-"):
		p.release = strings.TrimPrefix(name, "boot/vmlinuz-")
		return read(&p.image)
	case strings.HasPrefix(name, "lib/modules/") && strings.HasSuffix(name, "/modules.builtin"):
		for lines := bufio.NewScanner(r); lines.Scan(); {
			if m, ok := moduleName(lines.Text()); ok {
				p.builtin[m] = true
			}
		}
	case strings.HasPrefix(name, "lib/modules/"):
		if m, ok := moduleName(name); ok {
			b, err := io.ReadAll(r)
			p.modules[m] = b
			return err
		}
	case h.Name == crunPath:
		return read(&p.crun)
	case strings.HasPrefix(name, libraryDir+"/") && strings.Contains(name, ".so"):
		var b []byte
		if err := read(&b); err != nil {
			return err
		}
		p.libraries[name] = b
		if filepath.Base(name) == filepath.Base(loaderPath) {
			p.loader = b
		}
	}
	return nil
}

// archive writes the guest's first root file system without its /init.
func (p *parts) archive(w io.Writer, modules []module) error {
	c := NewCpio(w)
	for _, dir := range []string{"dev", "proc", "sys", "run", "tmp", "lab", "etc", "usr/bin"} {
		c.Directory(dir)
	}
	c.Character("dev/console", 0o600, 5, 1)
	c.Character("dev/null", 0o666, 1, 3)
	for i, m := range modules {
		c.File(fmt.Sprintf("modules/%03d-%s.ko", i, m.name), 0o644, int64(len(m.file)), bytes.NewReader(m.file))
	}
	c.File(crunPath, 0o755, int64(len(p.crun)), bytes.NewReader(p.crun))
	c.File(loaderPath, 0o755, int64(len(p.loader)), bytes.NewReader(p.loader))
	libs, err := libraries(p.crun, p.libraries)
	if err != nil {
		return fmt.Errorf("crun: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(libs)) {
		if name != filepath.Base(loaderPath) {
			c.File(libraryDir+"/"+name, 0o644, int64(len(libs[name])), bytes.NewReader(libs[name]))
		}
	}
	return c.Close()
}

// decompress unpacks a module that its package compresses.
func decompress(ctx context.Context, file []byte) ([]byte, error) {
	if !bytes.HasPrefix(file, []byte("\xfd7zXZ\x00")) {
		return file, nil
	}
	cmd := exec.CommandContext(ctx, "xz", "-dc")
	cmd.Stdin = bytes.NewReader(file)
	return cmd.Output()
}

// writeFile makes a file and gives its SHA-256 in hexadecimal digits.
func writeFile(path string, write func(io.Writer) error) (string, error) {
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(f, h), 1<<20)
	if err := write(w); err != nil {
		return "", fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	if err := f.Sync(); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), f.Close()
}
