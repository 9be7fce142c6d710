package hostile

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"detgen/internal/labtest"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// What a reader may take for one run directory.
const (
	mostMemory = 1 << 30          // bytes
	mostTime   = 10 * time.Second // of the processor, for one reader
)

// hung is when a process that is read with does not go on: many times mostTime, for others use the machine too.
const hung = 15 * time.Minute

// The process of a test is also the reader under test, with limits of its own.
const (
	readerDir       = "DETGEN_HOSTILE_DIR"
	readerUnchecked = "DETGEN_HOSTILE_UNCHECKED"
	readerNamed     = "DETGEN_HOSTILE_NAMED"
	readerKind      = "DETGEN_HOSTILE_KIND"
)

// outside is in files outside of the run directory, and in nothing that a reader may show.
const outside = "what-stands-outside"

func TestMain(m *testing.M) {
	if path := os.Getenv(readerNamed); path != "" {
		fmt.Println(named[os.Getenv(readerKind)](path))
		os.Exit(0)
	}
	if dir := os.Getenv(readerDir); dir != "" {
		fmt.Print(report(readAll(dir, os.Getenv(readerUnchecked) != "", os.Stdout)))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// read lets a process read a run directory, holds it to the limits, and gives what it showed.
func read(t *testing.T, dir string, unchecked bool) string {
	t.Helper()
	if unchecked {
		return limited(t, readerDir+"="+dir, readerUnchecked+"=1")
	}
	return limited(t, readerDir+"="+dir)
}

// limited lets a process with such an environment read, holds it to the limits, and gives what it showed.
func limited(t *testing.T, environment ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), hung)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), environment...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	text := out.String()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		t.Errorf("did not end within %v", hung)
	case strings.Contains(text, tooLong):
		t.Errorf("a reader took more than %v", mostTime)
	case err != nil:
		t.Errorf("%v: %s", err, text[:min(len(text), 2000)])
	case strings.Contains(text, outside):
		t.Errorf("showed what is outside of the run directory: %s", text)
	}
	if m := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; m > mostMemory {
		t.Errorf("took %d MiB", m>>20)
	}
	return text
}

// set gives a change of run.json: the value at a path, "run.hosts.0.digest"; nil removes it.
func set(path string, value any) func(t *testing.T, dir string) {
	return setIn(record.FileName, path, value)
}

// setIn gives a change of a JSON file.
func setIn(name, path string, value any) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		file := filepath.Join(dir, name)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var root any
		decoder := json.NewDecoder(bytes.NewReader(content))
		decoder.UseNumber()
		if err := decoder.Decode(&root); err != nil {
			t.Fatal(err)
		}
		at, keys := root, strings.Split(path, ".")
		for i, key := range keys {
			last := i == len(keys)-1
			switch node := at.(type) {
			case map[string]any:
				if last {
					node[key] = value
					if value == nil {
						delete(node, key)
					}
				}
				at = node[key]
			case []any:
				var n int
				fmt.Sscan(key, &n)
				if last {
					node[n] = value
				}
				at = node[n]
			default:
				t.Fatalf("nothing is at %s", path)
			}
		}
		if content, err = json.Marshal(root); err != nil {
			t.Fatal(err)
		}
		write(file, string(content))(t, dir)
	}
}

// write gives a change of a file, which is relative to the run directory or absolute.
func write(name, content string) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// replace gives a change that puts something else in a file's place.
func replace(name string, put func(path string) error) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.RemoveAll(path), put(path)); err != nil {
			t.Fatal(err)
		}
	}
}

func fifo(path string) error { return unix.Mkfifo(path, 0o644) }

func device(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))) } // /dev/zero

func linkTo(target string) func(string) error {
	return func(path string) error { return os.Symlink(target, path) }
}

func folder(path string) error { return os.Mkdir(path, 0o755) }

// sparse makes a file of zeros.
func sparse(size int64) func(string) error {
	return func(path string) error {
		return errors.Join(os.WriteFile(path, nil, 0o644), os.Truncate(path, size))
	}
}

// event gives a change of an event of links.log: bytes at an offset in it.
func event(n, offset int, value ...byte) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		path := filepath.Join(dir, record.LinkLogFile)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		const events, size = 20, 64
		copy(content[len(content)-events*size+n*size+offset:], value)
		write(path, string(content))(t, dir)
	}
}

func grow(size int64) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		if err := os.Truncate(filepath.Join(dir, record.LinkLogFile), size); err != nil {
			t.Fatal(err)
		}
	}
}

func both(changes ...func(t *testing.T, dir string)) func(t *testing.T, dir string) {
	return func(t *testing.T, dir string) {
		for _, c := range changes {
			c(t, dir)
		}
	}
}

