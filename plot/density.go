package plot

import (
	"encoding/binary"
	"hash/crc32"
	"io"
)

// headLength is the length of what precedes all other chunks of a PNG file: the signature (8 bytes) and
// the chunk IHDR (25 bytes).
const headLength = 8 + 25

// densityWriter adds the chunk pHYs (PNG specification, 11.3.4.3) after the head of a PNG file, so that
// programs that place the figure know how large it is.
type densityWriter struct {
	to   io.Writer
	head []byte
	done bool
}

func (w *densityWriter) Write(b []byte) (int, error) {
	if w.done {
		return w.to.Write(b)
	}
	w.head = append(w.head, b...)
	if len(w.head) < headLength {
		return len(b), nil
	}
	w.done = true
	whole := append(w.head[:headLength:headLength], densityChunk()...)
	if _, err := w.to.Write(append(whole, w.head[headLength:]...)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// densityChunk is the chunk pHYs for dotsPerInch.
func densityChunk() []byte {
	const perMetre uint32 = dotsPerInch * 10000 / 254
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1) // the unit is the metre
	return binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
}
