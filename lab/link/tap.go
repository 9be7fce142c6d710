package link

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// tunDevice is where TAP devices come from (Documentation/networking/tuntap.rst).
const tunDevice = "/dev/net/tun"

// tapQueue is how many frames the kernel keeps for a reader that is late. Frames beyond are
// dropped by the device, unseen by the link; it is therefore larger than any window of
// unacknowledged frames that the lab's hosts have.
const tapQueue = 16384

// openTAP makes a TAP device in the network namespace netns, as Open promises it, and gives
// its descriptor. With offload, frames have a virtioHeader. The device lives as long as the descriptor is open.
func openTAP(p Port, offload bool) (fd int, err error) {
	mac, err := net.ParseMAC(p.MAC)
	if err != nil {
		return -1, err
	}
	err = inNetNS(p.NetNS, func() error {
		fd, err = unix.Open(tunDevice, unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", tunDevice, err)
		}
		if err := setUpTAP(fd, p, mac, offload); err != nil {
			unix.Close(fd)
			return err
		}
		return nil
	})
	return fd, err
}

// openMonitor makes the device of a monitor port in the switch's namespace, sets it up, and gives its descriptor and its
// index. What is written to it can be captured there; nothing is sent by it.
func openMonitor(number, switchNS int, offload bool) (fd, index int, err error) {
	p := Port{
		Interface: fmt.Sprintf("tap%d", number), NetNS: switchNS, MTU: 65521,
		MAC: fmt.Sprintf("02:00:00:00:%02x:%02x", number>>8, number&0xff), Offload: offload,
	}
	if fd, err = openTAP(p, offload); err != nil {
		return -1, 0, err
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(switchNS), unix.NETLINK_ROUTE)
	if err != nil {
		unix.Close(fd)
		return -1, 0, fmt.Errorf("open netlink in the switch's namespace: %w", err)
	}
	defer h.Close()
	device, err := h.LinkByName(p.Interface)
	if err == nil {
		err = h.LinkSetUp(device)
	}
	if err != nil {
		unix.Close(fd)
		return -1, 0, fmt.Errorf("set %s up: %w", p.Interface, err)
	}
	return fd, device.Attrs().Index, nil
}

func setUpTAP(fd int, p Port, mac net.HardwareAddr, offload bool) error {
	request, err := unix.NewIfreq(p.Interface)
	if err != nil {
		return fmt.Errorf("interface name %q: %w", p.Interface, err)
	}
	flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if offload {
		flags |= unix.IFF_VNET_HDR
	}
	request.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return fmt.Errorf("make TAP device %s: %w", p.Interface, err)
	}
	dev, err := openDevice(p.Interface)
	if err != nil {
		return err
	}
	defer dev.close()
	offloads := dev.offloadsOff
	if p.Offload {
		offloads = func() error { return unix.IoctlSetInt(fd, unix.TUNSETOFFLOAD, acceptedOffloads) }
	}
	return errors.Join(
		dev.setMAC(mac),
		dev.set("MTU", unix.SIOCSIFMTU, uint32(p.MTU)),
		dev.setQueue(tapQueue),
		offloads(),
	)
}

// inNetNS calls f on a thread that is in the given network namespace.
func inNetNS(netns int, f func() error) error {
	result := make(chan error, 1)
	go func() {
		// The thread is not unlocked when it cannot be brought home: it ends with the
		// goroutine then.
		runtime.LockOSThread()
		home, err := os.Open("/proc/thread-self/ns/net")
		if err != nil {
			result <- fmt.Errorf("find own network namespace: %w", err)
			return
		}
		defer home.Close()
		if err := unix.Setns(netns, unix.CLONE_NEWNET); err != nil {
			result <- fmt.Errorf("enter network namespace: %w", err)
			return
		}
		err = f()
		if unix.Setns(int(home.Fd()), unix.CLONE_NEWNET) == nil {
			runtime.UnlockOSThread()
		}
		result <- err
	}()
	return <-result
}

// device configures one network device of the namespace it was opened in, by the ioctls of
// netdevice(7).
type device struct {
	name   string
	socket int
}

func openDevice(name string) (*device, error) {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket to configure %s: %w", name, err)
	}
	return &device{name, socket}, nil
}

