package link

import "detgen/record"

// line is one direction of a port.
type line struct {
	port        *softPort
	settings    record.Link
	frames      uint64
	undelivered uint64
}

func (l *line) result(direction string) record.LinkResult {
	return record.LinkResult{
		Host:      l.port.Host,
		Interface: l.port.Interface,
		Direction: direction,
		ReadBack:  l.settings,
		Frames:    l.frames,
	}
}
