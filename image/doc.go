// Package image makes and stores the root file systems of hosts. An image is described by a
// recipe, catalogue/images/<name>/image.yaml: Debian packages on top of another image, or an
// OCI image. A recipe's digest is known without building it, so a run can name its images
// before they exist.
//
// An image is a stack of layers, one a recipe, each a directory that overlayfs takes as a
// lower directory (Image.Layers) and that Pack turns into a read-only erofs image for a
// virtual machine. Layers keep numeric owners and hold nothing of the machine or the moment
// they were built on; /dev, /proc, /run, /sys and /tmp are empty.
package image
