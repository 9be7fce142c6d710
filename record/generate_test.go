package record

import (
	"bytes"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"testing"
)

func TestGeneratedPicturesCanBeShown(t *testing.T) {
	for _, kind := range []string{JPEG, PNG} {
		for _, size := range []int64{int64(len(grey[kind])), 5000} {
			g := Generate{Kind: kind, Seed: 1, Size: size}
			r, err := g.Content()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(r)
			if err != nil || int64(len(content)) != size {
				t.Fatalf("%s of %d bytes: got %d, %v", kind, size, len(content), err)
			}
			decode := jpeg.Decode
			if kind == PNG {
				decode = png.Decode
			}
			picture, err := decode(bytes.NewReader(content))
			if err != nil {
				t.Fatalf("%s of %d bytes: %v", kind, size, err)
			}
			if b := picture.Bounds(); b.Dx() != 1 || b.Dy() != 1 || color.GrayModel.Convert(picture.At(0, 0)) != (color.Gray{Y: 0x80}) {
				t.Errorf("%s of %d bytes: %v, colour %v", kind, size, b, picture.At(0, 0))
			}
		}
	}
}

func TestContentHasItsSize(t *testing.T) {
	for _, kind := range Kinds {
		for _, size := range []int64{0, 1, 68, 140, 1000} {
			g := Generate{Kind: kind, Seed: 1, Size: size}
			r, err := g.Content()
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.Copy(io.Discard, r); n != size || err != nil {
				t.Errorf("%s of %d bytes: got %d, %v", kind, size, n, err)
			}
		}
	}
}