func swap(t *testing.T, dir string) {
	a, b := filepath.Join(dir, "captures/client.pcap"), filepath.Join(dir, "captures/server.pcap")
	if err := errors.Join(os.Rename(a, a+".tmp"), os.Rename(b, a), os.Rename(a+".tmp", b)); err != nil {
		t.Fatal(err)
	}
}

const evil = "sha256:../../../x/evil"

// hostile are run directories that nobody made, each with what the error about it says; "" where it is read without.
var hostile = map[string]struct {
	change func(t *testing.T, dir string)
	want   string
}{
	"digest that leads out":            {set("run.hosts.0.digest", evil), `run.hosts[0].digest "sha256:../../../x/evil": must be sha256: and 64 hexadecimal digits`},
	"digest in capitals":               {set("run.hosts.0.digest", "sha256:"+strings.Repeat("A", 64)), "run.hosts[0].digest"},
	"digest without an algorithm":      {set("run.hosts.1.digest", strings.Repeat("a", 64)), "run.hosts[1].digest"},
	"digest with a newline":            {set("run.hosts.1.digest", "sha256:"+strings.Repeat("a", 64)+"\n"), "run.hosts[1].digest"},
	"no digest":                        {set("run.hosts.0.digest", nil), "run.hosts[0].digest"},
	"digest of an image":               {set("result.images.0.digest", evil), "result.images[0].digest"},
	"host that leads out":              {set("run.hosts.0.name", "../x"), `run.hosts[0].name "../x"`},
	"host that is a dot":               {set("run.hosts.0.name", "."), "run.hosts[0].name"},
	"host without a name":              {set("run.hosts.0.name", ""), "run.hosts[0].name"},
	"host with an escape":              {set("run.hosts.0.name", "a\x1b[2J"), `run.hosts[0].name "a\x1b[2J"`},
	"long name of a host":              {set("run.hosts.0.name", strings.Repeat("a", 5000)), "run.hosts[0].name"},
	"two hosts of one name":            {set("run.hosts.1.name", "client"), "another host has it"},
	"no hosts":                         {set("run.hosts", []any{}), "run.hosts: is empty"},
	"interface that leads out":         {set("run.hosts.0.interfaces.0.name", "../eth0"), "interfaces[0].name"},
	"network that leads out":           {set("run.networks.0.name", "a/b"), "run.networks[0].name"},
	"service that leads out":           {set("run.hosts.0.services.0.name", "../../main"), "services[0].name"},
	"activity that leads out":          {set("run.activities.0.name", "../main"), "run.activities[0].name"},
	"file of a host that leads out":    {set("run.hosts.0.files.0.path", "/a/../../b"), "files[0].path"},
	"relative file of a host":          {set("run.hosts.0.files.0.path", "etc/motd"), "files[0].path"},
	"MAC that is none":                 {set("run.hosts.0.interfaces.0.mac", "02:00"), "mac"},
	"loss above 1":                     {set("run.hosts.0.interfaces.0.up.loss", 2), "up: loss 2: must be from 0 to 1"},
	"negative delay":                   {set("run.hosts.0.interfaces.0.up.delay", "-1s"), "up: delay -1s"},
	"no activities":                    {set("run.activities", []any{}), "run.activities: is empty"},
	"activities left out":              {set("run.activities", nil), "run.activities: is empty"},
	"no scripts":                       {set("run.activities.0.scripts", []any{}), "run.activities[0].scripts: is empty"},
	"script on no host":                {set("run.activities.0.scripts.0.host", "nobody"), `host "nobody"`},
	"twin that is none":                {set("run.twin", "c"), `run.twin "c"`},
	"status that is none":              {set("result.status", "great"), `result.status "great"`},
	"capture above":                    {set("result.captures.0.file", "../outside.pcap"), "must be the name of a file below the run directory"},
	"absolute capture":                 {set("result.captures.0.file", "/etc/passwd"), "must be the name of a file below the run directory"},
	"roundabout capture":               {set("result.captures.0.file", "captures/../../outside.pcap"), "must be the name of a file below the run directory"},
	"capture without a name":           {set("result.captures.0.file", ""), "must be the name of a file below the run directory"},
	"capture of no host":               {set("result.captures.0.host", "nobody"), `of host "nobody"`},
	"capture of no interface":          {set("result.captures.0.interface", "eth9"), `interface "eth9"`},
	"two captures of an interface":     {set("result.captures.1.host", "client"), "another capture"},
	"10^18 frames":                     {set("result.captures.0.frames", json.Number("1000000000000000000")), "result.captures[0].frames 1000000000000000000"},
	"2^31 frames":                      {set("result.captures.0.frames", 1<<31), "record says 2147483648"},
	"fewer frames":                     {set("result.captures.0.frames", 1), "record says 1"},
	"SHA-256 that is none":             {set("result.captures.0.sha256", ""), "sha256"},
	"SHA-256 of another file":          {set("result.captures.0.sha256", strings.Repeat("0", 64)), "not as it was recorded: its SHA-256"},
	"swapped captures":                 {swap, "not as it was recorded"},
	"longer capture":                   {replace("captures/client.pcap", sparse(5<<30)), "not as it was recorded: it has"},
	"missing capture":                  {replace("captures/client.pcap", func(string) error { return nil }), "captures/client.pcap is missing"},
	"capture that is a pipe":           {replace("captures/client.pcap", fifo), "not a regular file"},
	"capture that is a device":         {replace("captures/client.pcap", device), "not a regular file"},
	"capture that is a folder":         {replace("captures/client.pcap", folder), "not a regular file"},
	"capture that is a link":           {replace("captures/client.pcap", linkTo("../../outside.pcap")), "symbolic link"},
	"captures that are a link":         {replace("captures", linkTo("..")), "symbolic link"},
	"links of a line that is none":     {set("result.links.0.direction", "sideways"), `direction "sideways"`},
	"unknown field":                    {set("run.evil", true), `unknown field "evil"`},
	"no format":                        {set("format", nil), "format: is missing"},
	"another format":                   {set("format", 99), "format 99; this detgen reads format 1"},
	"field of another kind":            {set("run.hosts", "many"), "cannot be a string"},
	"run.json that ends early":         {write(record.FileName, `{"format": 1, "run": {`), "damaged"},
	"empty run.json":                   {write(record.FileName, ""), "ends too early"},
	"two run.json in one":              {func(t *testing.T, dir string) { appendTo(t, filepath.Join(dir, record.FileName), "{}") }, "something follows"},
	"deep run.json":                    {write(record.FileName, strings.Repeat("[", 140_000)), "damaged"},
	"very deep run.json":               {write(record.FileName, strings.Repeat("[", 1<<20)), "values in lists"},
	"many members":                     {func(t *testing.T, dir string) { members(t, dir, 1_100_000) }, "members of objects"},
	"as many members as are read":      {func(t *testing.T, dir string) { members(t, dir, 990_000) }, "run.hosts: is empty"},
	"a million hosts":                  {write(record.FileName, `{"format":1,"run":{"hosts":[`+strings.Repeat("{},", 1_000_000)+`{}]}}`), "values in lists"},
	"a million nulls":                  {write(record.FileName, `{"format":1,"run":{"hosts":[`+strings.Repeat("null,", 1_000_000)+`{}]}}`), "values in lists"},
	"as many hosts as are read":        {write(record.FileName, `{"format":1,"run":{"hosts":[`+strings.Repeat("{},", 149_997)+`{}]}}`), "run.hosts[0].name"},
	"endless run.json":                 {replace(record.FileName, sparse(5<<30)), "larger than 64 MiB"},
	"run.json that is a pipe":          {replace(record.FileName, fifo), "not a regular file"},
	"run.json that is a device":        {replace(record.FileName, device), "not a regular file"},
	"run.json that is a link":          {replace(record.FileName, linkTo("../outside.json")), "symbolic link"},
	"run.json that is a folder":        {replace(record.FileName, folder), "not a regular file"},
	"log that is a pipe":               {replace(record.LinkLogFile, fifo), "not a regular file"},
	"log that is a link":               {replace(record.LinkLogFile, linkTo("../outside.json")), "symbolic link"},
	"log that is a dangling link":      {replace(record.LinkLogFile, linkTo("nowhere")), "symbolic link"},
	"log that is a device":             {replace(record.LinkLogFile, device), "not a regular file"},
	"empty log":                        {write(record.LinkLogFile, ""), "not a link log"},
	"log of many zeros":                {grow(5 << 30), "events"},
	"huge frame number in the log":     {event(0, 4, 0xff, 0xff, 0xff, 0xff), "frame 4294967295"},
	"huge origin in the log":           {event(0, 8, 0xff, 0xff, 0xff, 0x7f), "frame 2147483647"},
	"line of the log that is none":     {event(3, 0, 0xff, 0xff), "line 65535 of 4"},
	"huge length in the log":           {event(1, 44, 0xff, 0xff, 0xff, 0xff), "length 4294967295"},
	"bit of the log beyond its frame":  {both(event(1, 56, 0xff, 0xff, 0xff, 0xff), event(1, 62, 1)), "bit 4294967295"},
	"header of the log without an end": {func(t *testing.T, dir string) { header(t, dir, 0xffffffff) }, "header of 4294967295 bytes"},
	"escapes in an outcome":            {set("result.activities.0.outcome", map[string]string{"status": "\x1b[31m\u009b2J"}), ""},
	"escapes in an error":              {both(set("result.status", "failed"), set("result.error", "\x1b]0;owned\x07")), ""},
	"escapes in a phase":               {set("result.activities.0.phases.0.name", "\x1b[2J"), ""},
	"times of another century":         {set("result.activities.0.start", "0001-01-01T00:00:00Z"), ""},
	"phases of no host":                {set("result.activities.0.phases.0.host", "nobody"), ""},
	"results of no activity":           {set("result.activities", []any{}), ""},
}

