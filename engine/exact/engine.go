// Package exact runs a lab in a virtual machine whose clock is its own work: QEMU's translator
// with counted instructions. One instruction takes one nanosecond and waiting takes none of the
// host's time, so that the same run gives the same captures, byte for byte, whatever else the
// host does. What is promised, and how it is made, is in docs/exactness.md.
//
// The machine boots once, to a snapshot in the cache, and every run starts from there. It has
// no network card. Nothing needs root: an image must have been packed once (image.Store.Pack),
// and the cache must be readable.
package exact

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"detgen/engine"
	"detgen/engine/exact/internal/agent"
	"detgen/engine/exact/internal/kit"
	"detgen/engine/exact/internal/page"
	"detgen/engine/exact/internal/qemu"
	"detgen/record"
	"detgen/seed"
)

// Name is the engine's name.
const Name = "exact"

// Guest turns this process into the guest's init when it is one, and does not return then. A
// program that is to be the agent of a guest calls it first thing.
func Guest() {
	if agent.Is() {
		agent.Main()
	}
}

// Config is what an engine is made of. The zero value of each field but Cache has a default.
type Config struct {
	Cache string // directory of what is kept between runs; made when it is missing
	QEMU  string // program; "" for qemu-system-x86_64 in PATH
	Agent string // statically linked program that calls Guest; "" for this program's own file
	Log   *slog.Logger
}

// Engine is a machine that runs can start on. It may be used by several goroutines at once;
// each run is a process of its own.
type Engine struct {
	log      *slog.Logger
	binary   qemu.Binary
	kit      *kit.Kit
	snapshot *snapshot
	empty    *os.File
	limits   func(*record.Run) qemu.Limits
	kill     string // tests: what is killed in the guest when the task begins
}

// Open gives an engine, with all that runs have in common: it fetches the guest's kernel and
// makes the snapshot when the cache does not have them. The caller closes it.
func Open(ctx context.Context, c Config) (_ *Engine, err error) {
	e := &Engine{log: c.Log, limits: limits}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if c.Agent == "" {
		c.Agent = self
	}
	if err := checkStatic(c.Agent); err != nil {
		return nil, err
	}
	if e.binary, err = qemu.Find(ctx, c.QEMU); err != nil {
		return nil, err
	}
	dir := filepath.Join(c.Cache, cacheFolder)
	if e.kit, e.snapshot, err = openSnapshot(ctx, dir, e.binary, c.Agent, e.log); err != nil {
		return nil, err
	}
	if err := e.snapshot.makeMappable(); err != nil {
		e.snapshot.Close()
		return nil, err
	}
	if e.empty, err = memoryFile("empty", qemu.SlotSize); err != nil {
		e.snapshot.Close()
		return nil, err
	}
	return e, nil
}

// Close lets go of the snapshot. No run may be going on.
func (e *Engine) Close() error { return errors.Join(e.snapshot.Close(), e.empty.Close()) }

// self is this program's own file.
const self = "/proc/self/exe"

// checkStatic makes sure that a program runs in a guest that has no libraries for it.
func checkStatic(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("the guest's agent: %w", err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return fmt.Errorf("the guest's agent %s is linked dynamically: build it with CGO_ENABLED=0", path)
		}
	}
	return nil
}

// Run executes run on a machine of its own. The result is not nil when the lab got as far as
// starting; an error with it tells why the run failed.
func (e *Engine) Run(ctx context.Context, run *record.Run, o engine.Options) (*record.Result, error) {
	begin := time.Now()
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	if err := Supports(run); err != nil {
		return nil, err
	}
	o.Progress("machine")
	files, slots, err := openImages(run, o.Images)
	if err != nil {
		return nil, err
	}
	defer closeAll(files)
	device, err := memoryFile("page", page.Size)
	if err != nil {
		return nil, err
	}
	defer device.Close()
	if err := e.writeTask(device, run, slots); err != nil {
		return nil, fmt.Errorf("hand the run to the guest: %w", err)
	}
	cpu, err := e.work(ctx, files, device, e.limits(run), o.Progress)
	if err != nil {
		return nil, err
	}
	result, err := readResults(device, o.Dir)
	if result != nil {
		result.Engine = e.describe()
		result.WallTime = record.Duration(time.Since(begin))
		e.log.Debug("exact run", "cpu", cpu, "wall", time.Since(begin))
	}
	return result, err
}

// work lets the machine do what is on the page device and gives the CPU time that it took.
func (e *Engine) work(ctx context.Context, images []*os.File, device *os.File, l qemu.Limits, progress func(string)) (time.Duration, error) {
	state, err := e.snapshot.openState()
	if err != nil {
		return 0, err
	}
	defer state.Close()
	m := qemu.Machine{
		RAM: e.snapshot.ram, State: state,
		Images: images, Empty: e.empty, Page: device, PageSize: page.Size,
	}
	p, err := qemu.Start(ctx, e.binary.Path, m, func(line string) {
		if stage, ok := strings.CutPrefix(line, page.StagePrefix); ok {
			progress(stage)
		}
	})
	if err != nil {
		return 0, err
	}
	defer p.Kill()
	if err := p.Continue(ctx); err != nil {
		return 0, err
	}
	if err := p.WaitPause(ctx, l); err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		return 0, guestError(err, p.Console())
	}
	return p.CPUTime(), nil
}

