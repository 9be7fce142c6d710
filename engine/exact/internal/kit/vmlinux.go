package kit

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// vmlinux gives the kernel that a bzImage carries, so that the guest spends no instructions on
// unpacking it. Source: Documentation/arch/x86/boot.rst (setup_sects, payload_offset,
// payload_length).
func vmlinux(image []byte) ([]byte, error) {
	const headerEnd = 0x250
	if len(image) < headerEnd || string(image[0x202:0x206]) != "HdrS" {
		return nil, errors.New("not a bzImage")
	}
	sectors := int(image[0x1f1])
	if sectors == 0 {
		sectors = 4
	}
	offset := (sectors+1)*512 + int(binary.LittleEndian.Uint32(image[0x248:]))
	length := int(binary.LittleEndian.Uint32(image[0x24c:]))
	if length < 8 || offset+length > len(image) {
		return nil, errors.New("bzImage without a payload")
	}
	payload := image[offset : offset+length]
	// The last four bytes are the length after unpacking; no compression format knows them.
	size := int(binary.LittleEndian.Uint32(payload[length-4:]))
	payload = payload[:length-4]
	kernel, err := unpack(payload)
	if err != nil {
		return nil, fmt.Errorf("unpack the kernel: %w", err)
	}
	if len(kernel) != size {
		return nil, fmt.Errorf("unpack the kernel: %d bytes, but its header says %d", len(kernel), size)
	}
	if _, err := elf.NewFile(bytes.NewReader(kernel)); err != nil {
		return nil, fmt.Errorf("unpacked kernel: %w", err)
	}
	return kernel, nil
}

func unpack(payload []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(payload, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(bytes.NewReader(payload), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return io.ReadAll(d)
	case bytes.HasPrefix(payload, []byte{0x02, 0x21, 0x4c, 0x18}):
		return io.ReadAll(lz4.NewReader(bytes.NewReader(payload)))
	}
	return nil, fmt.Errorf("compressed in an unknown way (first bytes % x); zstd and lz4 are known", payload[:4])
}
