package image

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"detgen/internal/boundary"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// The scripts of sandboxes.
var (
	//go:embed bootstrap.sh
	bootstrapScript string
	//go:embed install.sh
	installScript string
	//go:embed finish.sh
	finishScript string
)

// sandbox runs a shell script as a container whose root is one of a stage's, without a network and as
// tight as a host of a lab: in a user namespace, with masked kernel files, a filter of system calls
// and the capabilities that builds need. When it ends for whatever reason, and when this process is
// killed, the kernel ends all it started.
type sandbox struct {
	script  string
	args    []string
	env     []string
	inImage bool     // its root is the image's, else the one with this computer's programs
	procs   []string // places of /proc beside its own
}

// capabilities are those of root in a sandbox, over the image's files and the sandbox's processes alone: to give
// files owners and modes, to become other users, to change the root into the image's, and to give programs
// capabilities in their turn (setcap), which count in the hosts' user namespaces.
var capabilities = []string{
	"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
	"CAP_SETFCAP", "CAP_SETGID", "CAP_SETUID", "CAP_SYS_CHROOT",
}

const (
	sandboxOutput = 64 << 20  // bytes of the build's log
	sandboxTmp    = "size=1g" // of a sandbox's /tmp
)

// run returns the script's exit status; err is for everything else that went wrong. It is called on the stage's thread.
// What the sandbox may take, a control group holds; where this process may make none, it looks itself.
func (x sandbox) run(ctx context.Context, b *build, s *stage) (status int, err error) {
	group, check, err := boundary.Hold(s.user, s.limits.Amounts)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, group.Remove()) }()
	watch, stop := boundary.Watched(ctx, check)
	defer stop()
	cmd, err := boundary.SandboxCommand(watch, s.dir, x.config(s), s.user, group, b.lock.file) // the lock stays locked as long as the runtime lives
	if err != nil {
		return 0, err
	}
	cmd.Env = buildEnv()
	log := &limited{file: b.log, left: sandboxOutput}
	cmd.Stdout, cmd.Stderr = log, log
	if s.worker {
		cmd.SysProcAttr.Credential = &syscall.Credential{} // mount(8) and the runtime want to be root
	}
	err = cmd.Run()
	if over := stop(); over != nil {
		return 0, over
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, fmt.Errorf("run in a sandbox: %w", err)
	}
	return 0, nil
}

// config is the sandbox as an OCI container (OCI runtime specification 1.0).
func (x sandbox) config(s *stage) *specs.Spec {
	root := s.tools()
	if x.inImage {
		root = s.image()
	}
	procs := append([]string{"/proc"}, x.procs...)
	var mounts []specs.Mount
	for _, proc := range procs {
		mounts = append(mounts, specs.Mount{Destination: proc, Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}})
	}
	mounts = append(mounts, specs.Mount{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "mode=755", "size=65536k"}},
		specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777", sandboxTmp}})
	if !x.inImage {
		mounts = append(mounts, specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777", sandboxTmp}})
	}
	var readOnly []string
	for _, proc := range procs {
		readOnly = append(readOnly, proc+"/sys")
	}
	config := boundary.Sandbox(root, append([]string{"/bin/sh", "-euc", x.script, "detgen"}, x.args...)...)
	config.Process.Env = x.env
	config.Process.Capabilities = &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities, Inheritable: capabilities}
	config.Process.Rlimits = s.limits.ofEach()
	first := 1000
	config.Process.OOMScoreAdj = &first // to end when the machine has no memory left (proc_pid_oom_score_adj(5))
	config.Mounts, config.Linux.MaskedPaths, config.Linux.ReadonlyPaths = mounts, masked(procs...), readOnly
	return config
}

// limited writes to a build's log until the limit; what is over it is lost, which a line says.
type limited struct {
	file *os.File
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	n := len(p)
	if l.left == 0 {
		return n, nil
	}
	if n > l.left {
		p = append(p[:l.left:l.left], fmt.Sprintf("\n[detgen: cut at %d MiB]\n", sandboxOutput>>20)...)
	}
	l.left = max(0, l.left-n)
	_, err := l.file.Write(p)
	return n, err
}