func appendTo(t *testing.T, path, text string) {
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(path, string(content)+text)(t, "")
}

// members makes a run.json with an object of that many members.
func members(t *testing.T, dir string, n int) {
	b := []byte(`{"format":1,"result":{"engine":{"details":{`)
	for i := range n {
		b = fmt.Appendf(b, `"%x":"",`, i)
	}
	write(record.FileName, string(b)+`"":""}}}}`)(t, dir)
}

// header changes the length of the log's header.
func header(t *testing.T, dir string, size uint32) {
	path := filepath.Join(dir, record.LinkLogFile)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(content[len("detgen links\n\x01"):], size)
	write(path, string(content))(t, dir)
}

func TestNoReaderTrustsARunDirectory(t *testing.T) {
	for name, c := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := labtest.Run(t, parent)
			for _, file := range []string{"outside.pcap", "outside.json"} {
				write(filepath.Join(parent, file), outside)(t, "")
			}
			c.change(t, dir)
			text := read(t, dir, false)
			if strings.ContainsAny(text, "\x1b\x07") || strings.Contains(text, "\u009b") {
				t.Errorf("a terminal would act on %q", text)
			}
			if c.want != "" && !strings.Contains(text, c.want) {
				t.Errorf("showed %q, want %s", text[:min(len(text), 1500)], c.want)
			}
			if errors := strings.Count("\n"+text, ": "); c.want == "" && errors == 0 {
				t.Errorf("showed nothing")
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) != 3 {
				t.Errorf("wrote beside the run directory: %v, %v", entries, err)
			}
			for _, file := range []string{"outside.pcap", "outside.json"} {
				if b, err := os.ReadFile(filepath.Join(parent, file)); err != nil || string(b) != outside {
					t.Errorf("changed %s: %q, %v", file, b, err)
				}
			}
		})
	}
}

