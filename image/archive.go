package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"detgen/internal/beneath"
	"detgen/record"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/sys/unix"
)

// An archive of images is a tar file, compressed by zstd: archiveContents first, which says what follows and in which
// order, then the packed layers, then the files of folders. It carries images to machines that cannot build them.
const archiveContents = "detgen-images.json"

const (
	archiveFormat    = 1
	maxContents      = 16 << 20  // bytes of archiveContents
	maxFolderFile    = 256 << 20 // bytes of a file of a folder
	maxArchiveWindow = 64 << 20  // bytes that the decompressor may look back
)

// contents is archiveContents.
type contents struct {
	Format  int              `json:"format"`
	Images  []archivedImage  `json:"images"` // each after those that it stands on
	Folders []archivedFolder `json:"folders,omitempty"`
}

type archivedImage struct {
	entry
	Layer archivedFile `json:"layer"` // its packed layer, without the hole at its end
}

type archivedFolder struct {
	Path  string         `json:"path"` // below the cache directory
	Files []archivedFile `json:"files"`
}

type archivedFile struct {
	Name   string `json:"name"` // in the archive
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// TakePacked lets images that are there packed alone, as an archive brings them, count as built: for an engine that
// takes nothing else.
func (s *Store) TakePacked() { s.takePacked = true }

// Save writes an archive of the packed images and all those they stand on, and of folders of the cache directory (paths
// below it; regular files only). Images that are missing are built and packed first.
func (s *Store) Save(ctx context.Context, to io.Writer, names, folders []string) error {
	images, err := s.Ensure(ctx, names...)
	if err != nil {
		return err
	}
	c := contents{Format: archiveFormat}
	seen := map[string]bool{}
	for _, i := range images {
		files, err := s.Pack(ctx, i)
		if err != nil {
			return err
		}
		for _, file := range slices.Backward(files) {
			id := filepath.Base(filepath.Dir(file))
			if seen[id] {
				continue
			}
			seen[id] = true
			a := archivedImage{Layer: archivedFile{Name: path.Join("images", id, packed)}}
			if a.entry, err = s.entry(id); err != nil {
				return err
			}
			if err := a.Layer.measure(s.dir); err != nil {
				return err
			}
			c.Images = append(c.Images, a)
		}
	}
	for _, folder := range folders {
		f := archivedFolder{Path: folder}
		entries, err := os.ReadDir(filepath.Join(s.dir, folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			file := archivedFile{Name: path.Join(folder, e.Name())}
			if err := file.measure(s.dir); err != nil {
				return err
			}
			f.Files = append(f.Files, file)
		}
		c.Folders = append(c.Folders, f)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	z, err := zstd.NewWriter(to)
	if err != nil {
		return err
	}
	out := tar.NewWriter(z)
	err = out.WriteHeader(header(archiveContents, int64(len(text))))
	if err == nil {
		_, err = out.Write(text)
	}
	for _, f := range c.files() {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = f.write(out, s.dir)
		}
	}
	return errors.Join(err, out.Close(), z.Close())
}

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, Format: tar.FormatPAX}
}

// files are those after the contents, in order.
func (c *contents) files() []archivedFile {
	var all []archivedFile
	for _, i := range c.Images {
		all = append(all, i.Layer)
	}
	for _, f := range c.Folders {
		all = append(all, f.Files...)
	}
	return all
}

// measure sets the size, up to the last byte that is not in a hole, and the digest of the file, which is below dir.
func (f *archivedFile) measure(dir string) error {
	file, err := beneath.Open(dir, f.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		data, err := file.Seek(f.Bytes, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) { // nothing but a hole follows
			break
		}
		if err == nil {
			f.Bytes, err = file.Seek(data, unix.SEEK_HOLE)
		}
		if err != nil {
			return fmt.Errorf("measure %s: %w", file.Name(), err)
		}
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, f.Bytes)); err != nil {
		return fmt.Errorf("read %s: %w", file.Name(), err)
	}
	f.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

