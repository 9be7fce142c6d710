package record

import (
	"fmt"
	"strings"
)

// Capabilities are the Linux capabilities that a host can have (capabilities(7)), without "CAP_". A host has a
// user namespace of its own, so each holds for the host's own files, processes and network alone. The others
// are for nobody: they act on the computer (SYS_ADMIN, SYS_MODULE, SYS_RAWIO, SYS_TIME, SYS_BOOT, MKNOD, BPF, PERFMON,
// ...), on other processes (SYS_PTRACE), or do nothing in a user namespace (IPC_LOCK, SYS_RESOURCE).
var Capabilities = []Capability{
	{"AUDIT_WRITE", "asked for by sshd and PAM, which go on without the audit that a namespace lacks"},
	{"CHOWN", "owners within the host's range"},
	{"DAC_OVERRIDE", "the host's files"},
	{"DAC_READ_SEARCH", "the host's files; handles to files (open_by_handle_at(2)) are refused to all"},
	{"FOWNER", "the host's files"},
	{"FSETID", "the host's files"},
	{"KILL", "the host's processes"},
	{"NET_ADMIN", "the host's network"},
	{"NET_BIND_SERVICE", "ports below 1024 of the host's network"},
	{"NET_RAW", "raw and packet sockets of the host's network"},
	{"SETGID", "groups within the host's range"},
	{"SETUID", "users within the host's range"},
	{"SYS_CHROOT", "roots within the host's root"},
	{"SYS_NICE", "priorities of the host's processes; the kernel gives no real-time ones"},
}

// Capability is one of Capabilities.
type Capability struct {
	Name string
	For  string // what it gives rights over
}

// CheckCapability gives an error unless a host can have the capability.
func CheckCapability(name string) error {
	var names []string
	for _, c := range Capabilities {
		if c.Name == name {
			return nil
		}
		names = append(names, c.Name)
	}
	return fmt.Errorf("no capability that a host can have: want one of %s", strings.Join(names, ", "))
}
