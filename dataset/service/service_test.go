package service

import (
	"strings"
	"testing"

	"detgen/catalogue"
)

// TestRecognise: first bytes that the protocols' documents give.
func TestRecognise(t *testing.T) {
	tests := []struct {
		protocol             uint8
		client, server, want string
	}{
		{6, "GET / HTTP/1.1\r\n", "", "http"},
		{6, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "", "ssl"},
		{6, "SSH-2.0-OpenSSH_9.2", "SSH-2.0-dropbear", "ssh"},
		{6, "USER anna\r\n", "220 (vsFTPd 3.0.3)\r\n", "ftp"},
		{6, "EHLO client\r\n", "220 mail ESMTP Postfix\r\n", "smtp"},
		{6, "", "220 mail ESMTP Postfix\r\n", "smtp"},
		{6, "NICK anna\r\nUSER anna 0 * :Anna\r\n", "", "irc"},
		{6, "a1 LOGIN", "* OK [CAPABILITY IMAP4rev1] Dovecot", "imap"},
		{6, "\x00\x00\x00\x08\x04\xd2\x16\x2f", "", "postgresql"},
		{6, "", "\x4a\x00\x00\x00\x0a10.11.6-MariaDB\x00", "mysql"},
		{6, "\x00\x00\x00\x54\xfeSMB\x40\x00", "", "smb"},
		{6, "\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\x00\x80\x00", "", "ldap"},
		{6, "\x00\x1d\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01", "", "dns"},
		{17, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01", "", "dns"},
		{17, "\x23" + strings.Repeat("\x00", 47), "", "ntp"},
		{17, "\xc3\x00\x00\x00\x01\x08abcdefgh", "", "quic"},
		{17, "M-SEARCH * HTTP/1.1\r\n", "", "ssdp"},
		{6, "hello", "world", ""},
		{6, "", "", ""},
	}
	for _, test := range tests {
		got := ""
		if s := Recognise(test.protocol, []byte(test.client), []byte(test.server)); s != nil {
			got = s.Name
		}
		if got != test.want {
			t.Errorf("%q, %q: got %q, want %q", test.client, test.server, got, test.want)
		}
	}
}

// TestNames: Zeek's names, of several the first that is known, and ports.
func TestNames(t *testing.T) {
	for name, want := range map[string]string{"krb_tcp": "krb", "gssapi,smb": "smb", "TLS": "ssl", "spicy_x,http": "http"} {
		if s := Named(name); s == nil || s.Name != want {
			t.Errorf("%q: got %v, want %s", name, s, want)
		}
	}
	if Named("x") != nil {
		t.Error("an unknown name has a service")
	}
	if s := ByPort(17, 443); s == nil || s.Name != "quic" {
		t.Errorf("udp/443: %v", s)
	}
	if s := ByPort(1, 0); s == nil || s.Name != "icmp" {
		t.Errorf("icmp: %v", s)
	}
	if ByPort(6, 137) != nil {
		t.Error("tcp/137 has a service")
	}
}

// TestScenariosExist: a service is only made by scenarios that are in the catalogue.
func TestScenariosExist(t *testing.T) {
	for _, s := range All {
		for _, name := range s.Scenarios {
			if _, err := catalogue.FS.Open("scenarios/" + name + "/scenario.yaml"); err != nil {
				t.Errorf("%s: %v", s.Name, err)
			}
		}
	}
}
