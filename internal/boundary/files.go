// Package boundary has what keeps programs that nobody trusts from the machine: what hosts of labs, builds of images and
// readers of captures see of the kernel's files, which system calls they may make, which user and group IDs are theirs,
// and how much they may take. docs/security.md tells what each is for.
package boundary

// What of the kernel's files such a program sees (OCI runtime specification, linux.maskedPaths and
// linux.readonlyPaths). A path that this kernel does not have is left out.
var (
	// MaskedPaths are empty: what tells of the machine, or acts on it.
	MaskedPaths = []string{
		"/proc/acpi", "/proc/asound", "/proc/bus", "/proc/cmdline", "/proc/config.gz", "/proc/consoles", "/proc/crypto", "/proc/devices",
		"/proc/diskstats", "/proc/driver", "/proc/dynamic_debug", "/proc/execdomains", "/proc/fb", "/proc/fs", "/proc/interrupts", "/proc/iomem",
		"/proc/ioports", "/proc/irq", "/proc/kallsyms", "/proc/kcore", "/proc/key-users", "/proc/keys", "/proc/kmsg", "/proc/kpagecgroup",
		"/proc/kpagecount", "/proc/kpageflags", "/proc/latency_stats", "/proc/locks", "/proc/mdstat", "/proc/misc", "/proc/modules", "/proc/mtrr",
		"/proc/partitions", "/proc/pressure", "/proc/sched_debug", "/proc/schedstat", "/proc/scsi", "/proc/slabinfo", "/proc/softirqs",
		"/proc/swaps", "/proc/sysrq-trigger", "/proc/sysvipc", "/proc/timer_list", "/proc/timer_stats", "/proc/tty", "/proc/vmallocinfo",
		"/proc/zoneinfo",
		"/sys/block", "/sys/bus", "/sys/dev", "/sys/firmware", "/sys/fs", "/sys/hypervisor", "/sys/kernel", "/sys/module", "/sys/power",
		"/sys/devices/virtual/powercap", "/sys/devices/virtual/dmi", "/sys/devices/virtual/block", "/sys/devices/virtual/thermal",
		"/sys/devices/pci0000:00", "/sys/devices/platform", "/sys/devices/pnp0", "/sys/devices/LNXSYSTM:00",
	}
	// ReadOnlyPaths can be read. A host's network keys are in /proc/sys/net; the lab sets them.
	ReadOnlyPaths = []string{"/proc/sys"}
)
