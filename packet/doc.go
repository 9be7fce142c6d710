// Package packet reads captures (pcap, pcapng) fast, decodes the headers of their frames and
// follows TCP conversations (retransmissions, reordering and the other classes of Wireshark's
// TCP analysis, and an exact "bytes seen before" class). It works on any capture, not only on
// detgen's.
package packet
