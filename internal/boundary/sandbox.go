package boundary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// A sandbox is a container that runs one program as tight as a host of a lab and without a network: in a user namespace,
// with masked kernel files and the filter of system calls. When it ends for whatever reason, and when the thread that
// started it ends, the kernel ends all it started.

// Sandbox is what all sandboxes have (OCI runtime specification 1.0): no capability, no file but those of its root.
func Sandbox(root string, args ...string) *specs.Spec {
	return &specs.Spec{
		Version:     "1.0.2",
		Hostname:    "localhost",
		Root:        &specs.Root{Path: root},
		Process:     &specs.Process{Args: args, Cwd: "/", NoNewPrivileges: true, Capabilities: &specs.LinuxCapabilities{}},
		Annotations: Compiled(),
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{
				{Type: specs.PIDNamespace}, {Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace},
				{Type: specs.NetworkNamespace}, {Type: specs.CgroupNamespace},
				{Type: specs.UserNamespace, Path: "/proc/self/fd/3"},
			},
			Seccomp: SystemCalls(),
		},
	}
}

// SandboxCommand gives the command that runs a sandbox in a user namespace and, unless it is nil, in a group. It writes
// below dir. more are further files that the runtime keeps open. The command's own error streams are the program's.
func SandboxCommand(ctx context.Context, dir string, sandbox *specs.Spec, user *os.File, group *Group, more ...*os.File) (*exec.Cmd, error) {
	runtimePath, err := FindRuntime()
	if err != nil {
		return nil, err
	}
	bundle, err := os.MkdirTemp(dir, "bundle-")
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(sandbox)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(bundle, "config.json"), config, 0o644); err != nil {
		return nil, err
	}
	// The runtime is the first process of a PID namespace, so that everything ends with it.
	cmd := exec.CommandContext(ctx, "/bin/sh", "-euc", `for f in $1; do echo 0 >"$f"; done; shift; mount -t proc proc /proc; exec "$@"`, "sh",
		strings.Join(group.Enter(), " "), runtimePath, "--root", filepath.Join(bundle, "state"), "--cgroup-manager=disabled", "run", "--bundle", bundle, "sandbox")
	cmd.Dir = "/"
	cmd.ExtraFiles = append([]*os.File{user}, more...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   unix.CLONE_NEWPID,
		Unshareflags: unix.CLONE_NEWNS,
		Pdeathsig:    unix.SIGKILL, // when the thread ends
		Setsid:       true,         // a terminal's Ctrl-C reaches detgen, which ends the sandbox
	}
	return cmd, nil
}

// NewUserNamespace makes the user namespace of sandboxes, whose IDs are first and those that follow on this kernel. The
// caller closes it.
func NewUserNamespace(first int) (*os.File, error) {
	// No user namespaces below it; the filter of system calls cannot tell what clone3(2) is asked for.
	cmd := exec.Command("/bin/sh", "-euc", "echo 0 >/proc/sys/user/max_user_namespaces; exec cat") // ends when its input does
	ids := IDs(first)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
		Credential: &syscall.Credential{}, Pdeathsig: syscall.SIGKILL,
	}
	input, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("make a user namespace: %w", err)
	}
	user, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	input.Close()
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return nil, fmt.Errorf("make a user namespace: %w", err)
	}
	return user, nil
}

// OwnMounts gives this thread, which must end soon, a mount namespace in which the OCI runtimes work, with an empty
// folder that everybody can walk to: Scratch.
func OwnMounts() error {
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("make a mount namespace: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := PrepareRuntime(); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", Scratch, "tmpfs", unix.MS_NOSUID, "mode=755"); err != nil {
		return fmt.Errorf("mount a tmpfs on %s: %w", Scratch, err)
	}
	return nil
}
