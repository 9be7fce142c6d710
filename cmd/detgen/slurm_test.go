package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"detgen/dataset"
	"detgen/internal/labtest"
)

// clusterScript starts a cluster of two nodes of one core in the namespaces that it is in, and stays. Arguments: a folder,
// and "pin" to give each node a core of the machine to itself.
const clusterScript = `
cd "$1"
hostname lab
ip link set lo up
ip address add 10.0.0.1/32 dev lo # Slurm's look-up of 127.0.0.1 wants a host with another address (AI_ADDRCONFIG)
dd if=/dev/urandom of=munge.key bs=1024 count=1 status=none
chmod 0400 munge.key
munged --foreground --key-file="$1/munge.key" --socket="$1/munge.socket" --pid-file="$1/munged.pid" --log-file="$1/munged.log" --seed-file="$1/munged.seed" >munged.out 2>&1 &
mkdir state spool-n1 spool-n2
slurmctld -D >ctld.out 2>&1 &
for core in 0 1; do
	node=n$((core + 1))
	if [ "$2" = pin ]; then run="taskset -c $core"; else run=; fi
	$run slurmd -D -N $node >$node.out 2>&1 &
	echo $! >$node.pid
done
echo started
wait # and reap what Slurm leaves to the first process
`

// clusterConfig is a slurm.conf(5). Nodes that do not answer are given up soon, and their jobs go elsewhere.
const clusterConfig = `ClusterName=lab
SlurmctldHost=lab(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=%[1]s/munge.socket
StateSaveLocation=%[1]s/state
SlurmdSpoolDir=%[1]s/spool-%%n
SlurmctldPidFile=%[1]s/ctld.pid
SlurmdPidFile=%[1]s/d-%%n.pid
SlurmctldLogFile=%[1]s/ctld.log
SlurmdLogFile=%[1]s/d-%%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
MpiDefault=none
SlurmdTimeout=15
NodeName=n1 NodeHostname=lab NodeAddr=127.0.0.1 Port=17001 CPUs=1
NodeName=n2 NodeHostname=lab NodeAddr=127.0.0.1 Port=17002 CPUs=1
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
`

// cluster is a Slurm cluster in namespaces of its own: everything in it ends with its first process.
type cluster struct {
	t   testing.TB
	dir string
	pid int
}

func startCluster(t testing.TB, pin string) *cluster {
	t.Helper()
	dir, err := os.MkdirTemp("", "slurm-")
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, dir: dir}
	if err := os.Chmod(dir, 0o755); err != nil { // munged wants others to reach its socket
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "slurm.conf"), fmt.Appendf(nil, clusterConfig, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("unshare", "--net", "--uts", "--pid", "--mount", "--mount-proc", "--fork", "--kill-child", "sh", "-euc", clusterScript, "sh", dir, pin)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(dir, "slurm.conf"))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			for _, log := range []string{"ctld.log", "d-n1.log", "d-n2.log", "munged.out"} {
				text, _ := os.ReadFile(filepath.Join(dir, log))
				t.Logf("%s:\n%s", log, text[max(0, len(text)-2000):])
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	if c.pid, err = strconv.Atoi(strings.TrimSpace(string(children))); err != nil {
		t.Fatal(err)
	}
	c.await("two idle nodes", func() bool {
		out, _ := c.command("sinfo", "--noheader", "--Node", "--format=%T").Output()
		return string(out) == "idle\nidle\n"
	})
	return c
}

// command prepares a command inside the cluster.
func (c *cluster) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), "nsenter", append([]string{"--target", strconv.Itoa(c.pid), "--net", "--uts", "--pid", "--mount"}, args...)...)
	cmd.Env = append(os.Environ(), "SLURM_CONF="+filepath.Join(c.dir, "slurm.conf"))
	return cmd
}

// await waits until something is so.
func (c *cluster) await(what string, so func() bool) {
	c.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-c.t.Context().Done():
			c.t.Fatalf("%s: did not come", what)
		case <-tick.C:
		}
	}
}

