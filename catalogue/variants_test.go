package catalogue_test

import (
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/packet"
	"detgen/record"
	"detgen/scenario"
)

// variantSample are tasks of ten scenarios that work in both families, at a tap and over a path.
var variantSample = []testCase{
	{"ping/echo", nil},
	{"web/get", map[string]string{"params.protocol": "https"}},
	{"ftp/get", nil},
	{"ssh/command", nil},
	{"dns/query", nil},
	{"mail/imap", map[string]string{"client.implementation": "s-nail"}},
	{"smb/get", nil},
	{"sql/login", nil},
	{"ldap/search", nil},
	{"tftp/get", map[string]string{"server.implementation": "tftpd-hpa"}},
}

// variantHops is how many routers the path of the variant has.
const variantHops = 3

// variants are the networks on which each of them is played.
var variants = []map[string]string{
	{"network.family": record.IPv6},
	{"network.family": record.Dual},
	{"network.tap": "true"},
	{"path.hops": fmt.Sprint(variantHops), "path.rate": "20mbit", "path.delay": "2ms"},
}

// TestOthersReadVariants plays tasks of ten scenarios over IPv6, over both families, with a tap and over a path, and lets
// tshark read all captures: nothing may be malformed, no checksum wrong, and no expert call it an error. A tap has each
// frame of the hosts once, and routers take their number from the time to live. Without -full it is one run of one task,
// with all of this but IPv6 alone.
func TestOthersReadVariants(t *testing.T) {
	detgen := needLabs(t)
	c := openCatalogue(t)
	tasks, networks := variantSample, variants
	if !*full {
		tasks, networks = tasks[1:2], []map[string]string{{}}
		for _, v := range variants {
			maps.Copy(networks[0], v)
		}
	}
	for _, network := range networks {
		for _, tc := range tasks {
			name, task, _ := strings.Cut(tc.task, "/")
			p := readPlan(t, name)
			s := scenarioOf(t, c, name)
			about := s.About()
			at := slices.IndexFunc(about.Tasks, func(a scenario.AboutTask) bool { return a.Name == task })
			tc = newCase(about, about.Tasks[at], p.Set, nil, network, tc.set)
			t.Run(tc.name(), func(t *testing.T) {
				t.Parallel()
				dir := execute(t, detgen, tc, 1)
				r, err := record.Read(dir)
				if err != nil {
					t.Fatal(err)
				}
				if len(r.Result.Captures) < 2 {
					t.Fatalf("%d captures", len(r.Result.Captures))
				}
				for _, capture := range r.Result.Captures {
					checkByTshark(t, filepath.Join(dir, capture.File), p.Options)
				}
				if tc.set["network.tap"] != "" {
					checkTap(t, r, dir)
				}
				if tc.set["path.hops"] != "" {
					checkHops(t, r, dir)
				}
			})
		}
	}
}

// notWrong are frames that tshark's experts call an error because of what tshark does not know, not of what is in them.
var notWrong = []string{
	"ssh.message_code in {30, 31}", // a key exchange with a post-quantum part is none of a group's numbers (sntrup761x25519-sha512)
}

// checkByTshark lets tshark look for what is wrong with the frames of a capture.
func checkByTshark(t *testing.T, file string, options []string) {
	t.Helper()
	args := append(slices.Clip(options), "-n", "-r", file,
		"-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE",
		// 0xffff is a way to write the sum that is 0 (RFC 1624), which tshark calls wrong.
		"-Y", "_ws.malformed || _ws.expert.severity == error && !("+strings.Join(notWrong, " || ")+") || ip.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || tcp.checksum.status == 0 && tcp.checksum != 0xffff",
		"-T", "fields", "-e", "frame.number", "-e", "_ws.col.Protocol", "-e", "_ws.col.Info", "-e", "_ws.expert.message")
	out, err := exec.CommandContext(t.Context(), "tshark", args...).Output()
	if err != nil {
		t.Fatalf("tshark on %s: %v", file, err)
	}
	if len(out) > 0 {
		t.Errorf("%s: tshark finds wrong:\n%s", filepath.Base(file), out)
	}
}

// checkTap compares the frames of taps with those that the hosts on their networks have sent.
func checkTap(t *testing.T, r *record.Record, dir string) {
	t.Helper()
	sent, tapped := map[string]map[string]int{}, map[string]map[string]int{}
	count := func(to map[string]map[string]int, network string, data []byte) {
		if to[network] == nil {
			to[network] = map[string]int{}
		}
		to[network][string(data)]++
	}
	for _, capture := range r.Result.Captures {
		frames := labtest.Frames(t, filepath.Join(dir, capture.File))
		if capture.IsTap() {
			for _, f := range frames {
				count(tapped, capture.Network, f.Data)
			}
			continue
		}
		card := interfaceOf(t, r, &capture)
		for _, f := range frames {
			if mac := fmt.Sprintf("% x", f.Data[6:12]); mac == strings.ReplaceAll(card.MAC, ":", " ") {
				count(sent, card.Network, f.Data)
			}
		}
	}
	if len(tapped) == 0 || len(tapped) != len(sent) {
		t.Fatalf("%d networks have a tap, hosts send on %d", len(tapped), len(sent))
	}
	for network, frames := range tapped {
		if len(frames) < 4 || !maps.Equal(frames, sent[network]) {
			t.Errorf("network %s: %d different frames at the tap, %d were sent", network, len(frames), len(sent[network]))
		}
	}
}

// interfaceOf gives the network card that a host's capture is of.
func interfaceOf(t *testing.T, r *record.Record, c *record.Capture) *record.Interface {
	t.Helper()
	for _, h := range r.Run.Hosts {
		for i := range h.Interfaces {
			if h.Name == c.Host && h.Interfaces[i].Name == c.Interface {
				return &h.Interfaces[i]
			}
		}
	}
	t.Fatalf("%s: no such interface", c.File)
	return nil
}

// checkHops finds the packets of hosts on one side of the path in the captures of those on the other: each of the routers
// has taken one from their time to live.
func checkHops(t *testing.T, r *record.Record, dir string) {
	t.Helper()
	type seen struct {
		content string // addresses, protocol, number and what is in the datagram
		ttl     uint8
	}
	sent, received := map[seen]bool{}, map[seen]bool{}
	networks := map[string]string{} // address -> network
	for _, h := range r.Run.Hosts {
		for _, i := range h.Interfaces {
			for _, a := range i.Addresses() {
				networks[a.Addr().String()] = i.Network
			}
		}
	}
	for _, capture := range r.Result.Captures {
		if capture.IsTap() || strings.HasPrefix(capture.Host, "hop-") {
			continue
		}
		card := interfaceOf(t, r, &capture)
		for _, f := range labtest.Frames(t, filepath.Join(dir, capture.File)) {
			var h packet.Headers
			packet.Decode(&f, &h)
			from, to := networks[h.Source().String()], networks[h.Destination().String()]
			if h.L4Offset == 0 || from == to {
				continue
			}
			s := seen{fmt.Sprint(h.Source(), h.Destination(), h.Protocol, h.IPID, f.Data[h.L4Offset:]), h.TTL}
			if from == card.Network {
				sent[s] = true
			} else {
				received[s] = true
			}
		}
	}
	if len(received) < 4 {
		t.Errorf("%d packets came over the path", len(received))
	}
	for s := range received {
		s.ttl += variantHops
		if !sent[s] {
			t.Errorf("a packet came with a time to live of %d that nobody sent with %d", s.ttl-variantHops, s.ttl)
		}
	}
}
