package flowset

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// frame is an Ethernet frame with a TCP segment between 10.0.0.1 (client) and 10.0.0.2, port 2222.
func frame(fromClient bool, seq uint32, flags byte, payload string) []byte {
	b := make([]byte, 14+20+20, 14+20+20+len(payload))
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip, tcp := b[14:34], b[34:54]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(40+len(payload)))
	copy(ip[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	binary.BigEndian.PutUint16(tcp, 40000)
	binary.BigEndian.PutUint16(tcp[2:], 2222)
	if !fromClient {
		copy(ip[12:], []byte{10, 0, 0, 2, 10, 0, 0, 1})
		binary.BigEndian.PutUint16(tcp, 2222)
		binary.BigEndian.PutUint16(tcp[2:], 40000)
	}
	binary.BigEndian.PutUint32(tcp[4:], seq)
	tcp[12], tcp[13] = 5<<4, flags
	return append(b, payload...)
}

// TestCaptures: a capture's flows are measured, and what they speak is known from their first bytes, whatever the port.
func TestCaptures(t *testing.T) {
	file := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d) // pcap, ns
	file = binary.LittleEndian.AppendUint32(file, 2|4<<16)
	file = append(file, make([]byte, 8)...)
	file = binary.LittleEndian.AppendUint32(file, 65535)
	file = binary.LittleEndian.AppendUint32(file, 1)
	for i, f := range [][]byte{frame(true, 1, 2, ""), frame(false, 1, 0x12, ""), frame(false, 2, 0x18, "SSH-2.0-OpenSSH_9.2\r\n"), frame(true, 2, 0x18, "SSH-2.0-x\r\n")} {
		for _, n := range []int{1, i * 1000, len(f), len(f)} {
			file = binary.LittleEndian.AppendUint32(file, uint32(n))
		}
		file = append(file, f...)
	}
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, file, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Read(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 1 || s.Service[0] != "ssh" || s.DestinationPort[0] != 2222 || s.Protocol[0] != 6 {
		t.Fatalf("%d flows, service %q, port %v, protocol %v", s.Len(), s.Service, s.DestinationPort, s.Protocol)
	}
	if up := s.Column("Total Fwd Packets"); up == nil || up[0] != 2 {
		t.Errorf("packets from the client: %v, want 2", up)
	}
}
