package boundary

import (
	_ "embed"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// SystemCalls is the filter of what programs may ask of the kernel (seccomp(2)): a list
// of what programs need. A known call that is not for them gives EPERM; any other, as one of
// a newer kernel, ENOSYS, which the C library takes as a reason for an older way.
func SystemCalls() *specs.LinuxSeccomp {
	refused, unknown := uint(unix.EPERM), uint(unix.ENOSYS)
	rule := func(names string, action specs.LinuxSeccompAction, args ...specs.LinuxSeccompArg) specs.LinuxSyscall {
		r := specs.LinuxSyscall{Names: strings.Fields(names), Action: action, Args: args}
		if action == specs.ActErrno {
			r.ErrnoRet = &refused
		}
		return r
	}
	filter := &specs.LinuxSeccomp{
		DefaultAction: specs.ActErrno, DefaultErrnoRet: &unknown,
		Architectures: []specs.Arch{specs.ArchX86_64},
		Syscalls: []specs.LinuxSyscall{
			rule(allowedCalls, specs.ActAllow),
			rule(refusedCalls, specs.ActErrno),
			// New namespaces are refused in clone(2); for clone3(2), whose flags are in memory, the
			// kernel refuses them: the host has no CAP_SYS_ADMIN and may make no user namespace.
			rule("clone", specs.ActAllow, specs.LinuxSeccompArg{Value: newNamespaces, ValueTwo: 0, Op: specs.OpMaskedEqual}),
			// Linux on x86-64 alone, or the same with an address space that is not randomised (personality(2)).
			rule("personality", specs.ActAllow, specs.LinuxSeccompArg{Value: 0, Op: specs.OpEqualTo}),
			rule("personality", specs.ActAllow, specs.LinuxSeccompArg{Value: addrNoRandomize, Op: specs.OpEqualTo}),
			rule("personality", specs.ActAllow, specs.LinuxSeccompArg{Value: 0xffffffff, Op: specs.OpEqualTo}),
		},
	}
	for bit := uint64(1); bit <= newNamespaces; bit <<= 1 {
		if bit&newNamespaces != 0 {
			// Programs that would like a namespace do without when the answer is EPERM, as to a user who may not.
			filter.Syscalls = append(filter.Syscalls,
				rule("clone", specs.ActErrno, specs.LinuxSeccompArg{Value: bit, ValueTwo: bit, Op: specs.OpMaskedEqual}))
		}
	}
	for _, family := range socketFamilies {
		for _, call := range []string{"socket", "socketpair"} {
			filter.Syscalls = append(filter.Syscalls,
				rule(call, specs.ActAllow, specs.LinuxSeccompArg{Value: family, Op: specs.OpEqualTo}))
		}
	}
	return filter
}

// compiled is the same list as a program of the kernel's (BPF, in base64), for x86-64; package compile makes it.
//
//go:embed systemcalls.bpf
var compiled string

// Compiled gives the annotation in which crun takes the compiled filter instead of compiling SystemCalls (crun(1)), which
// takes some 4 ms for each container, and many times that in the exact engine's guest. runc ignores it and compiles the
// list.
func Compiled() map[string]string { return map[string]string{"run.oci.seccomp_bpf_data": compiled} }

// newNamespaces are the flags of clone(2) that make a namespace. (CLONE_NEWTIME is one of
// clone3(2) and unshare(2) alone.)
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC |
	unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET

// addrNoRandomize is ADDR_NO_RANDOMIZE of personality(2).
const addrNoRandomize = 0x0040000

// socketFamilies are the address families that hosts have: those that belong to a network
// namespace. AF_VSOCK, which reaches the machine's hypervisor, and AF_ALG are not among them.
var socketFamilies = []uint64{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK, unix.AF_PACKET}

// allowedCalls are the system calls that a host's programs may make with any arguments.
const allowedCalls = `
	accept accept4 access adjtimex alarm arch_prctl bind brk cachestat capget capset chdir chmod chown chroot
	clock_adjtime clock_getres clock_gettime clock_nanosleep clone3 close close_range connect copy_file_range creat
	dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
	epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64 fallocate
	fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork
	fremovexattr fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
	futimesat get_mempolicy get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid geteuid
	getgid getgroups getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid
	getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getxattr inotify_add_watch
	inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit
	ioctl ioprio_get ioprio_set kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
	lgetxattr link linkat listen listxattr llistxattr lremovexattr lseek lsetxattr lstat madvise map_shadow_stack
	mbind membarrier memfd_create mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap modify_ldt
	mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal msgctl msgget
	msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat open openat openat2 pause
	pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll prctl pread64 preadv
	preadv2 prlimit64 process_mrelease pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv
	recvfrom recvmmsg recvmsg remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq
	rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
	rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam
	sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler
	sched_yield seccomp select semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto set_mempolicy
	set_robust_list set_thread_area set_tid_address setfsgid setfsuid setgid setgroups setitimer setpgid setpriority
	setregid setresgid setresuid setreuid setrlimit setsid setsockopt setuid setxattr shmat shmctl shmdt shmget
	shutdown sigaltstack signalfd signalfd4 splice stat statfs statmount statx symlink symlinkat sync
	sync_file_range syncfs sysinfo tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime
	timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat
	utime utimensat utimes vfork vmsplice wait4 waitid write writev`

// refusedCalls are the known system calls that no program of a host may make: the machine's
// clock, modules, keys, mounts, namespaces, raw hardware, swap and power; other processes'
// memory; and the parts of the kernel that attackers like best and hosts do without.
const refusedCalls = `
	acct add_key afs_syscall bpf clock_settime create_module delete_module fanotify_init finit_module fsconfig
	fsmount fsopen fspick get_kernel_syms getpmsg init_module io_uring_enter io_uring_register io_uring_setup ioperm
	iopl kcmp kexec_file_load kexec_load keyctl listmount lookup_dcookie lsm_get_self_attr lsm_list_modules
	lsm_set_self_attr memfd_secret migrate_pages mount mount_setattr move_mount move_pages nfsservctl
	open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise process_vm_readv
	process_vm_writev ptrace putpmsg query_module quotactl quotactl_fd reboot request_key
	set_mempolicy_home_node setdomainname sethostname setns settimeofday swapoff swapon sysfs
	syslog tuxcall umount2 unshare uselib userfaultfd ustat vhangup vserver`
