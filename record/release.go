package record

import "strings"

// An image's recipe is written for one release of Debian and serves others as far as packages have the same names. The
// image NAME of release 11 is called NAME@11.

// Releases are the releases of Debian that images can be of, the oldest first.
var Releases = []string{"11", "12", "13"}

// OwnRelease is the release that recipes are written for. Its images have no release in their names.
const OwnRelease = "12"

// ImageOfRelease gives the name of an image of a release.
func ImageOfRelease(image, release string) string {
	image = ImageRecipe(image)
	if release == OwnRelease {
		return image
	}
	return image + "@" + release
}

// ImageRecipe gives the name of the recipe of an image of any release.
func ImageRecipe(image string) string {
	recipe, _, _ := strings.Cut(image, "@")
	return recipe
}
