// Package qemu starts and steers the virtual machine of engine/exact: QEMU's translator (TCG)
// with counted instructions, one virtual CPU, no network card, and no device that completes
// anything in the host's time. The options and the reasons for them are in
// docs/exactness.md.
package qemu

import (
	"fmt"
	"os"
	"strings"

	"detgen/image"
	"detgen/internal/helper"
)

// The machine's fixed shape. It is part of a snapshot, so a change makes new snapshots.
const (
	Memory   = 2 << 30 // of the guest, bytes
	Slots    = 24      // for image layers
	SlotSize = image.PackedSize
	slotBase = 4 << 30  // guest-physical address of the first slot
	pageBase = 64 << 30 // guest-physical address of the page device
	maxRAM   = 128 << 30
)

// SlotAddress is the guest-physical address of slot i, by which the guest tells the devices
// apart.
func SlotAddress(i int) uint64 { return slotBase + uint64(i)*SlotSize }

// PageAddress is the guest-physical address of the page device.
const PageAddress = pageBase

// Machine is what a virtual machine consists of. The files stay open until Start returned;
// the caller closes them. None is known to the guest by its name.
type Machine struct {
	Kernel      *os.File // uncompressed ELF; nil when State is set
	Initramfs   *os.File // nil when State is set
	CommandLine string   // of the kernel
	RAM         *os.File // Memory bytes long
	KeepRAM     bool     // the guest's writes go to RAM; otherwise they are the process's own
	Images      []*os.File
	Empty       *os.File // SlotSize bytes, for the slots after Images
	Page        *os.File // the page device's file
	PageSize    int64
	SaveTo      *os.File // where Save puts the device state; may be nil
	State       *os.File // a saved device state to start from; nil boots the kernel
}

// descriptors collects the files that the process inherits, after the control connection.
type descriptors struct{ files []*os.File }

// add gives the path under which the process opens the file that f is open on.
func (d *descriptors) add(f *os.File) string {
	return fmt.Sprintf("/proc/self/fd/%d", d.number(f))
}

func (d *descriptors) number(f *os.File) int {
	for i, g := range d.files {
		if g == f {
			return helper.Descriptor + 1 + i
		}
	}
	d.files = append(d.files, f)
	return helper.Descriptor + len(d.files)
}

// arguments gives QEMU's command line.
func (m *Machine) arguments(d *descriptors, console *os.File) []string {
	var a []string
	add := func(option string, values ...string) { a = append(a, "-"+option, strings.Join(values, ",")) }
	flag := func(option string) { a = append(a, "-"+option) }

	flag("nodefaults")
	flag("no-user-config")
	flag("no-reboot") // a guest that panics resets, and that ends the process
	add("display", "none")
	add("machine", "pc", "nvdimm=on", "memory-backend=ram", "hpet=off", "usb=off", "vmport=off",
		"suppress-vmdesc=on")
	add("accel", "tcg", "thread=single")
	// One instruction is one nanosecond; time spent waiting is skipped. Recording a replay log
	// (thrown away) is what makes the order of the two threads certain.
	add("icount", "shift=0", "sleep=off", "align=off", "rr=record", "rrfile=/dev/null")
	add("cpu", CPU)
	add("smp", "1")
	add("m", fmt.Sprintf("%dM", Memory>>20), fmt.Sprintf("slots=%d", Slots+1), fmt.Sprintf("maxmem=%dG", maxRAM>>30))
	add("seed", "1")
	add("rtc", "base=2026-01-01T00:00:00", "clock=vm")
	share := "share=off"
	if m.KeepRAM {
		share = "share=on"
	}
	add("object", "memory-backend-file", "id=ram", "mem-path="+d.add(m.RAM), fmt.Sprintf("size=%d", Memory), share)
	for i := range Slots {
		f := m.Empty
		if i < len(m.Images) {
			f = m.Images[i]
		}
		id := fmt.Sprintf("image%d", i)
		add("object", "memory-backend-file", "id="+id, "mem-path="+d.add(f), fmt.Sprintf("size=%d", SlotSize), "share=on", "readonly=on")
		add("device", "nvdimm", "memdev="+id, fmt.Sprintf("slot=%d", i), fmt.Sprintf("addr=%#x", SlotAddress(i)), "unarmed=on")
	}
	add("object", "memory-backend-file", "id=page", "mem-path="+d.add(m.Page), fmt.Sprintf("size=%d", m.PageSize), "share=on")
	add("device", "nvdimm", "memdev=page", fmt.Sprintf("slot=%d", Slots), fmt.Sprintf("addr=%#x", uint64(PageAddress)))
	add("device", "pvpanic") // a byte written to its port pauses the machine at that instruction
	add("action", "panic=pause")
	add("chardev", "file", "id=console", "path="+d.add(console))
	add("serial", "chardev:console")
	add("chardev", "socket", "id=control", fmt.Sprintf("fd=%d", helper.Descriptor))
	add("mon", "chardev=control", "mode=control")
	if m.State != nil {
		flag("S") // stay paused when the state is loaded
		add("incoming", "defer")
	} else {
		add("kernel", d.add(m.Kernel))
		add("initrd", d.add(m.Initramfs))
		add("append", m.CommandLine)
	}
	add("global", "migration.send-configuration=off") // as saving devices alone leaves it out
	add("sandbox", "on", "obsolete=deny", "elevateprivileges=deny", "spawn=deny", "resourcecontrol=deny")
	return a
}

// Shape describes everything of the command line that is not a file: two snapshots of
// machines with different shapes are different.
func Shape() string {
	m := Machine{PageSize: 0}
	d := &descriptors{}
	return strings.Join(m.arguments(d, nil), " ")
}

// CPU is QEMU's name of the virtual CPU: everything that the translator knows, but
//   - no random number instructions, which would give the host's randomness,
//   - no fast string instructions (ERMS): each byte that they move counts as an instruction,
//     while the loops that programs use instead move 32 bytes in a few.
const CPU = "max,-rdrand,-rdseed,-erms,la57=off"
