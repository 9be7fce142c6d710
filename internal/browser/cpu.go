package browser

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CPU is the processor time that the browser's processes have taken. On a machine that does much else it tells what a page costs
// where a clock does not; on one that does not, a page takes less than that, as several processes share it.
func (b *Browser) CPU() time.Duration {
	b.t.Helper()
	parents, took := map[int]int{}, map[int]time.Duration{}
	var first int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 15 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		parents[pid], took[pid] = parent, time.Duration(user+system)*10*time.Millisecond // clock ticks of 1/100 s: proc(5)
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if first == 0 && strings.Contains(string(command), b.profile) && !strings.Contains(string(command), "--type=") {
			first = pid
		}
	}
	if first == 0 {
		b.t.Fatal("the browser's process is not there")
	}
	var sum time.Duration
	for pid := range took {
		for p := pid; p > 1; p = parents[p] {
			if p == first {
				sum += took[pid]
				break
			}
		}
	}
	return sum
}
