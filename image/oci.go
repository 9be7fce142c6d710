package image

import (
	"context"
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
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
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
	file, inside := r.OCI, path.Clean(r.OCI)
	stat, open := os.Stat, tarball.Opener(func() (io.ReadCloser, error) { return os.Open(file) })
	if !path.IsAbs(file) { // in the catalogue, where nothing leads out of it
		stat, open = func(string) (fs.FileInfo, error) { return fs.Stat(r.dir.fs, inside) }, func() (io.ReadCloser, error) { return r.dir.fs.Open(inside) }
		file = filepath.Join(r.dir.dir, inside)
	}
	info, err := stat(file)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		image, err := tarball.Image(open, nil)
		if err != nil {
			return nil, fmt.Errorf("%s is not an image archive as \"docker save\" writes it: %w", r.OCI, err)
		}
		return image, nil
	}
	if r.dir.dir == "" && !path.IsAbs(r.OCI) {
		return nil, fmt.Errorf("%s is a folder: only an archive can be embedded", r.OCI)
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
	if err := extract(ctx, image, to); err != nil {
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
