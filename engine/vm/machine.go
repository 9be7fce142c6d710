package vm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"detgen/engine/internal/qmp"
	"detgen/engine/vm/internal/wire"
	"detgen/internal/helper"
	"detgen/lab/guest"
	"detgen/record"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// memory is the RAM of a machine, in MiB.
const memory = 1024

// commandLine is the kernel's. A machine without KVM on a busy computer is so slow that the kernel's check of its
// timer and the system's limits on the start of services, meant for a computer of its own, would fail.
var commandLine = []string{
	"root=/dev/vda", "rw", "console=ttyS0", "net.ifnames=0", "quiet", "panic=-1", "no_timer_check",
	"systemd.firstboot=off", "systemd.mask=serial-getty@ttyS0.service",
	"systemd.default_timeout_start_sec=1h", "systemd.default_device_timeout_sec=1h", "systemd.service_watchdogs=no",
}

// machine is a virtual machine while it lives.
type machine struct {
	host   string // whose machine it is
	cards  []string
	disks  []string // serial numbers of those with packed layers, in the order of their SCSI targets
	layers []string // of them, the image of the host that the machine is next, top first
	share  string   // directory that the machine sees
	kernel string   // release

	*helper.Process             // QEMU, whose connection is its monitor's
	control         *qmp.Client // by the monitor
	agent           *helper.Calls[wire.Frame]
	booted          chan struct{} // closed when the agent is there

	mu    sync.Mutex
	lines *io.PipeWriter // of the current session
	log   io.Writer      // what the host's init prints
}

// machineSpec is what a machine is made of.
type machineSpec struct {
	name   string // of the host
	number int    // unique in the batch
	cards  int
	system system
	share  string // an existing directory
}

// startMachine starts a machine. It ends with this process's PID namespace at the latest.
func startMachine(s machineSpec) (_ *machine, err error) {
	m := &machine{host: s.name, share: s.share, booted: make(chan struct{})}
	ours, port, err := helper.Pair()
	if err != nil {
		return nil, err
	}
	files := []*os.File{port} // that QEMU gets besides its monitor
	defer func() {
		for _, f := range files {
			f.Close()
		}
		if err != nil {
			ours.Close()
		}
	}()
	cpu := "max"
	if s.system.Accelerator == "kvm" {
		cpu = "host"
	}
	arguments := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "pc,accel=" + s.system.Accelerator, "-cpu", cpu, "-m", fmt.Sprint(memory), "-rtc", "base=utc",
		"-kernel", s.system.Kernel, "-initrd", s.system.Initrd,
		"-append", strings.Join(append(slices.Clone(commandLine), "systemd.hostname="+s.name), " "),
		"-serial", "file:" + m.console(),
		"-drive", "if=none,id=root,format=raw,snapshot=on,file=" + s.system.Disk,
		"-device", "virtio-blk-pci,drive=root",
		"-device", "virtio-rng-pci",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=port,fd=" + fmt.Sprint(helper.Descriptor+1), "-device", "virtserialport,chardev=port,name=" + filepath.Base(wire.Port),
		"-chardev", "socket,id=monitor,fd=" + fmt.Sprint(helper.Descriptor), "-mon", "chardev=monitor,mode=control",
		"-device", "virtio-scsi-pci,id=disks",
		"-virtfs", "local,path=" + s.share + ",mount_tag=detgen,security_model=none,multidevs=remap",
	}
	for i := range s.cards {
		card := fmt.Sprintf("vm%d-%d", s.number, i)
		tap, err := openCard(card)
		if err != nil {
			return nil, fmt.Errorf("card %s of machine %q: %w", card, s.name, err)
		}
		files = append(files, tap)
		m.cards = append(m.cards, card)
		arguments = append(arguments,
			"-netdev", fmt.Sprintf("tap,id=card%d,fd=%d", i, helper.Descriptor+len(files)),
			"-device", fmt.Sprintf("virtio-net-pci,netdev=card%d", i))
	}
	if m.Process, err = helper.Start(helper.Command{Path: s.system.QEMU, Args: arguments, Files: files}); err != nil {
		return nil, err
	}
	m.agent = helper.NewCalls(ours, m.take)
	return m, nil
}

// console is the file with what the machine's system says at its console.
func (m *machine) console() string { return filepath.Join(m.share, "console.log") }

// serialNumber names a packed layer's disk: by the layer's digest, which its folder is named after. QEMU takes
// up to 20 characters.
func serialNumber(layer string) string {
	name := filepath.Base(filepath.Dir(layer))
	return name[:min(len(name), 20)]
}

// openCard makes a TAP device in this network namespace. It lives as long as its descriptor is open.
func openCard(name string) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	file := os.NewFile(uintptr(fd), name)
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err == nil {
		var link netlink.Link
		if link, err = netlink.LinkByName(name); err == nil {
			err = netlink.LinkSetTxQLen(link, 16384)
		}
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("make a TAP device: %w", err)
	}
	return file, nil
}

