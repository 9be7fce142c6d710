package inside

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// The time of a child that leaves its work to a child of its own is counted.
func TestChildUsageCountsGrandchildren(t *testing.T) {
	cmd := exec.Command("sh", "-c", "sh -c 'while :; do :; done' & wait")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	deadline := time.Now().Add(30 * time.Second)
	for {
		cpu, number, err := childUsage(os.Getpid())
		if err != nil || number != 1 {
			t.Fatalf("%d children (%v), want 1", number, err)
		}
		if cpu > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no CPU time is counted")
		}
		time.Sleep(10 * time.Millisecond) // CPU time has no event
	}
}