// tasks gives the processes of detgen that Slurm runs on a node; "": on any.
func (c *cluster) tasks(node string) []int {
	c.t.Helper()
	var pids []int
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, folder := range folders {
		environment, _ := os.ReadFile(filepath.Join(folder, "environ")) // it may be gone
		line, _ := os.ReadFile(filepath.Join(folder, "cmdline"))
		if bytes.Contains(environment, []byte("SLURM_CONF="+c.dir)) && bytes.Contains(environment, []byte("SLURMD_NODENAME="+node)) && bytes.Contains(line, []byte("--shard\x00env/")) {
			pid, err := strconv.Atoi(filepath.Base(folder))
			if err != nil {
				c.t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}

// runsIn counts the runs that are in a dataset's folder.
func runsIn(dir string) int {
	list, _ := filepath.Glob(filepath.Join(dir, dataset.RunsFolder, "[0-9a-f]*", "run.json"))
	return len(list)
}

// TestDatasetBySlurm builds a dataset of the exact engine on a cluster. A task and a node's daemon with its task are killed
// meanwhile. The tables are those of a build without a cluster. An interrupted build leaves no job.
func TestDatasetBySlurm(t *testing.T) {
	needsLab(t)
	path := labtest.Program(t)
	plan := planned(t, `
dataset: echoes
seed: 5
engine: exact
entries:
  - {task: ping/echo, vary: {design: full, factors: {params.count: [1, 2, 3, 4, 5, 6]}}, set: {params.interval: 10ms}}
`)
	whole := filepath.Join(t.TempDir(), "whole")
	if code, _, stderr := outcome(t, exec.CommandContext(t.Context(), path, "dataset", "build", plan, "-o", whole)); code != exitDone {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	c := startCluster(t, "")
	build := func(dir string) *exec.Cmd {
		return c.command(path, "dataset", "build", plan, "-o", dir, "--on", "slurm", "--tasks", "3", "--", "--partition=main")
	}

	stopped := filepath.Join(t.TempDir(), "stopped")
	cmd := build(stopped)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.await("a run", func() bool { return runsIn(stopped) > 0 })
	for _, pid := range c.children(cmd.Process.Pid) {
		syscall.Kill(pid, syscall.SIGINT)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(said.String(), "is cancelled") {
		t.Errorf("interrupted: exit code %d: %s", code, said.String())
	}
	if out, err := c.command("squeue", "--noheader").CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("after an interrupt the queue has %s, %v", out, err)
	}
	if n := runsIn(stopped); n == 0 {
		t.Error("the interrupt took away what was made")
	}

	dir := filepath.Join(t.TempDir(), "cluster")
	cmd = build(dir)
	said.Reset()
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.await("a task on n1", func() bool { return len(c.tasks("n1")) > 0 })
	syscall.Kill(c.tasks("n1")[0], syscall.SIGKILL)
	c.await("a task on n2", func() bool { return len(c.tasks("n2")) > 0 })
	daemon, err := os.ReadFile(filepath.Join(c.dir, "n2.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := c.command("kill", "-9", strings.TrimSpace(string(daemon))).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	for _, pid := range c.tasks("n2") {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	want, got := datasetContents(t, whole), datasetContents(t, dir)
	for _, name := range []string{dataset.RunsTable, dataset.ConnectionsTable, dataset.PacketsTable} {
		if withoutRunJSON(got[name]) != withoutRunJSON(want[name]) {
			t.Errorf("%s is not that of a build without a cluster", name)
		}
	}
	if logs, _ := filepath.Glob(filepath.Join(dir, dataset.SlurmLogs, "*.log")); len(logs) < 4 {
		t.Errorf("the tasks' logs are %v; a killed task was not submitted again", logs)
	}
}

// children gives the processes that a process started.
func (c *cluster) children(pid int) []int {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		c.t.Fatal(err)
	}
	var pids []int
	for _, field := range strings.Fields(string(text)) {
		n, err := strconv.Atoi(field)
		if err != nil {
			c.t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

// cpu is the CPU time that processes of the cluster have taken which are over: those of the tasks, when a job is.
func (c *cluster) cpu() time.Duration {
	c.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.pid))
	if err != nil {
		c.t.Fatal(err)
	}
	var ticks int64 // proc_pid_stat(5): cutime and cstime, the 14th and 15th fields after the name, in hundredths of a second
	for _, field := range strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))[13:15] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			c.t.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// BenchmarkSlurm builds a dataset of 12 exact runs on one node of one core, and on two, in turn. Metrics: how many times as
// fast two are, and the tasks' CPU time. It wants a machine with nothing else to do.
func BenchmarkSlurm(b *testing.B) {
	needsLab(b)
	path := labtest.Program(b)
	plan := planned(b, `
dataset: pages
seed: 5
engine: exact
entries:
  - {task: web/get, runs: 12, set: {params.size: 10kB}}
`)
	warm := filepath.Join(b.TempDir(), "warm") // images and the snapshot are there afterwards
	if out, err := exec.Command(path, "dataset", "build", plan, "-o", warm, "--shard", "0/12").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	c := startCluster(b, "pin")
	for node, core := range map[string]string{"n1": "0", "n2": "1"} {
		out, err := c.command("srun", "--nodelist="+node, "grep", "Cpus_allowed_list", "/proc/self/status").CombinedOutput()
		if err != nil || strings.Fields(string(out))[1] != core {
			b.Fatalf("%s is not on core %s: %s, %v", node, core, out, err)
		}
	}
	var wall, cpu [2]time.Duration
	for b.Loop() {
		for i, exclude := range [][]string{{"--exclude=n2"}, nil} {
			dir := filepath.Join(b.TempDir(), "dataset")
			begin, before := time.Now(), c.cpu()
			args := append([]string{path, "dataset", "build", plan, "-o", dir, "--on", "slurm", "--tasks", "2", "--", "--partition=main"}, exclude...)
			out, err := c.command(args...).CombinedOutput()
			if err != nil {
				b.Fatalf("%v: %s", err, out)
			}
			wall[i] += time.Since(begin)
			cpu[i] += c.cpu() - before
			if err := os.RemoveAll(dir); err != nil {
				b.Fatal(err)
			}
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		b.Fatal(err)
	}
	for i, name := range []string{"one", "two"} {
		b.ReportMetric(wall[i].Seconds()/float64(b.N), "s/"+name)
		b.ReportMetric(cpu[i].Seconds()/float64(b.N), "CPU-s/"+name)
	}
	b.ReportMetric(wall[0].Seconds()/wall[1].Seconds(), "times")
	b.Logf("load average at the end: %s", load)
}
