// Package catalogue holds the scenarios and images that detgen comes with. They are data:
// scenarios/<name>/scenario.yaml with its tasks and files, images/<name>/image.yaml with its
// files. Packages scenario and image read them.
package catalogue

import "embed"

// FS has the folders "scenarios" and "images".
//
//go:embed all:scenarios all:images
var FS embed.FS
