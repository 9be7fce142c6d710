package twin

import (
	"errors"
	"fmt"
	"io"

	"detgen/packet"
	"detgen/record"
)

// Positions counts, for one host's interface, what an intervention can choose by number.
type Positions struct {
	Host, Interface      string
	FramesSent           int
	FramesReceived       int
	DataSegments         int // TCP segments of the first connection that the host sent with data beyond all before
	DataSegmentsReceived int // the same, received
	DataBytes            int // that the host sent in all TCP connections
}

// CountPositions counts in the captures of a run directory, one entry for each.
func CountPositions(dir string) ([]Positions, error) {
	r, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	macs := map[string]string{}
	for _, h := range r.Run.Hosts {
		for _, i := range h.Interfaces {
			macs[h.Name+"/"+i.Name] = i.MAC
		}
	}
	var list []Positions
	for _, c := range r.Result.Captures {
		if c.IsTap() {
			continue
		}
		if err := r.CheckCapture(dir, &c); err != nil {
			return nil, err
		}
		p, err := count(dir, &c, macs[c.Host+"/"+c.Interface])
		if err != nil {
			return nil, fmt.Errorf("capture of host %q: %w", c.Host, err)
		}
		p.Host, p.Interface = c.Host, c.Interface
		list = append(list, p)
	}
	return list, nil
}

func count(dir string, c *record.Capture, mac string) (Positions, error) {
	var p Positions
	file, err := record.OpenCapture(dir, c)
	if err != nil {
		return p, err
	}
	reader, err := packet.OpenFile(file)
	if err != nil {
		return p, err
	}
	defer reader.Close()
	first := map[bool]*tracked{}
	for {
		var f packet.Frame
		if err := reader.Next(&f); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return p, err
		}
		sent := len(f.Data) >= 12 && hardware(f.Data[6:12]) == mac
		if sent {
			p.FramesSent++
		} else {
			p.FramesReceived++
		}
		var h packet.Headers
		packet.Decode(&f, &h)
		if h.Protocol != packet.ProtocolTCP || h.IPVersion == 0 {
			continue
		}
		if sent {
			p.DataBytes += h.Payload
		}
		t := first[sent]
		if t == nil {
			t = &tracked{source: h.SrcIP, target: h.DstIP, sourcePort: h.SrcPort, targetPort: h.DstPort, next: h.Seq}
			first[sent] = t
		}
		if t.fresh(&h) {
			if sent {
				p.DataSegments++
			} else {
				p.DataSegmentsReceived++
			}
		}
	}
}

// tracked follows one direction of the first connection on a link.
type tracked struct {
	source, target         [16]byte
	sourcePort, targetPort uint16
	next                   uint32 // sequence number after all data so far
}

// fresh reports whether the segment is of the connection and has data beyond all before.
func (t *tracked) fresh(h *packet.Headers) bool {
	if h.SrcIP != t.source || h.DstIP != t.target || h.SrcPort != t.sourcePort || h.DstPort != t.targetPort {
		return false
	}
	end := h.Seq + uint32(h.Payload)
	if h.Flags&packet.SYN != 0 {
		end++
	}
	if int32(end-t.next) <= 0 {
		return false
	}
	t.next = end
	return h.Payload > 0
}

func hardware(b []byte) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5])
}
