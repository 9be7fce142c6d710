package exact

import "strings"

// commandLine is the guest kernel's command line (Documentation/admin-guide/kernel-parameters.txt).
var commandLine = strings.Join([]string{
	"console=ttyS0", "quiet", "panic=-1", "net.ifnames=0",

	// Randomness comes from the seed alone.
	"random.trust_cpu=off", "random.trust_bootloader=off",

	// The clock is what it is: the virtual CPU's counter of instructions, 1 GHz.
	"tsc=reliable", "clocksource=tsc", "tsc_early_khz=1000000", "lpj=4000000",

	// QEMU keeps what it translated by virtual address: with addresses that are the same in
	// every process, it translates a program once and not at each start.
	"norandmaps",

	// What costs instructions and gives this machine nothing: defences against what shares a
	// processor, watchdogs, self-tests, zeroing of memory at allocation, security modules,
	// accounting of kernel memory.
	"mitigations=off", "nowatchdog", "rcupdate.rcu_cpu_stall_suppress=1", "cryptomgr.notests",
	"init_on_alloc=0", "hardened_usercopy=off", "randomize_kstack_offset=off", "lsm=capability",
	"cgroup.memory=nokmem,nosocket", "transparent_hugepage=never",

	// Copy and clear memory by loops: a string instruction counts once for each 8 bytes, the
	// loop fewer times (see qemu.CPU).
	"clearcpuid=rep_good",

	"DETGEN_GUEST=1", // for the agent
}, " ")