// TestReadersReadAGoodRun shows that the readers of this test read at all.
func TestReadersReadAGoodRun(t *testing.T) {
	dir := labtest.Run(t, t.TempDir())
	if text := report(readAll(dir, false, new(bytes.Buffer))); text != "" {
		t.Error(text)
	}
}

// TestUncheckedTakesCapturesAsTheyAre reads swapped captures, which have the same number of frames.
func TestUncheckedTakesCapturesAsTheyAre(t *testing.T) {
	dir := labtest.Run(t, t.TempDir())
	swap(t, dir)
	for name, err := range readAll(dir, true, new(bytes.Buffer)) {
		if never := name == "twin" || name == "positions"; (err != nil) != never {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNoReaderFailsOnMutatedCaptures reads 250 captures that are damaged at random: an error, or rows, and nothing else.
func TestNoReaderFailsOnMutatedCaptures(t *testing.T) {
	random := rand.New(rand.NewPCG(19, 6))
	for n := range 250 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			dir := labtest.Run(t, t.TempDir())
			path := filepath.Join(dir, "captures/client.pcap")
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for range 1 + random.IntN(8) {
				at := random.IntN(len(content))
				switch random.IntN(5) {
				case 0:
					content[at] ^= 1 << random.IntN(8)
				case 1:
					content[at] = byte(random.Uint32())
				case 2:
					for i := at; i < min(at+4, len(content)); i++ {
						content[i] = 0xff
					}
				case 3:
					content = content[:max(1, at)]
				case 4:
					content = bytes.Join([][]byte{content[:at], content[at/2:]}, nil)
				}
			}
			write(path, string(content))(t, "")
			for name, err := range readAll(dir, true, new(bytes.Buffer)) {
				if err != nil && err.Error() == tooLong {
					t.Errorf("%s took more than %v", name, mostTime)
				}
			}
		})
	}
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	if m := usage.Maxrss << 10; m > mostMemory {
		t.Errorf("took %d MiB", m>>20)
	}
}
