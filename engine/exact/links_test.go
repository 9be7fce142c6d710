package exact_test

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/record"
)

// The tests of the link drivers run in a guest, whose kernel has NetEm: that both drivers take
// the same settings, and that what they do to frames follows the same laws.
func TestNetEmInTheGuest(t *testing.T) {
	e := needsGuest(t)
	path := filepath.Join(t.TempDir(), "link.test")
	build := exec.Command("go", "test", "-c", "-ldflags", "-s -w", "-o", path, "detgen/lab/link")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // a guest has no libraries
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests of the links: %v\n%s", err, out)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Two thousand frames for each of 17 settings and both drivers take a minute of CPU time: the
	// short test leaves out settings that differ from others in a detail.
	settings := "delay|normal|loss|duplication|corruption|reordering|rate"
	if *soakRuns > 0 {
		settings = ".*"
	}
	run := script(t, `
mkdir /dev/net
mknod /dev/net/tun c 10 200
/root/link.test -netem -test.v -test.run 'NetEm(KernelTakes|Delays|Bridges|Schedule$)'
/root/link.test -netem -test.v -test.run 'NetEmAndSoftConform/^(`+settings+`)$'
`)
	host := &run.Hosts[0]
	host.Capabilities = []string{"MKNOD", "NET_ADMIN", "NET_RAW", "SYS_ADMIN", "SYS_NICE"}
	host.Files = []record.File{{Path: "/root/link.test", Mode: 0o755, Base64: base64.StdEncoding.EncodeToString(program)}}
	run.Timeout, run.Activities[0].Timeout = record.Duration(time.Hour), record.Duration(time.Hour)
	o, err := attempt(t, e, run)
	log, readErr := os.ReadFile(filepath.Join(o.dir, "logs/client/main.log"))
	if err != nil || readErr != nil {
		t.Fatalf("%v, %v\n%s", err, readErr, log)
	}
	t.Logf("%v of virtual time\n%s", time.Duration(o.result.LabTime).Round(time.Second), log)
	if passed := strings.Count("\n"+string(log), "\n--- PASS: TestNetEm"); passed != 5 || strings.Contains(string(log), "--- SKIP") {
		t.Errorf("%d tests of the NetEm driver passed, want 5 and none skipped", passed)
	}
}
