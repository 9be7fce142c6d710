// Package agent is the part of detgen that runs in a virtual machine: a service of its system that makes the
// machine a host of a lab, with the addresses and files of the run, and starts the host's init in the
// directory tree of the host's image. The tree's changes stay on the machine's disk from run to run.
package agent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"detgen/engine/vm/internal/wire"
	"detgen/internal/helper"
	"detgen/lab/guest"
	"detgen/lab/inside"
	"detgen/record"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Places in the machine.
const (
	self   = "/var/lib/detgen/detgen" // nothing in /run can be executed
	layers = "/run/detgen/layers"
	root   = "/run/detgen/root"
	kept   = "/var/lib/detgen" // what hosts change of their images
)

// diskLimit is how long, in seconds, the system may take to find a disk that came. Without KVM, on a busy computer, it is slow.
const diskLimit = "600"

// Main is the agent's main. It returns when the engine is gone.
func Main() error {
	port, err := os.OpenFile(wire.Port, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("open the engine's port: %w", err)
	}
	return Serve(port)
}

// Serve is the agent's work, at the port to the engine.
func Serve(port *os.File) error {
	a := &agent{out: helper.NewOut(port), last: map[string][]string{}}
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return err
	}
	a.out.Send(wire.Frame{Booted: unix.ByteSliceToString(u.Release[:])})
	return helper.Serve(port, func(f wire.Frame) error {
		reply := wire.Frame{Reply: f.ID}
		var err error
		switch {
		case f.Host != nil:
			err = a.start(f.Host)
		case f.List:
			reply.Listed, err = a.list()
		case f.End:
			if a.host != nil {
				a.host.end()
				a.host = nil
			}
		case f.Line != "":
			if a.host != nil {
				a.host.Conn.WriteString(f.Line) // its end is seen by forward
			}
			return nil
		}
		if err != nil {
			reply.Error = err.Error()
		}
		a.out.Send(reply) // when the engine is gone, so is this machine
		if f.Host != nil && err == nil {
			go a.forward(a.host)
		}
		return nil
	})
}

// agent talks to the engine.
type agent struct {
	out  *helper.Out
	host *host
	net  network             // that the machine has
	last map[string][]string // image's top layer -> files that the last run with that image brought
}

// host is the machine while it is a host: the init, and the connection to it.
type host struct {
	*helper.Process
	read sync.WaitGroup
	seen *guest.Attribution
}

// start makes the machine a host.
func (a *agent) start(h *wire.Host) error {
	if a.host != nil {
		return errors.New("the machine is a host already")
	}
	if err := mountLayers(h.Layers); err != nil {
		return err
	}
	if err := a.join(h.Setup); err != nil {
		return err
	}
	image := h.Layers[0]
	h.Stale, a.last[image] = a.last[image], brought(h.Setup)
	seen, err := guest.Attribute(h.Setup)
	if err != nil {
		return err
	}
	p, err := helper.Start(helper.Command{
		Path: self, Args: []string{wire.HostRole}, Files: seen.Groups(), Output: printer{a.out},
		Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
	})
	if err != nil {
		return errors.Join(err, seen.Close())
	}
	a.host = &host{Process: p, seen: seen}
	a.host.read.Add(1)
	helper.NewOut(p.Conn).Send(h) // fails when the process has ended, which forward sees
	return nil
}

// printer sends the engine what is written to it.
type printer struct{ out *helper.Out }

func (p printer) Write(text []byte) (int, error) {
	return len(text), p.out.Send(wire.Frame{Text: text})
}

// forward passes on what the host's init says.
func (a *agent) forward(h *host) {
	defer h.read.Done()
	lines := bufio.NewReader(h.Conn)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			<-h.Ended() // and what it printed has come
			a.out.Send(wire.Frame{Gone: true})
			return
		}
		a.out.Send(wire.Frame{Line: line})
	}
}

// end ends every program of the host: they are in the init's PID namespace.
func (h *host) end() {
	h.Kill()
	<-h.Ended()
	h.read.Wait()
	h.Conn.Close()
	h.seen.Close() // what it says is of no use any more
}

// brought gives the files that a run brings to a host.
func brought(s guest.Setup) []string {
	var paths []string
	for _, h := range s.Run.Hosts {
		if h.Name == s.Host {
			for _, f := range h.Files {
				paths = append(paths, filepath.Clean(f.Path))
			}
		}
	}
	return paths
}

// list tells whose connections are.
func (a *agent) list() (*wire.List, error) {
	if a.host == nil {
		return nil, errors.New("the machine is no host")
	}
	owners, err := a.host.seen.Results()
	return &wire.List{Now: time.Now(), Owners: owners}, err
}

// network is what a machine is told about its network.
type network struct {
	Interfaces []card
	Routes     []record.Route
	Transport  record.Transport
	Forward    bool
}

type card struct {
	name, mac string
	address   netip.Prefix
}

