// Package service names what two hosts speak: by the first bytes of their payload where there are some, by what Zeek
// found, and by the port last. Names are those of Zeek's conn.log where it has one.
package service

import (
	"slices"
	"strings"
)

// Service is an application protocol.
type Service struct {
	Name      string
	TCP, UDP  []uint16 // the ports that IANA registered, and others that everybody uses
	Others    []string // names that Zeek and other tools give to it
	Scenarios []string // of the catalogue that make it; none: detgen cannot make it
	begins    func(client, server []byte) bool
}

// All are the services that are known, more specific ones first where their first bytes could be taken for each other.
var All = []*Service{
	{Name: "http", TCP: []uint16{80, 8080, 8000, 8008, 81}, Scenarios: []string{"web", "wan-web", "wordpress", "sql", "crawl", "ares"}, begins: http},
	{Name: "ssl", TCP: []uint16{443, 8443}, UDP: nil, Others: []string{"tls", "https"}, Scenarios: []string{"web", "wan-web"}, begins: tls},
	{Name: "quic", UDP: []uint16{443}, Scenarios: []string{"web"}, begins: quic},
	{Name: "dns", TCP: []uint16{53}, UDP: []uint16{53}, Scenarios: []string{"dns", "ping", "wan-web", "mail"}, begins: dns},
	{Name: "ssh", TCP: []uint16{22}, Scenarios: []string{"ssh", "ssh-bruteforce"}, begins: greeting("SSH-")},
	{Name: "ftp", TCP: []uint16{21}, Scenarios: []string{"ftp"}, begins: ftp},
	{Name: "ftp-data", TCP: []uint16{20}, Scenarios: []string{"ftp"}},
	{Name: "smtp", TCP: []uint16{25, 465, 587}, Scenarios: []string{"mail"}, begins: smtp},
	{Name: "imap", TCP: []uint16{143, 993}, Scenarios: []string{"mail"}, begins: greeting("* OK", "* PREAUTH", "* BYE")},
	{Name: "pop3", TCP: []uint16{110, 995}, Scenarios: []string{"mail"}, begins: greeting("+OK")},
	{Name: "ntp", UDP: []uint16{123}, Scenarios: []string{"ntp"}, begins: ntp},
	{Name: "ldap", TCP: []uint16{389, 636, 3268, 3269}, UDP: []uint16{389}, Others: []string{"ldap_tcp", "ldap_udp"}, Scenarios: []string{"ldap"}, begins: ldap},
	{Name: "smb", TCP: []uint16{445, 139}, Others: []string{"gssapi", "ntlm", "dce_rpc"}, Scenarios: []string{"smb"}, begins: smb},
	{Name: "krb", TCP: []uint16{88}, UDP: []uint16{88}, Others: []string{"krb_tcp", "kerberos"}, Scenarios: []string{"kerberos"}},
	{Name: "netbios-ns", UDP: []uint16{137}, Others: []string{"nbns", "netbios"}, Scenarios: []string{"netbios"}},
	{Name: "netbios-dgm", UDP: []uint16{138}},
	{Name: "mdns", UDP: []uint16{5353}, Scenarios: []string{"mdns"}},
	{Name: "llmnr", UDP: []uint16{5355}},
	{Name: "ssdp", UDP: []uint16{1900}, begins: ssdp},
	{Name: "dhcp", UDP: []uint16{67, 68}},
	{Name: "snmp", UDP: []uint16{161, 162}},
	{Name: "mysql", TCP: []uint16{3306}, Scenarios: []string{"sql"}, begins: mysql},
	{Name: "postgresql", TCP: []uint16{5432}, Others: []string{"postgres"}, Scenarios: []string{"sql"}, begins: postgresql},
	{Name: "irc", TCP: []uint16{6667, 6697}, Scenarios: []string{"irc"}, begins: irc},
	{Name: "bittorrent", TCP: []uint16{6881}, UDP: []uint16{6881}, Scenarios: []string{"bittorrent"}, begins: bittorrent},
	{Name: "syncthing", TCP: []uint16{22000}, Scenarios: []string{"syncthing"}},
	{Name: "tftp", UDP: []uint16{69}, Scenarios: []string{"tftp"}},
	{Name: "rtmp", TCP: []uint16{1935}, Scenarios: []string{"video"}},
	{Name: "mpd", TCP: []uint16{6600}, Scenarios: []string{"music"}, begins: greeting("OK MPD")},
	{Name: "icmp", Scenarios: []string{"ping"}},
	{Name: "telnet", TCP: []uint16{23}},
	{Name: "rdp", TCP: []uint16{3389}, UDP: []uint16{3389}},
	{Name: "sip", TCP: []uint16{5060}, UDP: []uint16{5060}, begins: sip},
	{Name: "rtsp", TCP: []uint16{554}},
	{Name: "syslog", TCP: []uint16{514}, UDP: []uint16{514}},
	{Name: "radius", UDP: []uint16{1812, 1813}},
	{Name: "mqtt", TCP: []uint16{1883}},
	{Name: "vnc", TCP: []uint16{5900}, Others: []string{"rfb"}, begins: greeting("RFB ")},
}

// Named gives the service of a name, as Zeek or this package writes it, nil when there is none. Zeek names several,
// separated by commas, when one speaks inside another; the first that is known counts.
func Named(name string) *Service {
	for one := range strings.SplitSeq(strings.ToLower(name), ",") {
		for _, s := range All {
			if s.Name == one || slices.Contains(s.Others, one) {
				return s
			}
		}
	}
	return nil
}

// Protocol numbers (IANA).
const (
	protocolICMP   = 1
	protocolTCP    = 6
	protocolUDP    = 17
	protocolICMPv6 = 58
)

// ByPort gives the service whose port a flow goes to, nil when there is none. protocol is the IP protocol's number.
func ByPort(protocol uint8, port uint16) *Service {
	if protocol == protocolICMP || protocol == protocolICMPv6 {
		return Named("icmp")
	}
	for _, s := range All {
		if protocol == protocolTCP && slices.Contains(s.TCP, port) || protocol == protocolUDP && slices.Contains(s.UDP, port) {
			return s
		}
	}
	return nil
}

// Recognise gives the service that the first bytes of a client's and a server's payload are of, nil when they are of
// none that is known. Either may be empty.
func Recognise(protocol uint8, client, server []byte) *Service {
	for _, s := range All {
		if s.begins == nil || protocol == protocolTCP && s.TCP == nil || protocol == protocolUDP && s.UDP == nil {
			continue
		}
		if s.begins(client, server) {
			return s
		}
	}
	return nil
}
