package compile

import (
	"encoding/binary"
	"flag"
	"os"
	"slices"
	"testing"

	"detgen/internal/boundary"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the filter that package boundary carries")

// TestFilterIsTheList runs the compiled filter over every system call of x86-64, those between and after them, and
// arguments at and beside all that rules compare with, and compares what it returns with the list.
func TestFilterIsTheList(t *testing.T) {
	list := boundary.SystemCalls()
	program, err := Program(list)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d instructions", len(program))
	if len(program) > 4096 {
		t.Errorf("the kernel takes 4096 instructions, not %d (BPF_MAXINSNS)", len(program))
	}
	text, err := Text(program)
	if err != nil {
		t.Fatal(err)
	}
	const file = "../systemcalls.bpf"
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if there, err := os.ReadFile(file); err != nil || string(there) != text {
		t.Errorf("%s is not the list's (%v): go test ./internal/boundary/compile -update", file, err)
	}
	vm, err := bpf.NewVM(program)
	if err != nil {
		t.Fatal(err)
	}
	run := func(arch, number uint32, argument uint64) uint32 {
		data := make([]byte, 64) // the VM reads big-endian words, as of packets
		binary.BigEndian.PutUint32(data[dataNumber:], number)
		binary.BigEndian.PutUint32(data[dataArch:], arch)
		binary.BigEndian.PutUint32(data[dataArguments:], uint32(argument))
		binary.BigEndian.PutUint32(data[dataArguments+4:], uint32(argument>>32))
		got, err := vm.Run(data)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(got)
	}
	// What the list says, read rule by rule.
	want := func(name string, argument uint64) uint32 {
		for _, r := range list.Syscalls {
			if !slices.Contains(r.Names, name) {
				continue
			}
			fits := true
			for _, a := range r.Args {
				if a.Index != 0 {
					t.Fatalf("a rule for %s has argument %d, which this test does not set", name, a.Index)
				}
				fits = fits && (a.Op == specs.OpEqualTo && argument == a.Value || a.Op == specs.OpMaskedEqual && argument&a.Value == a.ValueTwo)
			}
			if fits && r.Action == specs.ActAllow {
				return unix.SECCOMP_RET_ALLOW
			} else if fits {
				return unix.SECCOMP_RET_ERRNO | uint32(*r.ErrnoRet)
			}
		}
		return unix.SECCOMP_RET_ERRNO | uint32(*list.DefaultErrnoRet)
	}
	arguments := []uint64{0, 1 << 31, 1 << 32, 1 << 63, ^uint64(0)}
	for _, r := range list.Syscalls {
		for _, a := range r.Args {
			for _, v := range []uint64{a.Value, a.ValueTwo} {
				arguments = append(arguments, v, v-1, v+1, v|1<<32, v|1<<63)
			}
		}
	}
	answers := map[uint32]int{}
	for number := range uint32(600) {
		name := arch.X86_64.SyscallNumbers[int(number)] // "" for none
		for _, argument := range arguments {
			got := run(unix.AUDIT_ARCH_X86_64, number, argument)
			if want := want(name, argument); got != want {
				t.Fatalf("call %d (%s) with %#x gives %#x, want %#x", number, name, argument, got, want)
			}
			answers[got]++
		}
		for _, other := range []uint32{run(unix.AUDIT_ARCH_I386, number, 0), run(unix.AUDIT_ARCH_X86_64, number|x32Bit, 0), run(unix.AUDIT_ARCH_X86_64, number|1<<31, 0)} {
			if other != unix.SECCOMP_RET_KILL_PROCESS {
				t.Fatalf("call %d of another architecture gives %#x", number, other)
			}
		}
	}
	if len(answers) != 3 {
		t.Errorf("answers %v, want all of: go on, EPERM, ENOSYS", answers)
	}
}

// TestFilterRefusesWhatItCannot: a list that would come out otherwise is an error.
func TestFilterRefusesWhatItCannot(t *testing.T) {
	for name, rule := range map[string]specs.LinuxSyscall{
		"unknown call": {Names: []string{"nonsense"}, Action: specs.ActAllow},
		"action":       {Names: []string{"read"}, Action: specs.ActTrace},
		"comparison":   {Names: []string{"read"}, Action: specs.ActAllow, Args: []specs.LinuxSeccompArg{{Op: specs.OpLessThan}}},
	} {
		refused := uint(unix.ENOSYS)
		list := &specs.LinuxSeccomp{DefaultAction: specs.ActErrno, DefaultErrnoRet: &refused, Syscalls: []specs.LinuxSyscall{rule}}
		if _, err := Program(list); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
