package catalogue_test

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"detgen/internal/docs"
	"detgen/internal/markdown"
	"detgen/internal/oracle"
	"detgen/record"
)

// programOfReleases is a program whose releases are told apart on the wire.
type programOfReleases struct {
	name, pkg string
	host      string // that has it, and whose release is varied
	task      string
	set       map[string]string
	filter    string // display filter and field of tshark that show its version; "" where none does
	field     string
}

var programsOfReleases = []programOfReleases{
	{name: "OpenSSH", pkg: "openssh-server", host: "server", task: "ssh/command", set: map[string]string{"server.implementation": "openssh"}, filter: "ssh.protocol and tcp.srcport == 22", field: "ssh.protocol"},
	{name: "Dropbear", pkg: "dropbear-bin", host: "server", task: "ssh/command", set: map[string]string{"server.implementation": "dropbear"}, filter: "ssh.protocol and tcp.srcport == 22", field: "ssh.protocol"},
	{name: "nginx", pkg: "nginx", host: "server", task: "web/get", set: map[string]string{"server.implementation": "nginx", "params.protocol": "http"}, filter: "http.server", field: "http.server"},
	{name: "Apache", pkg: "apache2", host: "server", task: "web/get", set: map[string]string{"server.implementation": "apache2", "params.protocol": "http"}, filter: "http.server", field: "http.server"},
	{name: "curl", pkg: "curl", host: "client", task: "web/get", set: map[string]string{"client.implementation": "curl", "params.protocol": "http"}, filter: "http.user_agent", field: "http.user_agent"},
	{name: "Wget", pkg: "wget", host: "client", task: "web/get", set: map[string]string{"client.implementation": "wget", "params.protocol": "http"}, filter: "http.user_agent", field: "http.user_agent"},
	{name: "curl with OpenSSL", pkg: "openssl", host: "client", task: "web/get", set: map[string]string{"client.implementation": "curl", "params.protocol": "https"}},
	{name: "Wget with GnuTLS", pkg: "libgnutls30", host: "client", task: "web/get", set: map[string]string{"client.implementation": "wget", "params.protocol": "https"}},
	{name: "vsftpd", pkg: "vsftpd", host: "server", task: "ftp/get", set: map[string]string{"server.implementation": "vsftpd"}, filter: "ftp.response.code == 220", field: "ftp.response.arg"},
	{name: "BIND", pkg: "bind9", host: "resolver", task: "dns/recursive", set: map[string]string{"resolver.implementation": "bind9"}},
}

// TestReleases runs a program of another release of Debian, and all of programsOfReleases in all releases with -full, and
// compares what it says of itself on the wire with the version in run.json.
func TestReleases(t *testing.T) {
	detgen := needLabs(t)
	var lines []string
	for i, p := range programsOfReleases {
		for _, release := range record.Releases {
			if !*full && (i > 0 || release != "11") {
				continue
			}
			t.Run(p.name+" of "+release, func(t *testing.T) { lines = append(lines, p.run(t, detgen, release)) })
		}
	}
	if *full && !t.Failed() {
		docs.Compare(t, "../docs/releases.md", "releases", strings.Join(lines, ""))
	}
}

func (p programOfReleases) run(t *testing.T, detgen, release string) string {
	set := map[string]string{p.host + ".release": release}
	for key, value := range p.set {
		set[key] = value
	}
	dir := execute(t, detgen, testCase{task: p.task, set: set}, 1)
	rec, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	host := rec.Run.Hosts[slices.IndexFunc(rec.Run.Hosts, func(h record.Host) bool { return h.Name == p.host })]
	if record.ImageOfRelease(host.Image, release) != host.Image {
		t.Errorf("host %s has image %s", p.host, host.Image)
	}
	version := ""
	for _, image := range rec.Result.Images {
		if image.Digest == host.Digest {
			version = cmp.Or(image.Packages[p.pkg], image.Packages[p.pkg+"t64"]) // what Debian 13 calls libraries with 64-bit times
		}
	}
	if version == "" {
		t.Fatalf("run.json has no version of %s", p.pkg)
	}
	capture := filepath.Join(dir, "captures", p.host+".pcap")
	said := ""
	if p.filter != "" {
		if rows := oracle.Tshark(t, capture, p.filter, p.field); len(rows) > 0 {
			said = rows[0][0]
		}
		upstream, _, _ := strings.Cut(version[strings.Index(version, ":")+1:], "-")
		if number, _, _ := strings.Cut(upstream, "p"); !strings.Contains(said, number) && p.name != "Wget" {
			t.Errorf("%s says %q; run.json has version %s", p.name, said, version)
		}
	}
	line := fmt.Sprintf("**%s**, Debian %s, %s %s", p.name, release, p.pkg, version)
	if said != "" {
		line += ": `" + said + "`"
	}
	line += fmt.Sprintf("; %d frames", len(oracle.Tshark(t, capture, "", "frame.number")))
	if hello := oracle.Tshark(t, capture, "tls.handshake.type == 1", "tls.handshake.length", "tls.handshake.extension.type", "tls.handshake.extensions_supported_group"); len(hello) > 0 {
		f := hello[0]
		length, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatalf("ClientHello: %q", hello)
		}
		groups := strings.Split(f[2], ",")
		line += fmt.Sprintf("; ClientHello of %d bytes in %d segments, %d extensions, groups from %s", length+9, (length+9+1447)/1448, len(strings.Split(f[1], ",")), groups[0])
	}
	return markdown.Item("", line)
}
