package seed

import (
	"slices"
	"testing"
)

func draw(seed uint64, name string) []uint64 {
	s := Source(seed, name)
	return []uint64{s.Uint64(), s.Uint64(), s.Uint64()}
}

func TestStreamsFollowSeedAndNameAlone(t *testing.T) {
	a := draw(1, "size")
	if !slices.Equal(a, draw(1, "size")) {
		t.Error("equal seed and name gave different streams")
	}
	for what, b := range map[string][]uint64{
		"another name":       draw(1, "size2"),
		"another seed":       draw(2, "size"),
		"a high bit of it":   draw(1|1<<63, "size"),
		"an empty name":      draw(1, ""),
		"seed moved to name": draw(0, "\x01size"),
	} {
		if slices.Equal(a, b) {
			t.Errorf("%s gave the same stream", what)
		}
	}
}

// The streams are part of what makes old runs repeatable: they must never change.
func TestStreamsStayAsTheyWere(t *testing.T) {
	if got := Derive(1, "size"); got != 0xc5cfcd93795778ae {
		t.Errorf("first number of stream (1, size) = %#x", got)
	}
}

func TestStreamIsSource(t *testing.T) {
	if got, want := Stream(7, "x").Uint64(), Source(7, "x").Uint64(); got != want {
		t.Errorf("Stream starts with %#x, Source with %#x", got, want)
	}
}
