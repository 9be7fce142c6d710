// Package compile compiles the hosts' filter of system calls. Nothing that runs imports it: its test keeps the compiled
// filter that package boundary carries equal to the list there.
package compile

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/elastic/go-seccomp-bpf/arch"
	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Text gives a program as crun takes it: struct sock_filter (linux/filter.h) of each instruction, in base64.
func Text(program []bpf.Instruction) (string, error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return "", err
	}
	var text bytes.Buffer
	if err := binary.Write(&text, binary.LittleEndian, raw); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(text.Bytes()), nil
}

// Offsets in struct seccomp_data (seccomp(2)).
const (
	dataNumber    = 0
	dataArch      = 4
	dataArguments = 16
)

// x32Bit is in the numbers of the calls of x32, which a program may make on x86-64.
const x32Bit = 0x40000000

// span is the calls from one number on, up to the next span's.
type span struct {
	from  uint32
	rules []specs.LinuxSyscall // the first that fits decides
}

// Program gives the program of a filter for x86-64 (BPF; seccomp(2), SECCOMP_SET_MODE_FILTER). A program of another
// architecture, x32 too, is killed. Where several rules have a call, the first that fits decides; no rule, the default.
func Program(f *specs.LinuxSeccomp) ([]bpf.Instruction, error) {
	rules := map[uint32][]specs.LinuxSyscall{}
	for _, r := range f.Syscalls {
		for _, name := range r.Names {
			number, known := arch.X86_64.SyscallNames[name]
			if !known {
				return nil, fmt.Errorf("system call %q is not known", name)
			}
			rules[uint32(number)] = append(rules[uint32(number)], specs.LinuxSyscall{Action: r.Action, ErrnoRet: r.ErrnoRet, Args: r.Args})
		}
	}
	otherwise := []specs.LinuxSyscall{{Action: f.DefaultAction, ErrnoRet: f.DefaultErrnoRet}}
	spans := []span{{0, otherwise}}
	numbers := make([]uint32, 0, len(rules))
	for n := range rules {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if last := &spans[len(spans)-1]; last.from == n {
			last.rules = append(rules[n], otherwise...)
		} else {
			spans = append(spans, span{n, append(rules[n], otherwise...)})
		}
		spans = append(spans, span{n + 1, otherwise})
	}
	spans = slices.CompactFunc(spans, func(a, b span) bool { return same(a.rules[0], b.rules[0]) })
	tree, err := search(spans)
	if err != nil {
		return nil, err
	}
	kill := bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS}
	return append([]bpf.Instruction{
		bpf.LoadAbsolute{Off: dataArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.AUDIT_ARCH_X86_64, SkipTrue: 1},
		kill,
		bpf.LoadAbsolute{Off: dataNumber, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32Bit, SkipTrue: 1},
		kill,
	}, tree...), nil
}

// same tells whether two rules do the same to every call.
func same(a, b specs.LinuxSyscall) bool {
	x, _ := returned(a)
	y, _ := returned(b)
	return len(a.Args) == 0 && len(b.Args) == 0 && x == y
}

// search gives the program that finds the span of the number in A, by halving, and does what its rules say.
func search(spans []span) ([]bpf.Instruction, error) {
	if len(spans) == 1 {
		return decide(spans[0].rules)
	}
	half := len(spans) / 2
	low, err := search(spans[:half])
	if err != nil {
		return nil, err
	}
	high, err := search(spans[half:])
	if err != nil {
		return nil, err
	}
	// A conditional jump reaches 255 instructions, a jump any.
	program := []bpf.Instruction{
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: spans[half].from, SkipTrue: 1},
		bpf.Jump{Skip: uint32(len(low))},
	}
	return append(append(program, low...), high...), nil
}

// decide gives the program of the rules of one call.
func decide(rules []specs.LinuxSyscall) (program []bpf.Instruction, err error) {
	for _, r := range rules {
		action, err := returned(r)
		if err != nil {
			return nil, err
		}
		end := []bpf.Instruction{bpf.RetConstant{Val: action}}
		if len(r.Args) == 0 {
			return append(program, end...), nil
		}
		for _, a := range slices.Backward(r.Args) {
			mask, want := ^uint64(0), a.Value
			switch a.Op {
			case specs.OpEqualTo:
			case specs.OpMaskedEqual:
				mask, want = a.Value, a.ValueTwo
			default:
				return nil, fmt.Errorf("comparison %s of an argument has no program", a.Op)
			}
			for word := range uint32(2) { // little-endian: the low word first
				end = append([]bpf.Instruction{
					bpf.LoadAbsolute{Off: dataArguments + 8*uint32(a.Index) + 4*word, Size: 4},
					bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: uint32(mask >> (32 * word))},
					bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: uint32(want >> (32 * word)), SkipTrue: uint8(len(end))},
				}, end...)
			}
		}
		program = append(program, end...)
	}
	return nil, fmt.Errorf("no rule without conditions at the end of %d", len(rules))
}

// returned gives what a filter returns to the kernel for a rule's action.
func returned(r specs.LinuxSyscall) (uint32, error) {
	switch r.Action {
	case specs.ActAllow:
		return unix.SECCOMP_RET_ALLOW, nil
	case specs.ActErrno:
		if r.ErrnoRet != nil {
			return unix.SECCOMP_RET_ERRNO | uint32(*r.ErrnoRet), nil
		}
	}
	return 0, fmt.Errorf("action %s has no program", cmp.Or(r.Action, "none"))
}