func (f *archivedFile) write(out *tar.Writer, dir string) error {
	file, err := beneath.Open(dir, f.Name)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := out.WriteHeader(header(f.Name, f.Bytes)); err != nil {
		return err
	}
	_, err = io.Copy(out, io.NewSectionReader(file, 0, f.Bytes))
	return err
}

// Load puts the images of an archive into the store, packed alone, and its folders into the cache directory where
// accept takes their path. What is there already stays as it is. It gives the names of the images that are new.
//
// Nothing of an archive is trusted but what its layers hold: it has the files that its contents name, in this order and
// with these digests, or it is refused; no name in it leads elsewhere; what is half read is not there.
func (s *Store) Load(ctx context.Context, from io.Reader, accept func(folder string) bool) (names []string, err error) {
	z, err := zstd.NewReader(from, zstd.WithDecoderMaxWindow(maxArchiveWindow), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	in := tar.NewReader(z)
	c, err := readContents(in)
	if err != nil {
		return nil, fmt.Errorf("this is no archive of images that is whole: %w", err)
	}
	if err := c.check(s, accept); err != nil {
		return nil, fmt.Errorf("%s: %w", archiveContents, err)
	}
	for _, i := range c.Images {
		fresh, err := s.loadImage(ctx, in, i)
		if err != nil {
			return names, fmt.Errorf("image %s: %w", i.Name, err)
		}
		if fresh {
			names = append(names, i.Name)
		}
	}
	for _, f := range c.Folders {
		if err := s.loadFolder(ctx, in, f); err != nil {
			return names, fmt.Errorf("folder %s: %w", f.Path, err)
		}
	}
	if h, err := in.Next(); err == nil {
		return names, fmt.Errorf("the archive goes on with %q, which its contents do not name", h.Name)
	} else if !errors.Is(err, io.EOF) {
		return names, fmt.Errorf("the end of the archive: %w", err)
	}
	return names, nil
}

func readContents(in *tar.Reader) (*contents, error) {
	h, err := in.Next()
	switch {
	case err != nil:
		return nil, err
	case h.Name != archiveContents || h.Typeflag != tar.TypeReg:
		return nil, fmt.Errorf("it begins with %q, not with %s", h.Name, archiveContents)
	case h.Size > maxContents:
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", archiveContents, h.Size, maxContents)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	var c contents
	if err := record.ParseJSON(text, &c); err != nil {
		return nil, fmt.Errorf("%s %w", archiveContents, err)
	}
	return &c, nil
}

// check makes sure that names are those of their place and that nothing is missing below an image.
func (c *contents) check(s *Store, accept func(string) bool) error {
	if c.Format != archiveFormat {
		return fmt.Errorf("format %d; this program reads %d", c.Format, archiveFormat)
	}
	there := map[string]bool{}
	for _, i := range c.Images {
		if err := record.CheckDigest(i.Digest); err != nil {
			return fmt.Errorf("image %s: %w", i.Name, err)
		}
		if there[i.Digest] {
			return fmt.Errorf("image %s comes twice", i.Name)
		}
		for _, a := range i.Ancestors {
			if err := record.CheckDigest(a); err != nil {
				return fmt.Errorf("image %s: ancestors: %w", i.Name, err)
			}
			if !there[a] && !s.exists(a) {
				return fmt.Errorf("image %s stands on %s, which is neither before it nor here", i.Name, a)
			}
		}
		if want := path.Join("images", hexOf(i.Digest), packed); i.Layer.Name != want {
			return fmt.Errorf("image %s: its layer is called %q, not %q", i.Name, i.Layer.Name, want)
		}
		if i.Layer.Bytes < 0 || i.Layer.Bytes > PackedSize {
			return fmt.Errorf("image %s: a layer of %d bytes; at most %d are read", i.Name, i.Layer.Bytes, int64(PackedSize))
		}
		there[i.Digest] = true
	}
	for _, f := range c.Folders {
		if !accept(f.Path) {
			return fmt.Errorf("folder %q is none that this program uses", f.Path)
		}
		for _, file := range f.Files {
			base, ok := strings.CutPrefix(file.Name, f.Path+"/")
			if !ok || base != path.Base(base) || !fs.ValidPath(base) || base == "." {
				return fmt.Errorf("folder %s: %q is not in it", f.Path, file.Name)
			}
			if file.Bytes < 0 || file.Bytes > maxFolderFile {
				return fmt.Errorf("folder %s: %s has %d bytes; at most %d are read", f.Path, base, file.Bytes, int64(maxFolderFile))
			}
		}
	}
	return nil
}

// loadImage reads one image. It is not fresh when the store had it.
func (s *Store) loadImage(ctx context.Context, in *tar.Reader, i archivedImage) (fresh bool, err error) {
	if err := os.MkdirAll(filepath.Join(s.dir, "locks"), 0o755); err != nil {
		return false, err
	}
	l, err := acquire(ctx, s.lockFile(i.Digest), unix.LOCK_EX, func() { s.tell(i.Name, "wait for another process") })
	if err != nil {
		return false, err
	}
	defer l.release()
	if _, err := s.entry(i.Digest); err == nil {
		return false, i.Layer.read(ctx, in, nil)
	}
	s.tell(i.Name, "load")
	dir := s.path(i.Digest) + ".tmp"
	if err := s.remove(ctx, filepath.Base(dir)); err != nil { // what a killed build left
		return false, err
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return false, err
	}
	file, err := os.Create(filepath.Join(dir, packed))
	if err != nil {
		return false, err
	}
	err = i.Layer.read(ctx, in, file)
	if err == nil {
		err = file.Truncate(PackedSize)
	}
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return false, err
	}
	text, err := json.MarshalIndent(i.entry, "", "  ")
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(filepath.Join(dir, "image.json"), append(text, '\n'), 0o644); err != nil {
		return false, err
	}
	if err := os.Rename(dir, s.path(i.Digest)); err != nil {
		return false, err
	}
	s.tell(i.Name, Built)
	return true, nil
}

func (s *Store) loadFolder(ctx context.Context, in *tar.Reader, f archivedFolder) error {
	target := filepath.Join(s.dir, f.Path)
	if _, err := os.Stat(target); err == nil {
		for _, file := range f.Files {
			if err := file.read(ctx, in, nil); err != nil {
				return err
			}
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(target), filepath.Base(target)+".making-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, a := range f.Files {
		file, err := os.OpenFile(filepath.Join(dir, path.Base(a.Name)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return err
		}
		if err := errors.Join(a.read(ctx, in, file), file.Sync(), file.Close()); err != nil {
			return err
		}
	}
	err = os.Rename(dir, target)
	if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) { // another process was faster
		return nil
	}
	return err
}

// read reads the archive's next file, which must be this one, and writes it with its holes; to nil it only checks it.
func (f *archivedFile) read(ctx context.Context, in *tar.Reader, to *os.File) error {
	h, err := in.Next()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the archive ends before %s", f.Name)
	}
	if err != nil {
		return err
	}
	if h.Name != f.Name || h.Typeflag != tar.TypeReg || h.Size != f.Bytes {
		return fmt.Errorf("the archive has %q of %d bytes where its contents have %s of %d", h.Name, h.Size, f.Name, f.Bytes)
	}
	sum, block := sha256.New(), make([]byte, 64<<10)
	for at := int64(0); at < f.Bytes; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(in, block[:min(int64(len(block)), f.Bytes-at)])
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
		sum.Write(block[:n])
		if to != nil && slices.ContainsFunc(block[:n], func(b byte) bool { return b != 0 }) {
			if _, err := to.WriteAt(block[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
	}
	if to != nil {
		if err := to.Truncate(f.Bytes); err != nil {
			return err
		}
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%s is damaged: its SHA-256 is %s, not %s", f.Name, got, f.SHA256)
	}
	return nil
}
