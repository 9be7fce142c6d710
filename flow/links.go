package flow

import (
	"maps"
	"slices"

	"detgen/packet"
)

// links notes the frames of a source whose link type is not known.
type links struct {
	Source
	unknown map[packet.LinkType]bool
	frames  uint64
}

func (l *links) Next(f *packet.Frame) error {
	err := l.Source.Next(f)
	if err == nil && f.LinkType != packet.LinkEthernet && !f.LinkType.Known() {
		if l.unknown == nil {
			l.unknown = map[packet.LinkType]bool{}
		}
		l.unknown[f.LinkType] = true
		l.frames++
	}
	return err
}

// err is a *packet.LinkError when there were such frames.
func (l *links) err() error {
	if l.frames == 0 {
		return nil
	}
	return &packet.LinkError{Types: slices.Sorted(maps.Keys(l.unknown)), Frames: l.frames}
}
