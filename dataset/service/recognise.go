package service

import (
	"bytes"
	"encoding/binary"
)

// Enough is how many bytes of a side's payload the recognition looks at.
const Enough = 256

// greeting recognises a server that speaks first.
func greeting(words ...string) func(client, server []byte) bool {
	return func(_, server []byte) bool { return startsWith(server, words...) }
}

func startsWith(text []byte, words ...string) bool {
	for _, w := range words {
		if bytes.HasPrefix(text, []byte(w)) {
			return true
		}
	}
	return false
}

// http: a request line (RFC 9112, 3), a status line, or HTTP/2's preface (RFC 9113, 3.4).
func http(client, server []byte) bool {
	return startsWith(client, "GET /", "POST /", "HEAD /", "PUT /", "DELETE /", "OPTIONS ", "CONNECT ", "PROPFIND /", "PATCH /", "PRI * HTTP/2", "GET http") ||
		startsWith(server, "HTTP/1.")
}

// tls: a handshake record of TLS 1.0 to 1.3 or SSL 3 (RFC 8446, 5.1).
func tls(client, server []byte) bool {
	record := func(b []byte) bool { return len(b) >= 6 && b[0] == 22 && b[1] == 3 && b[2] <= 4 }
	return record(client) && client[5] == 1 || len(client) == 0 && record(server) && server[5] == 2
}

// quic: a long header of version 1 or 2 with a connection identifier (RFC 9000, 17.2; RFC 9369).
func quic(client, _ []byte) bool {
	if len(client) < 6 || client[0]&0xc0 != 0xc0 || client[5] > 20 {
		return false
	}
	v := binary.BigEndian.Uint32(client[1:])
	return v == 1 || v == 0x6b3343cf || v>>8 == 0xff0000
}

// dns: a query with one question and a known operation (RFC 1035, 4.1.1), over TCP behind two bytes of length.
func dns(client, _ []byte) bool {
	query := func(b []byte) bool {
		return len(b) >= 17 && b[2]&0xf8 == 0 && b[3]&0x4f == 0 && binary.BigEndian.Uint16(b[4:]) == 1 && binary.BigEndian.Uint16(b[6:]) == 0 && b[12] <= 63
	}
	return query(client) || len(client) > 2 && int(binary.BigEndian.Uint16(client)) >= 17 && query(client[2:])
}

// ftp and smtp both greet with 220; the client's first word or the greeting tells them apart (RFC 959, RFC 5321).
func ftp(client, server []byte) bool {
	return startsWith(server, "220") && (startsWith(upper(client), "USER ", "AUTH ", "FEAT", "SYST", "OPTS ", "QUIT") || len(client) == 0 && bytes.Contains(upper(server), []byte("FTP")))
}

func smtp(client, server []byte) bool {
	return startsWith(upper(client), "EHLO ", "HELO ", "LHLO ") || startsWith(server, "220") && bytes.Contains(upper(server), []byte("SMTP"))
}

func upper(b []byte) []byte { return bytes.ToUpper(b[:min(len(b), Enough)]) }

// ntp: versions 1 to 4, mode client or symmetric, 48 bytes at least (RFC 5905, 7.3).
func ntp(client, _ []byte) bool {
	if len(client) < 48 {
		return false
	}
	version, mode := client[0]>>3&7, client[0]&7
	return version >= 1 && version <= 4 && (mode == 1 || mode == 3) && client[1] <= 16
}

// ldap: a message whose first element is a small number and whose second a bind, search or extended request (RFC 4511).
func ldap(client, _ []byte) bool {
	if len(client) < 7 || client[0] != 0x30 {
		return false
	}
	b := client[1:]
	if b[0] < 0x80 {
		b = b[1:]
	} else if n := int(b[0] & 0x7f); n <= 4 && len(b) > n+4 {
		b = b[1+n:]
	} else {
		return false
	}
	if len(b) < 4 || b[0] != 2 || b[1] < 1 || b[1] > 4 || len(b) < int(b[1])+3 {
		return false
	}
	operation := b[2+int(b[1])]
	return operation == 0x60 || operation == 0x63 || operation == 0x77
}

// smb: the NetBIOS session header and SMB 1, 2 or 3's mark (MS-SMB2, 2.2.1).
func smb(client, _ []byte) bool {
	return len(client) >= 8 && client[0] == 0 && (startsWith(client[4:], "\xffSMB", "\xfeSMB", "\xfdSMB")) || len(client) > 4 && client[0] == 0x81
}

// ssdp: HTTP over UDP (UPnP Device Architecture, 1.3).
func ssdp(client, _ []byte) bool { return startsWith(client, "M-SEARCH * HTTP", "NOTIFY * HTTP") }

// mysql: the server's initial handshake packet, protocol 10, with a version in text.
func mysql(_, server []byte) bool {
	return len(server) > 8 && server[3] == 0 && server[4] == 10 && server[5] >= '0' && server[5] <= '9' && bytes.IndexByte(server[5:min(len(server), Enough)], '.') > 0
}

// postgresql: a startup or SSL request (PostgreSQL, Message Formats).
func postgresql(client, _ []byte) bool {
	if len(client) < 8 {
		return false
	}
	code := binary.BigEndian.Uint32(client[4:])
	return code == 196608 || code == 80877103 || code == 80877104
}

// irc: the first commands of a client (RFC 2812, 3.1).
func irc(client, _ []byte) bool { return startsWith(client, "NICK ", "USER ", "CAP LS", "PASS ") }

// bittorrent: the handshake of peers (BEP 3), or an encoded dictionary over UDP (BEP 5).
func bittorrent(client, _ []byte) bool {
	return startsWith(client, "\x13BitTorrent protocol", "d1:ad2:id20:", "d1:rd2:id20:")
}

// sip: a request (RFC 3261, 7.1).
func sip(client, _ []byte) bool {
	return startsWith(client, "REGISTER sip", "INVITE sip", "OPTIONS sip")
}
