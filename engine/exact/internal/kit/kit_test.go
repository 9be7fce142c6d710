package kit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// entry is one file of an archive, as TestCpio reads it.
type entry struct {
	name, content string
	mode          int64
}

// readCpio reads archives in the newc format, one after the other.
func readCpio(t *testing.T, b []byte) []entry {
	t.Helper()
	var list []entry
	for offset := 0; offset < len(b); {
		if b[offset] == 0 { // padding
			offset += 4
			continue
		}
		header := string(b[offset : offset+110])
		if header[:6] != "070701" {
			t.Fatalf("offset %d: magic %q", offset, header[:6])
		}
		field := func(i int) int64 {
			v, err := strconv.ParseInt(header[6+8*i:14+8*i], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		size, length := int(field(6)), int(field(11))
		name := string(b[offset+110 : offset+110+length-1])
		data := (offset + 110 + length + 3) &^ 3
		offset = (data + size + 3) &^ 3
		list = append(list, entry{name, string(b[data : data+size]), field(1)})
		if field(5) != 0 || field(2) != 0 || field(3) != 0 {
			t.Errorf("%s: time %d, owner %d:%d", name, field(5), field(2), field(3))
		}
	}
	return list
}

func TestCpio(t *testing.T) {
	var b bytes.Buffer
	for range 2 { // archives may follow each other
		c := NewCpio(&b)
		c.Directory("etc")
		c.File("a/b/file", 0o640, 5, strings.NewReader("12345"))
		c.Symlink("a/link", "b/file")
		c.Character("dev/null", 0o666, 1, 3)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if half := b.Len() / 2; !bytes.Equal(b.Bytes()[:half], b.Bytes()[half:]) {
		t.Error("the same files give different archives")
	}
	one := []entry{
		{"etc", "", 0o40755}, {"a", "", 0o40755}, {"a/b", "", 0o40755}, {"a/b/file", "12345", 0o100640},
		{"a/link", "b/file", 0o120777}, {"dev", "", 0o40755}, {"dev/null", "", 0o20666}, {"TRAILER!!!", "", 0},
	}
	if got := readCpio(t, b.Bytes()); !slices.Equal(got, append(slices.Clone(one), one...)) {
		t.Errorf("got %v", got)
	}
}

func TestCpioErrors(t *testing.T) {
	c := NewCpio(&bytes.Buffer{})
	c.File("short", 0o644, 10, strings.NewReader("12345"))
	if err := c.Close(); err == nil || !strings.Contains(err.Error(), "short: unexpected EOF") {
		t.Errorf("got %v", err)
	}
	c = NewCpio(&bytes.Buffer{})
	if err := c.File("huge", 0o644, 1<<32, strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "do not fit") {
		t.Errorf("got %v", err)
	}
}

func TestLoadOrder(t *testing.T) {
	depends := map[string]string{"overlay": "", "netem": "core", "core": "libcrc", "libcrc": "", "a": "b", "b": "a", "lost": "nowhere"}
	load := func(name string) (module, error) {
		d, ok := depends[name]
		if !ok {
			return module{}, fmt.Errorf("kernel 6 has no module %s", name)
		}
		m := module{name: name}
		if d != "" {
			m.depends = []string{d}
		}
		return m, nil
	}
	for _, c := range []struct{ names, want, err string }{
		{"overlay netem libcrc", "overlay libcrc core netem", ""},
		{"tun netem", "libcrc core netem", ""}, // tun is part of the kernel
		{"a", "", "kernel modules depend on each other: a -> b -> a"},
		{"overlay lost", "", "kernel 6 has no module nowhere"},
	} {
		order, err := loadOrder(strings.Fields(c.names), map[string]bool{"tun": true}, load)
		var names []string
		for _, m := range order {
			names = append(names, m.name)
		}
		if got := strings.Join(names, " "); got != c.want || c.err == "" && err != nil || c.err != "" && (err == nil || err.Error() != c.err) {
			t.Errorf("%s: %q, error %v", c.names, got, err)
		}
	}
}

func TestModuleName(t *testing.T) {
	for path, want := range map[string]string{
		"lib/modules/6.12/kernel/drivers/nvdimm/nd-pmem.ko.xz": "nd_pmem", "kernel/net/veth.ko": "veth", "modules.dep": "",
	} {
		if name, ok := moduleName(path); ok != (want != "") || ok && name != want {
			t.Errorf("%s: %q, %v", path, name, ok)
		}
	}
	if _, err := parseModule("x", []byte("text")); err == nil || !strings.Contains(err.Error(), "kernel module x") {
		t.Errorf("got %v", err)
	}
}

// bzImage makes a kernel image around a payload.
func bzImage(payload []byte, size int) []byte {
	b := make([]byte, 5*512)
	b[0x1f1] = 4
	copy(b[0x202:], "HdrS")
	binary.LittleEndian.PutUint32(b[0x248:], 16)
	binary.LittleEndian.PutUint32(b[0x24c:], uint32(len(payload)+4))
	b = append(b, make([]byte, 16)...)
	return binary.LittleEndian.AppendUint32(append(b, payload...), uint32(size))
}

func TestVmlinux(t *testing.T) {
	kernel := make([]byte, 64) // an ELF header and nothing else
	copy(kernel, "\x7fELF\x02\x01\x01")
	copy(kernel[16:], []byte{2, 0, 62, 0, 1})
	kernel[52], kernel[54], kernel[58] = 64, 56, 64
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	zstandard := w.EncodeAll(kernel, nil)
	var legacy bytes.Buffer
	l := lz4.NewWriter(&legacy)
	err = errors.Join(l.Apply(lz4.LegacyOption(true)), func() error { _, err := l.Write(kernel); return err }(), l.Close())
	if err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string][]byte{"zstd": zstandard, "lz4": legacy.Bytes()} {
		if got, err := vmlinux(bzImage(payload, len(kernel))); err != nil || !bytes.Equal(got, kernel) {
			t.Errorf("%s: %d bytes, error %v", name, len(got), err)
		}
	}
	for _, c := range []struct {
		image []byte
		want  string
	}{
		{nil, "not a bzImage"},
		{make([]byte, 4096), "not a bzImage"},
		{bzImage(zstandard, 65), "64 bytes, but its header says 65"},
		{bzImage([]byte("BZh91AY"), 64), "compressed in an unknown way"},
		{bzImage(zstandard, 64)[:5*512+20], "bzImage without a payload"},
	} {
		if _, err := vmlinux(c.image); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestLibrariesAreFoundOrNamed(t *testing.T) {
	if _, err := libraries([]byte("text"), nil); err == nil {
		t.Error("a text is no program")
	}
}
