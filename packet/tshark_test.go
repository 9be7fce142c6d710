package packet

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"detgen/internal/oracle"
)

// tsharkConfig makes, once, a Wireshark configuration in which nothing above the transport layer is dissected, so
// that the reference is quick and upper dissectors do not take part in it.
var tsharkConfig = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("tshark", "-G", "protocols").Output()
	if err != nil {
		return "", fmt.Errorf("tshark (apt-get install tshark): %w", err)
	}
	dir, err := os.MkdirTemp("", "detgen-wireshark-")
	if err != nil {
		return "", err
	}
	tsharkDir = dir
	keep := map[string]bool{"frame": true, "vlan": true, "ieee8021ad": true, "sll": true, "null": true, "raw": true, "llc": true, "data": true, "ah": true,
		"udp": true, "udplite": true, "sctp": true, "arp": true, "gre": true, "hip": true, "shim6": true, "mipv6": true, "mptcp": true, "chdlc": true, "cfp": true, "pppoe": true, "pppoes": true}
	var disabled bytes.Buffer
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimSpace(line), "\t")
		if len(columns) < 3 || keep[columns[2]] {
			continue
		}
		kept := false
		for _, family := range []string{"eth", "ip", "ipv6", "tcp", "icmp", "icmpv6", "ppp", "mpls"} {
			kept = kept || columns[2] == family || strings.HasPrefix(columns[2], family+".") || strings.HasPrefix(columns[2], family+"_")
		}
		if !kept {
			fmt.Fprintln(&disabled, columns[2])
		}
	}
	return dir, os.WriteFile(filepath.Join(dir, "disabled_protos"), disabled.Bytes(), 0o666)
})

// tsharkDir is what tsharkConfig made, for TestMain to remove.
var tsharkDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if tsharkDir != "" {
		os.RemoveAll(tsharkDir)
	}
	os.Exit(code)
}

// tshark gives the values of the fields for each frame of a capture; several values of a field are
// separated by commas. Frames before damage are there.
func tshark(t testing.TB, path string, fields ...string) [][]string {
	t.Helper()
	dir, err := tsharkConfig()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-r", path, "-n", "-T", "fields", "-E", "occurrence=a", "-E", "separator=/t",
		"-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	cmd.Env = append(os.Environ(), "WIRESHARK_CONFIG_DIR="+dir)
	var out bytes.Buffer
	cmd.Stdout = &out
	err = cmd.Run()
	var rows [][]string
	lines := bufio.NewScanner(&out)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		rows = append(rows, strings.Split(lines.Text(), "\t"))
	}
	if len(rows) == 0 && err != nil {
		t.Logf("tshark: %s: %v", path, err)
	}
	return rows
}

// captures are the files below the folders: the public reference captures, and what DETGEN_CAPTURES names.
func captures(t testing.TB) []string {
	t.Helper()
	var files []string
	for _, dir := range append([]string{oracle.Data(t, "pcaps")}, filepath.SplitList(os.Getenv("DETGEN_CAPTURES"))...) {
		filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				files = append(files, path)
			}
			return nil
		})
	}
	return files
}
