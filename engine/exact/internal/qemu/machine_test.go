package qemu

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// What makes the machine exact and shuts it in is on its command line, whatever it starts from.
func TestCommandLine(t *testing.T) {
	file := func(name string) *os.File {
		f, err := os.Create(t.TempDir() + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	ram, page, empty, layer := file("ram"), file("page"), file("empty"), file("layer")
	boot := Machine{Kernel: file("kernel"), Initramfs: file("initramfs"), CommandLine: "quiet", RAM: ram, KeepRAM: true, Empty: empty, Page: page, PageSize: 1 << 20}
	resume := Machine{State: file("state"), RAM: ram, Images: []*os.File{layer}, Empty: empty, Page: page, PageSize: 1 << 20}
	var lines [2]string
	for i, m := range []Machine{boot, resume} {
		d := &descriptors{}
		arguments := m.arguments(d, file("console"))
		lines[i] = strings.Join(arguments, " ")
		for _, want := range []string{
			"-nodefaults", "-icount shift=0,sleep=off,align=off,rr=record,rrfile=/dev/null", "-rdrand,-rdseed",
			"-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-smp 1", "-no-reboot",
		} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("the command line lacks %s", want)
			}
		}
		for _, never := range []string{"-nic", "-netdev", "-net", "virtio-net", "e1000", "-drive", "-fsdev", "-usb"} {
			if slices.Contains(arguments, never) || strings.Contains(lines[i], never+",") {
				t.Errorf("the command line has %s", never)
			}
		}
		for _, f := range d.files {
			if strings.Contains(lines[i], f.Name()) {
				t.Errorf("the command line has the name of a file, %s", f.Name())
			}
		}
	}
	if !strings.Contains(lines[0], "share=on -object memory-backend-file,id=image0") || !strings.Contains(lines[0], "-append quiet") || strings.Contains(lines[0], "-incoming") {
		t.Errorf("a machine that boots: %s", lines[0])
	}
	if !strings.Contains(lines[1], "share=off -object memory-backend-file,id=image0") || !strings.Contains(lines[1], "-S -incoming defer") || strings.Contains(lines[1], "-kernel") {
		t.Errorf("a machine that resumes: %s", lines[1])
	}
}

func TestConsoleKeepsTheEndAndTheReason(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var c console
	var seen []string
	c.start(r, func(line string) { seen = append(seen, line) })
	w.WriteString("[ 1.0] Kernel panic - not syncing: Attempted to kill init!\r\n")
	for range consoleLines {
		w.WriteString("trace\r\n\r\n")
	}
	w.WriteString("the last, without an end of line")
	w.Close()
	<-c.done
	last := c.last()
	if len(last) != consoleLines || last[0] != "trace" || last[consoleLines-1] != "the last, without an end of line" {
		t.Errorf("kept %q", last)
	}
	if len(seen) != consoleLines+2 || c.panicked() != "Attempted to kill init!" {
		t.Errorf("%d lines seen, panic %q", len(seen), c.panicked())
	}
}
