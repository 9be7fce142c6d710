package image

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"detgen/internal/boundary"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
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
	sandboxProcesses = 4096     // of one user of the sandbox
	sandboxOutput    = 64 << 20 // bytes of the build's log
)

// run returns the script's exit status; err is for everything else that went wrong. It is called on the stage's thread.
func (x sandbox) run(ctx context.Context, b *build, s *stage) (status int, err error) {
	runtimePath, err := boundary.FindRuntime()
	if err != nil {
		return 0, err
	}
	bundle, err := os.MkdirTemp(s.dir, "bundle-")
	if err != nil {
		return 0, err
	}
	config, err := json.Marshal(x.config(s))
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644); err != nil {
		return 0, err
	}
	// The runtime is the first process of a PID namespace, so that everything ends with it.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-euc", `mount -t proc proc /proc; exec "$@"`, "sh", runtimePath,
		"--root", filepath.Join(bundle, "state"), "--cgroup-manager=disabled", "run", "--bundle", bundle, "build")
	cmd.Env = buildEnv()
	cmd.Dir = "/"
	log := &limited{file: b.log, left: sandboxOutput}
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{b.lock.file, s.user} // the lock stays locked as long as the runtime lives
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID,
		Unshareflags: unix.CLONE_NEWNS,
		Pdeathsig:    unix.SIGKILL, // when the stage's thread ends
		Setsid:       true,         // a terminal's Ctrl-C reaches detgen, which ends the sandbox
	}
	if s.worker {
		cmd.SysProcAttr.Credential = &syscall.Credential{} // mount(8) and the runtime want to be root
	}
	err = cmd.Run()
	if ctx.Err() != nil {
		return 0, ctx.Err()
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
		specs.Mount{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "noexec", "nodev", "mode=1777"}})
	if !x.inImage {
		mounts = append(mounts, specs.Mount{Destination: "/tmp", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "nodev", "mode=1777"}})
	}
	var readOnly []string
	for _, proc := range procs {
		readOnly = append(readOnly, proc+"/sys")
	}
	processes := uint64(sandboxProcesses)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &limit); err == nil && s.worker { // who may not raise it
		processes = min(processes, limit.Max)
	}
	return &specs.Spec{
		Version:  "1.0.2",
		Hostname: "localhost",
		Root:     &specs.Root{Path: root},
		Process: &specs.Process{
			Args: append([]string{"/bin/sh", "-euc", x.script, "detgen"}, x.args...),
			Env:  x.env, Cwd: "/", NoNewPrivileges: true,
			Capabilities: &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities, Inheritable: capabilities},
			Rlimits:      []specs.POSIXRlimit{{Type: "RLIMIT_NPROC", Soft: processes, Hard: processes}},
		},
		Mounts: mounts,
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
				{Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
				{Type: specs.UserNamespace, Path: "/proc/self/fd/4"},
			},
			MaskedPaths:   masked(procs...),
			ReadonlyPaths: readOnly,
			Seccomp:       boundary.SystemCalls(),
		},
	}
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