// join gives the machine its network, unless it is as it was: a system notices when its card goes down and up.
func (a *agent) join(s guest.Setup) error {
	var n network
	for _, h := range s.Run.Hosts {
		if h.Name != s.Host {
			continue
		}
		n = network{Routes: h.Routes, Transport: h.Transport, Forward: h.Forward}
		for _, i := range h.Interfaces {
			n.Interfaces = append(n.Interfaces, card{i.Name, i.MAC, i.Address})
		}
	}
	if reflect.DeepEqual(n, a.net) {
		return nil
	}
	a.net = network{}
	if err := guest.Configure(s); err != nil {
		return fmt.Errorf("configure the machine's network: %w", err)
	}
	if err := useGateway(s); err != nil {
		return err
	}
	a.net = n
	return nil
}

// mountLayers mounts the image's layers that are not mounted yet. Their disks may just have come.
func mountLayers(serials []string) error {
	for _, serial := range serials {
		dir := filepath.Join(layers, serial)
		if _, err := os.Stat(dir); err == nil {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		disk := "/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_" + serial
		if out, err := exec.Command("udevadm", "wait", "--timeout="+diskLimit, disk).CombinedOutput(); err != nil {
			return errors.Join(fmt.Errorf("wait for %s: %w: %s", disk, err, out), os.Remove(dir))
		}
		if err := unix.Mount(disk, dir, "erofs", unix.MS_RDONLY, ""); err != nil {
			return errors.Join(fmt.Errorf("mount %s: %w", disk, err), os.Remove(dir))
		}
	}
	return nil
}

// useGateway gives the machine what one on a usual network has: a default route, and a DNS server at its end.
// It is the first address of the network, where no host of a lab answers.
func useGateway(s guest.Setup) error {
	for _, h := range s.Run.Hosts {
		if h.Name != s.Host {
			continue
		}
		for _, r := range h.Routes {
			if r.Destination.Bits() == 0 {
				return nil
			}
		}
		if len(h.Interfaces) == 0 {
			return nil
		}
		first := h.Interfaces[0]
		gateway := first.Address.Masked().Addr().Next()
		if isHost(s.Run, gateway) {
			return nil
		}
		link, err := netlink.LinkByName(first.Name)
		if err != nil {
			return err
		}
		if err := netlink.RouteReplace(&netlink.Route{LinkIndex: link.Attrs().Index, Gw: gateway.AsSlice()}); err != nil {
			return fmt.Errorf("default route by %s: %w", gateway, err)
		}
		if out, err := exec.Command("resolvectl", "dns", first.Name, gateway.String()).CombinedOutput(); err != nil {
			return fmt.Errorf("resolvectl: %w: %s", err, out)
		}
	}
	return nil
}

func isHost(run *record.Run, a netip.Addr) bool {
	for _, h := range run.Hosts {
		for _, i := range h.Interfaces {
			if i.Address.Addr() == a {
				return true
			}
		}
	}
	return false
}

// Host makes the host's directory tree and becomes its init there.
func Host() error {
	var h wire.Host
	// Nothing comes after it until the init says that it is ready. The descriptor stays open for it.
	agent := os.NewFile(helper.Descriptor, "agent")
	if err := json.NewDecoder(agent).Decode(&h); err != nil {
		return fmt.Errorf("read what to be: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := mountRoot(h.Layers, filepath.Join(kept, h.Host+"-"+h.Layers[0]), h.Stale); err != nil {
		return err
	}
	if err := guest.Furnish(root, h.Setup); err != nil {
		return err
	}
	binary := filepath.Join(root, inside.Binary)
	if err := os.WriteFile(binary, nil, 0o755); err != nil {
		return err
	}
	if err := bind(self, binary); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(h.Host)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := errors.Join(unix.Chroot(root), os.Chdir("/")); err != nil {
		return fmt.Errorf("change the root: %w", err)
	}
	err := syscall.Exec(inside.Binary, []string{inside.Binary, inside.InitRole}, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"})
	runtime.KeepAlive(agent)
	return err
}

// mountRoot mounts the image's layers, with what was changed in earlier runs, and the system's file systems.
// What a system forgets when it starts, /run and /tmp, is as in the image, and so are the files and folders that the lab brought
// for the last run, with what programs put into them.
func mountRoot(serials []string, changes string, stale []string) error {
	upper, work := filepath.Join(changes, "upper"), filepath.Join(changes, "work")
	for _, dir := range []string{filepath.Join(upper, "run"), filepath.Join(upper, "tmp")} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	for _, dir := range []string{upper, work, root} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	changed, err := os.OpenRoot(upper)
	if err != nil {
		return err
	}
	defer changed.Close()
	for _, path := range stale {
		if err := changed.RemoveAll(strings.TrimPrefix(path, "/")); err != nil {
			return fmt.Errorf("take away what a run brought: %w", err)
		}
	}
	var lower []string
	for _, serial := range serials {
		lower = append(lower, filepath.Join(layers, serial))
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", strings.Join(lower, ":"), upper, work)
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount the host's root: %w", err)
	}
	if err := unix.Mount("proc", filepath.Join(root, "proc"), "proc", unix.MS_NOSUID|unix.MS_NOEXEC|unix.MS_NODEV, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	return errors.Join(bind("/dev", filepath.Join(root, "dev")), bind("/sys", filepath.Join(root, "sys")))
}

// bind makes a file or folder, with what is mounted below it, appear at another place too.
func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", from, to, err)
	}
	return nil
}
