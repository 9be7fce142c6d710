package owners

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// byProgram notes by an eBPF program on the host's control group (bpf-helpers(7), bpf_skb_cgroup_id). Only the computer's
// root may load it.
type byProgram struct {
	seen     *ebpf.Map
	program  *ebpf.Program
	attached link.Link
}

// watchByProgram starts noting what the control group dir and those below it send.
func watchByProgram(dir string) (_ notes, err error) {
	p := &byProgram{}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.seen, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Hash, KeySize: keySize, ValueSize: 8, MaxEntries: maxOwners, Flags: unix.BPF_F_NO_PREALLOC}); err != nil {
		return nil, err
	}
	p.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.CGroupSKB, AttachType: ebpf.AttachCGroupInetEgress, License: "Dual MIT/GPL", Instructions: noteOwner(p.seen.FD()),
	})
	if err != nil {
		return nil, err
	}
	p.attached, err = link.AttachCgroup(link.CgroupOptions{Path: dir, Attach: ebpf.AttachCGroupInetEgress, Program: p.program})
	return p, err
}

func (p *byProgram) read(take func(*key, int64)) error {
	var real, monotonic unix.Timespec
	if err := errors.Join(unix.ClockGettime(unix.CLOCK_REALTIME, &real), unix.ClockGettime(unix.CLOCK_MONOTONIC, &monotonic)); err != nil {
		return fmt.Errorf("read the clocks: %w", err)
	}
	epoch := real.Nano() - monotonic.Nano()
	var k key
	var at uint64
	entries := p.seen.Iterate()
	for entries.Next(&k, &at) {
		take(&k, epoch+int64(at))
	}
	return entries.Err()
}

func (p *byProgram) close() {
	if p.attached != nil {
		p.attached.Close()
	}
	if p.program != nil {
		p.program.Close()
	}
	if p.seen != nil {
		p.seen.Close()
	}
}

// What the program reads of headers, and its stack.
const (
	ipHeader      = 20 // what the program reads of an IPv4 header
	ipFragment    = 6
	ipProtocol    = 9
	ip6Header     = 40
	ip6Next       = 6
	fragmentMask  = 0xff1f   // offset bits as a little-endian load sees them
	mapNoExist    = 1        // BPF_NOEXIST: the first packet's time stays
	frameKey      = -keySize // on the program's stack
	frameTime     = -56
	frameIPHeader = -96
)

// noteOwner is the program: it puts (group, addresses, ports, protocol) -> time into the table
// and lets every packet pass. It sees packets before they are cut into fragments, and follows no extension header of
// IPv6: what has one is noted without ports.
func noteOwner(table int) asm.Instructions {
	pass := asm.Instructions{asm.Mov.Imm(asm.R0, 1).WithSymbol("pass"), asm.Return()}
	load := func(size int32) asm.Instructions { // the IP header to the stack
		return asm.Instructions{
			asm.Mov.Reg(asm.R1, asm.R6),
			asm.Mov.Imm(asm.R2, 0),
			asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameIPHeader),
			asm.Mov.Imm(asm.R4, size),
			asm.FnSkbLoadBytes.Call(),
			asm.JNE.Imm(asm.R0, 0, "pass"),
		}
	}
	copyTo := func(key, header int16, size asm.Size) asm.Instructions {
		return asm.Instructions{
			asm.LoadMem(asm.R1, asm.RFP, frameIPHeader+header, size),
			asm.StoreMem(asm.RFP, frameKey+key, asm.R1, size),
		}
	}
	i := asm.Instructions{asm.Mov.Reg(asm.R6, asm.R1), asm.Mov.Imm(asm.R1, 0)}
	for at := int16(0); at < keySize; at += 8 {
		i = append(i, asm.StoreMem(asm.RFP, frameKey+at, asm.R1, asm.DWord))
	}
	i = append(i, load(ipHeader)...)
	i = append(i,
		asm.LoadMem(asm.R7, asm.RFP, frameIPHeader, asm.Byte),
		asm.Mov.Reg(asm.R8, asm.R7),
		asm.RSh.Imm(asm.R8, 4),
		asm.StoreMem(asm.RFP, frameKey+keyVersion, asm.R8, asm.Byte),
		asm.JEq.Imm(asm.R8, 6, "ipv6"),
		asm.JNE.Imm(asm.R8, 4, "pass"),
		// a later fragment has no ports
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ipFragment, asm.Half),
		asm.And.Imm(asm.R8, fragmentMask),
		asm.JNE.Imm(asm.R8, 0, "pass"),
	)
	i = append(i, copyTo(keySource, ipSource, asm.Word)...)
	i = append(i, copyTo(keyDestination, ipSource+4, asm.Word)...)
	i = append(i,
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ipProtocol, asm.Byte),
		asm.And.Imm(asm.R7, 0x0f),
		asm.LSh.Imm(asm.R7, 2),
		asm.Ja.Label("protocol"),
	)
	six := load(ip6Header)
	six[0] = six[0].WithSymbol("ipv6")
	i = append(i, six...)
	for n := int16(0); n < 16; n += 8 {
		i = append(i, copyTo(keySource+n, ip6Source+n, asm.DWord)...)
		i = append(i, copyTo(keyDestination+n, ip6Source+16+n, asm.DWord)...)
	}
	i = append(i,
		asm.LoadMem(asm.R8, asm.RFP, frameIPHeader+ip6Next, asm.Byte),
		asm.Mov.Imm(asm.R7, ip6Header),
		asm.StoreMem(asm.RFP, frameKey+keyProtocol, asm.R8, asm.Byte).WithSymbol("protocol"),
		// ports of TCP, UDP, SCTP
		asm.JEq.Imm(asm.R8, unix.IPPROTO_TCP, "ports"),
		asm.JEq.Imm(asm.R8, unix.IPPROTO_UDP, "ports"),
		asm.JNE.Imm(asm.R8, unix.IPPROTO_SCTP, "note"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("ports"),
		asm.Mov.Reg(asm.R2, asm.R7),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameKey+keyPorts),
		asm.Mov.Imm(asm.R4, 4),
		asm.FnSkbLoadBytes.Call(),
		asm.JNE.Imm(asm.R0, 0, "pass"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("note"),
		asm.FnSkbCgroupId.Call(),
		asm.StoreMem(asm.RFP, frameKey+keyGroup, asm.R0, asm.DWord),
		asm.FnKtimeGetNs.Call(),
		asm.StoreMem(asm.RFP, frameTime, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, table),
		asm.Mov.Reg(asm.R2, asm.RFP), asm.Add.Imm(asm.R2, frameKey),
		asm.Mov.Reg(asm.R3, asm.RFP), asm.Add.Imm(asm.R3, frameTime),
		asm.Mov.Imm(asm.R4, mapNoExist),
		asm.FnMapUpdateElem.Call(),
	)
	return append(i, pass...)
}
