package service

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode"
)

// Implementation tells what a server's first bytes say of its program, in a few words: the
// version of TLS that the server chose, the greeting of an SSH, FTP or mail server, the name of an HTTP server.
// "" when they say nothing.
func Implementation(s *Service, server []byte) string {
	if s == nil {
		return ""
	}
	switch s.Name {
	case "ssl":
		return tlsVersion(server)
	case "ssh":
		return line(bytes.TrimPrefix(server, []byte("SSH-2.0-")))
	case "ftp", "smtp", "imap", "pop3":
		return greetingOf(server)
	case "http":
		return field(server, "Server")
	case "mysql":
		if len(server) > 5 {
			if i := bytes.IndexByte(server[5:], 0); i > 0 {
				return line(server[5 : 5+i])
			}
		}
	}
	return ""
}

// Client is Implementation for the client's side.
func Client(s *Service, client []byte) string {
	if s == nil {
		return ""
	}
	switch s.Name {
	case "ssh":
		return line(bytes.TrimPrefix(client, []byte("SSH-2.0-")))
	case "http":
		return field(client, "User-Agent")
	}
	return ""
}

// line gives the printable text up to the end of the first line, at most 60 characters.
func line(text []byte) string {
	first, _, _ := bytes.Cut(text, []byte("\n"))
	clean := strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(string(first)))
	return clean[:min(len(clean), 60)]
}

// greetingOf gives a greeting without its number and without the server's name, which differs from host to host.
func greetingOf(server []byte) string {
	words := strings.Fields(line(server))
	var kept []string
	for i, w := range words {
		if i == 0 || strings.Contains(strings.Trim(w, "."), ".") && !strings.ContainsAny(w, "0123456789") {
			continue
		}
		kept = append(kept, w)
	}
	return strings.Join(kept, " ")
}

// field gives a header field of HTTP/1.
func field(text []byte, name string) string {
	for l := range bytes.Lines(text) {
		if key, value, ok := bytes.Cut(l, []byte(":")); ok && strings.EqualFold(string(key), name) && bytes.HasSuffix(value, []byte("\n")) {
			return line(bytes.TrimSpace(value))
		}
	}
	return ""
}

// tlsVersion gives the version that a ServerHello chooses (RFC 8446, 4.1.3 and 4.2.1).
func tlsVersion(server []byte) string {
	if len(server) < 11 || server[0] != 22 || server[5] != 2 {
		return ""
	}
	version := binary.BigEndian.Uint16(server[9:])
	b := server[11:]
	if len(b) > 32 {
		b = b[32:] // random
		if session := int(b[0]); len(b) > 1+session+5 {
			b = b[1+session+2+1+2:] // session, cipher, compression, length of extensions
			for len(b) >= 4 {
				kind, length := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
				if kind == 43 && len(b) >= 6 {
					version = binary.BigEndian.Uint16(b[4:])
					break
				}
				if len(b) < 4+length {
					break
				}
				b = b[4+length:]
			}
		}
	}
	switch version {
	case 0x0300:
		return "SSL 3"
	case 0x0301, 0x0302, 0x0303, 0x0304:
		return fmt.Sprintf("TLS 1.%d", version-0x0301)
	}
	return ""
}