func (d *device) close() { unix.Close(d.socket) }

func (d *device) set(what string, request uint, value uint32) error {
	ifreq, err := unix.NewIfreq(d.name)
	if err != nil {
		return fmt.Errorf("interface name %q: %w", d.name, err)
	}
	ifreq.SetUint32(value)
	if err := unix.IoctlIfreq(d.socket, request, ifreq); err != nil {
		return fmt.Errorf("set %s of %s to %d: %w", what, d.name, value, err)
	}
	return nil
}

// setQueue sets how many frames wait to be read, by netlink: SIOCSIFTXQLEN is for the computer's root alone.
func (d *device) setQueue(frames int) error {
	link, err := netlink.LinkByName(d.name)
	if err == nil {
		err = netlink.LinkSetTxQLen(link, frames)
	}
	if err != nil {
		return fmt.Errorf("set queue length of %s to %d: %w", d.name, frames, err)
	}
	return nil
}

// hardwareRequest and ethtoolRequest are struct ifreq (40 bytes) with the parts of its union
// that package unix has no setter for.
type hardwareRequest struct {
	name   [unix.IFNAMSIZ]byte
	family uint16
	mac    [22]byte
}

type ethtoolRequest struct {
	name  [unix.IFNAMSIZ]byte
	value *ethtoolValue
	_     [16]byte
}

func (d *device) setMAC(mac net.HardwareAddr) error {
	r := hardwareRequest{family: unix.ARPHRD_ETHER}
	copy(r.name[:], d.name)
	copy(r.mac[:], mac)
	if err := d.ioctl(unix.SIOCSIFHWADDR, unsafe.Pointer(&r)); err != nil {
		return fmt.Errorf("set MAC of %s to %s: %w", d.name, mac, err)
	}
	return nil
}

func (d *device) ioctl(request uintptr, argument unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(d.socket), request, uintptr(argument))
	if errno != 0 {
		return errno
	}
	return nil
}

// ethtoolValue is struct ethtool_value (include/uapi/linux/ethtool.h).
type ethtoolValue struct{ command, value uint32 }

// offloadsOff lets the device neither merge nor leave unfinished what the stack sends: no
// segmentation offloads (TSO, GSO), no merging of received frames (GRO), no checksums left
// to the device. Then every frame in a capture is one that was on the wire.
func (d *device) offloadsOff() error {
	for _, feature := range []struct {
		name     string
		get, set uint32
	}{
		{"TSO", unix.ETHTOOL_GTSO, unix.ETHTOOL_STSO},
		{"GSO", unix.ETHTOOL_GGSO, unix.ETHTOOL_SGSO},
		{"GRO", unix.ETHTOOL_GGRO, unix.ETHTOOL_SGRO},
		{"transmit checksums", unix.ETHTOOL_GTXCSUM, unix.ETHTOOL_STXCSUM},
	} {
		if _, err := d.ethtool(feature.set, 0); err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("turn %s of %s off: %w", feature.name, d.name, err)
		}
		on, err := d.ethtool(feature.get, 0)
		if err != nil && !errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("read %s of %s: %w", feature.name, d.name, err)
		}
		if on != 0 {
			return fmt.Errorf("turn %s of %s off: the device keeps it on", feature.name, d.name)
		}
	}
	return nil
}

func (d *device) ethtool(command, value uint32) (uint32, error) {
	r := ethtoolRequest{value: &ethtoolValue{command, value}}
	copy(r.name[:], d.name)
	err := d.ioctl(unix.SIOCETHTOOL, unsafe.Pointer(&r))
	return r.value.value, err
}

// overruns gives how many frames a host sent that its device dropped because nobody read
// them in time.
func overruns(p Port) (uint64, error) {
	h, err := netlink.NewHandleAt(netns.NsHandle(p.NetNS), unix.NETLINK_ROUTE)
	if err != nil {
		return 0, fmt.Errorf("open netlink: %w", err)
	}
	defer h.Close()
	l, err := h.LinkByName(p.Interface)
	if err != nil {
		return 0, fmt.Errorf("read counters of %s: %w", p.Interface, err)
	}
	return l.Attrs().Statistics.TxDropped, nil
}
