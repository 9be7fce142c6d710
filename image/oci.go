package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"golang.org/x/sys/unix"
)

// platform is what detgen's hosts run on.
var platform = v1.Platform{OS: "linux", Architecture: "amd64"}

// localOCI reports whether the recipe's OCI image is a path: it starts with "./" or "/".
func (r *Recipe) localOCI() bool { return strings.HasPrefix(r.OCI, "./") || path.IsAbs(r.OCI) }

// localOCIDigest gives the digest of the manifest of an archive or layout, so that a changed
// file is a changed image. It is empty for a registry reference, whose image is not known
// before it is fetched: a reference with a digest ("name@sha256:...") says exactly what it is.
func (r *Recipe) localOCIDigest() (string, error) {
	if !r.localOCI() {
		if _, err := name.ParseReference(r.OCI); err != nil {
			return "", r.errorf("oci", "oci: %q is neither a registry reference nor a path that starts with ./ or /: %w", r.OCI, err)
		}
		return "", nil
	}
	image, err := r.openLocalOCI()
	if err != nil {
		return "", r.errorf("oci", "oci: %w", err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", r.errorf("oci", "oci: %s: %w", r.OCI, err)
	}
	return digest.String(), nil
}

// openLocalOCI opens an archive (docker save) or an OCI layout directory.
func (r *Recipe) openLocalOCI() (v1.Image, error) {
	file := r.OCI
	if !path.IsAbs(file) {
		if r.dir.dir == "" { // an archive can be embedded, a layout cannot
			return tarball.Image(func() (io.ReadCloser, error) { return r.dir.fs.Open(path.Clean(file)) }, nil)
		}
		file = filepath.Join(r.dir.dir, file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		image, err := tarball.ImageFromPath(file, nil)
		if err != nil {
			return nil, fmt.Errorf("%s is not an image archive as \"docker save\" writes it: %w", r.OCI, err)
		}
		return image, nil
	}
	dir, err := layout.FromPath(file)
	if err != nil {
		return nil, fmt.Errorf("%s is not an OCI image layout: %w", r.OCI, err)
	}
	index, err := dir.ImageIndex()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.OCI, err)
	}
	return imageOf(index, r.OCI)
}

// imageOf finds the image for the platform in an index and the indexes inside it.
func imageOf(index v1.ImageIndex, where string) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	for _, d := range manifest.Manifests {
		switch {
		case d.MediaType.IsIndex():
			inner, err := index.ImageIndex(d.Digest)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", where, err)
			}
			if image, err := imageOf(inner, where); err == nil {
				return image, nil
			}
		case d.MediaType.IsImage() && (d.Platform == nil || d.Platform.Satisfies(platform)):
			return index.Image(d.Digest)
		}
	}
	return nil, fmt.Errorf("%s has no image for %s", where, platform)
}

// extractOCI puts the files of the OCI image, all its layers applied, into a directory. It
// returns the digest of the image's manifest.
func (r *Recipe) extractOCI(ctx context.Context, to string) (string, error) {
	image, err := r.openOCI(ctx)
	if err != nil {
		return "", r.errorf("oci", "oci: %w", err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", r.errorf("oci", "oci: %w", err)
	}
	stream := mutate.Extract(image)
	defer stream.Close()
	if err := untar(ctx, stream, to); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return "", r.errorf("oci", "oci: extract %s: %w", r.OCI, err)
	}
	return digest.String(), nil
}

func (r *Recipe) openOCI(ctx context.Context) (v1.Image, error) {
	if r.localOCI() {
		return r.openLocalOCI()
	}
	ref, err := name.ParseReference(r.OCI)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(ref, remote.WithContext(ctx), remote.WithPlatform(platform), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", r.OCI, err)
	}
	return image, nil
}

// untar writes an archive's files with their numeric owners, modes, times and attributes below
// a directory, and nothing outside of it whatever the archive says. Hard links come after what
// they link to; directories get their times from settle.
func untar(ctx context.Context, stream io.Reader, to string) error {
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	archive := tar.NewReader(stream)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := untarFile(root, to, header, archive); err != nil {
			return fmt.Errorf("%s: %w", header.Name, err)
		}
	}
}

func untarFile(root *os.Root, to string, h *tar.Header, content io.Reader) error {
	file := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if file == "" {
		file = "."
	}
	if err := root.MkdirAll(path.Dir(file), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	switch h.Typeflag {
	case tar.TypeDir:
		if err := root.Mkdir(file, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	case tar.TypeReg:
		out, err := root.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.Copy(out, content); err != nil {
			return errors.Join(err, out.Close())
		}
		if err := out.Close(); err != nil {
			return err
		}
	case tar.TypeSymlink:
		if err := root.Symlink(h.Linkname, file); err != nil {
			return err
		}
	case tar.TypeLink:
		return root.Link(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/"), file)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
		if err := untarNode(root, file, h); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown kind of entry %q", h.Typeflag)
	}
	return untarAttributes(root, file, h)
}

// untarNode makes a device or a pipe.
func untarNode(root *os.Root, file string, h *tar.Header) error {
	dir, err := root.Open(path.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	mode := map[byte]uint32{tar.TypeChar: unix.S_IFCHR, tar.TypeBlock: unix.S_IFBLK, tar.TypeFifo: unix.S_IFIFO}[h.Typeflag]
	return unix.Mknodat(int(dir.Fd()), path.Base(file), mode|0o600, int(unix.Mkdev(uint32(h.Devmajor), uint32(h.Devminor))))
}

// untarAttributes sets what a file has besides its content. Changing the owner clears set-user
// bits and capabilities, so it comes first.
func untarAttributes(root *os.Root, file string, h *tar.Header) error {
	if err := root.Lchown(file, h.Uid, h.Gid); err != nil {
		return err
	}
	if h.Typeflag == tar.TypeSymlink {
		return nil
	}
	dir, err := root.Open(path.Dir(file))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := unix.Fchmodat(int(dir.Fd()), path.Base(file), uint32(h.Mode&0o7777), 0); err != nil {
		return err
	}
	for key, value := range h.PAXRecords {
		attr, ok := strings.CutPrefix(key, "SCHILY.xattr.")
		if !ok {
			continue
		}
		place := fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), path.Base(file))
		if err := unix.Lsetxattr(place, attr, []byte(value), 0); err != nil {
			return fmt.Errorf("set attribute %s: %w", attr, err)
		}
	}
	return root.Chtimes(file, h.ModTime, h.ModTime)
}