// limits bound a run in addition to its own limit in lab time, which the lab watches itself: a
// busy second of lab time takes up to 10 s of CPU time, and an idle one none.
func limits(run *record.Run) qemu.Limits {
	return qemu.Limits{CPU: time.Minute + 12*time.Duration(run.Timeout), Stall: time.Minute}
}

// describe gives what the labs of this engine run on. Two machines that give the same captures
// have the same description; with another, captures may differ.
func (e *Engine) describe() record.Engine {
	return record.Engine{
		Name: Name, Kernel: e.kit.Release,
		Details: map[string]string{
			"qemu":     e.binary.Version,
			"kernel":   e.kit.Packages["linux-image-"+e.kit.Release],
			"crun":     e.kit.Packages["crun"],
			"snapshot": e.snapshot.manifest.RAM.SHA256,
		},
	}
}

// writeTask puts the run on the page device.
func (e *Engine) writeTask(device *os.File, run *record.Run, slots map[string][]int) error {
	entropy := make([]byte, 64)
	seed.Source(run.Seed, "exact/entropy").Read(entropy)
	return putTask(device, &page.Task{Epoch: run.Epoch, Entropy: entropy, Run: run.Bare(), Images: slots, Kill: e.kill})
}

func putTask(device *os.File, task *page.Task) error {
	text, err := json.Marshal(task)
	if err != nil {
		return err
	}
	w := page.NewWriter(device, page.Job, make([]byte, 1<<20))
	if _, err := w.Write(text); err != nil {
		return err
	}
	return w.Close()
}

// openImages opens the packed layers of the images that a run names, each layer once, and
// says in which slots they are.
func openImages(run *record.Run, packed map[string][]string) (files []*os.File, slots map[string][]int, err error) {
	defer func() {
		if err != nil {
			closeAll(files)
		}
	}()
	known := map[string]int{}
	slots = map[string][]int{}
	for _, h := range run.Hosts {
		if slots[h.Digest] != nil {
			continue
		}
		layers := packed[h.Digest]
		if len(layers) == 0 {
			return files, nil, fmt.Errorf("host %q: image %s (%s) is not at hand", h.Name, h.Image, h.Digest)
		}
		for _, path := range layers {
			slot, ok := known[path]
			if !ok {
				f, err := openLayer(path)
				if err != nil {
					return files, nil, fmt.Errorf("host %q: image %s: %w", h.Name, h.Image, err)
				}
				slot = len(files)
				known[path] = slot
				files = append(files, f)
			}
			slots[h.Digest] = append(slots[h.Digest], slot)
		}
	}
	if len(files) > qemu.Slots {
		return files, nil, fmt.Errorf("the run's images have %d layers, and the exact engine's machine takes %d; use images that share layers", len(files), qemu.Slots)
	}
	return files, slots, nil
}

// openLayer opens a packed layer, whose file must be as large as a slot (most of it a hole).
func openLayer(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() != qemu.SlotSize {
		err = fmt.Errorf("packed layer %s has %d bytes; the exact engine's machine takes %d", path, info.Size(), int64(qemu.SlotSize))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// guestError adds the guest's last words to an error.
func guestError(err error, console []string) error {
	if len(console) == 0 {
		return err
	}
	return fmt.Errorf("%w; the guest's console ends with:\n  %s", err, strings.Join(console, "\n  "))
}

// makeMappable makes the RAM a file that QEMU can map: it asks for one that may be written,
// although it does not write to it. A user who may only read the cache gets a copy in memory.
func (s *snapshot) makeMappable() error {
	flags, err := unix.FcntlInt(s.ram.Fd(), unix.F_GETFL, 0)
	if err != nil {
		return fmt.Errorf("look at the snapshot: %w", err)
	}
	if flags&unix.O_ACCMODE == unix.O_RDWR {
		return nil
	}
	memory, err := memoryFile("ram", qemu.Memory)
	if err != nil {
		return err
	}
	if err := copyData(memory, s.ram); err != nil {
		memory.Close()
		return fmt.Errorf("copy the snapshot: %w", err)
	}
	s.ram.Close()
	s.ram = memory
	return nil
}

// copyData copies what a sparse file holds.
func copyData(to, from *os.File) error {
	for offset := int64(0); ; {
		start, err := unix.Seek(int(from.Fd()), offset, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return nil
		}
		if err != nil {
			return err
		}
		end, err := unix.Seek(int(from.Fd()), start, unix.SEEK_HOLE)
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.NewOffsetWriter(to, start), io.NewSectionReader(from, start, end-start)); err != nil {
			return err
		}
		offset = end
	}
}