// take takes what the agent tells by itself.
func (m *machine) take(f wire.Frame) {
	switch {
	case f.Booted != "":
		m.kernel = f.Booted
		close(m.booted)
	case f.Line != "":
		m.mu.Lock()
		lines := m.lines
		m.mu.Unlock()
		if lines != nil {
			io.WriteString(lines, f.Line) // fails when nobody reads any more
		}
	case f.Text != nil:
		m.mu.Lock()
		log := m.log
		m.mu.Unlock()
		log.Write(f.Text)
	case f.Gone:
		m.setLines(nil)
	}
}

// setLines begins a session, or ends the last one's reading.
func (m *machine) setLines(lines *io.PipeWriter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lines != nil {
		m.lines.Close()
	}
	m.lines = lines
}

// awaitMonitor waits until QEMU takes commands.
func (m *machine) awaitMonitor(ctx context.Context) (err error) {
	m.control, err = qmp.New(ctx, m.Conn)
	if errors.Is(err, qmp.ErrClosed) {
		return fmt.Errorf("%w: %w; %s", err, m.Wait(), m.lastWords())
	}
	if err != nil {
		return err
	}
	go m.control.WaitEvent(context.Background()) // takes all until the end: none matters here
	return nil
}

// awaitBoot waits until the machine's system is up and its agent there.
func (m *machine) awaitBoot(ctx context.Context) error {
	select {
	case <-m.booted:
		return nil
	case <-m.Ended():
		return fmt.Errorf("the machine ended while it started: %w; %s", m.Wait(), m.lastWords())
	case <-ctx.Done():
		return fmt.Errorf("%w; %s", context.Cause(ctx), m.lastWords())
	}
}

// lastWords is the end of the machine's console.
func (m *machine) lastWords() string {
	content, err := os.ReadFile(m.console())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return "its console ends with:\n  " + strings.Join(lines[max(0, len(lines)-8):], "\n  ")
}

// stop ends the machine.
func (m *machine) stop() {
	m.Kill()
	<-m.Ended()
	m.agent.Close()
	m.Conn.Close()
}

// insert gives the machine the disks with an image's packed layers, top layer first, that it does not have yet, while it
// runs. The image is that of the host that it is next.
func (m *machine) insert(ctx context.Context, layers []string) error {
	m.layers = nil
	for _, layer := range layers {
		serial := serialNumber(layer)
		m.layers = append(m.layers, serial)
		if slices.Contains(m.disks, serial) {
			continue
		}
		type object = map[string]any
		node := "layer-" + serial
		file := object{"driver": "file", "filename": layer, "read-only": true}
		if err := m.control.Execute(ctx, "blockdev-add", object{"node-name": node, "driver": "raw", "read-only": true, "file": file}, nil); err != nil {
			return fmt.Errorf("open %s: %w", layer, err)
		}
		disk := object{"id": "disk-" + serial, "driver": "scsi-hd", "bus": "disks.0", "scsi-id": len(m.disks), "drive": node, "serial": serial}
		if err := m.control.Execute(ctx, "device_add", disk, nil); err != nil {
			return fmt.Errorf("insert %s: %w", layer, err)
		}
		m.disks = append(m.disks, serial)
	}
	return nil
}

// Cards implements lab.Machine.
func (m *machine) Cards() []string { return m.cards }

// Start implements lab.Machine.
func (m *machine) Start(ctx context.Context, s guest.Setup, log io.Writer) (io.ReadWriteCloser, error) {
	read, write := io.Pipe()
	m.setLines(write)
	m.mu.Lock()
	m.log = log
	m.mu.Unlock()
	session := &session{m, read}
	if _, err := m.ask(ctx, wire.Frame{Host: &wire.Host{Setup: s, Layers: m.layers}}); err != nil {
		session.Close()
		return nil, fmt.Errorf("start in the machine: %w", err)
	}
	return session, nil
}

// Owners implements lab.Machine.
func (m *machine) Owners(ctx context.Context) ([]record.Owner, error) {
	answer, err := m.ask(ctx, wire.Frame{List: true})
	if err != nil {
		return nil, err
	}
	behind := time.Since(answer.Listed.Now)
	for i := range answer.Listed.Owners {
		o := &answer.Listed.Owners[i]
		o.Time = o.Time.Add(behind)
	}
	return answer.Listed.Owners, nil
}

// ask asks the agent for something and waits for the answer.
func (m *machine) ask(ctx context.Context, f wire.Frame) (wire.Frame, error) {
	answer, err := m.agent.Call(ctx, func(number uint64) any { f.ID = number; return f })
	if err == nil && answer.Error != "" {
		err = errors.New(answer.Error)
	}
	if errors.Is(err, helper.ErrGone) {
		err = fmt.Errorf("the machine ended: %w; %s", err, m.lastWords())
	}
	return answer, err
}

// session is a machine's time as a host of one lab: the connection to the host's init.
type session struct {
	m *machine
	*io.PipeReader
}

func (s *session) Write(line []byte) (int, error) {
	if err := s.m.agent.Send(wire.Frame{Line: string(line)}); err != nil {
		return 0, err
	}
	return len(line), nil
}

// Close ends everything that the lab started in the machine.
func (s *session) Close() error {
	s.PipeReader.Close()
	s.m.setLines(nil)
	_, err := s.m.ask(context.Background(), wire.Frame{End: true})
	return err
}
