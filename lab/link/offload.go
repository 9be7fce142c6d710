package link

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// With offloads, a host leaves work to its interface: it sends frames that are to be cut into
// segments, and checksums that are to be completed. What is to be done stands in a header
// before the frame, struct virtio_net_hdr (linux/virtio_net.h). The switch does none of it: a
// large frame is one frame on the link, as for NetEm, and the receiver takes it as it is.

// virtioHeaderSize is the size of the header without the number of buffers.
const virtioHeaderSize = 10

// acceptedOffloads are those that a TAP device with offloads offers its host.
const acceptedOffloads = unix.TUN_F_CSUM | unix.TUN_F_TSO4 | unix.TUN_F_TSO6 | unix.TUN_F_TSO_ECN

// maxLargeFrame is the greatest length of a frame that is to be cut, with its header.
const maxLargeFrame = 65536 + ethernetHeader

// segments tells into how many segments a frame is to be cut, and the length of the headers
// that each has; one and 0 for most.
func (f *frame) segments() (count, headers int) {
	le := binary.LittleEndian
	kind, size := f.buffer[1], int(le.Uint16(f.buffer[4:]))
	headers = int(le.Uint16(f.buffer[2:]))
	if kind == unix.VIRTIO_NET_HDR_GSO_NONE || size == 0 || headers >= len(f.data) {
		return 1, 0
	}
	return (len(f.data) - headers + size - 1) / size, headers
}

// wireLength is how many bytes a frame has on the wire, cut into its segments.
func (f *frame) wireLength() int {
	count, headers := f.segments()
	return len(f.data) + (count-1)*headers
}

// longestSegment is the length of the longest frame on the wire that a frame becomes.
func (f *frame) longestSegment() int {
	count, headers := f.segments()
	if count == 1 {
		return len(f.data)
	}
	return headers + int(binary.LittleEndian.Uint16(f.buffer[4:]))
}

// checkOffloads refuses what the switch cannot do to frames that are not finished: to corrupt
// one, it would have to be cut and its checksum completed first.
func checkOffloads(ports []Port) error {
	offload := ""
	for _, p := range ports {
		if p.Offload {
			offload = p.Host
		}
	}
	if offload == "" {
		return nil
	}
	for _, p := range ports {
		for _, d := range p.directions() {
			if corrupts(d.link()) {
				return fmt.Errorf("link of host %q, interface %q: %s: corrupt: not together with offloads, which host %q has on; turn them off, or use the link driver %q",
					p.Host, p.Interface, d.name, offload, NetEm)
			}
		}
	}
	return nil
}

func corrupts(l record.Link) bool {
	for _, i := range l.Interventions {
		if i.Action == record.CorruptFrame {
			return true
		}
	}
	for _, c := range l.Schedule {
		if corrupts(c.Link) {
			return true
		}
	}
	return l.Corrupt > 0
}
