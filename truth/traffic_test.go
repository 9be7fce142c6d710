package truth_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// trafficRole is the argument by which the test binary becomes a program that makes traffic.
const trafficRole = "traffic"

// traffic is that program's main: "serve PORT", "fetch HOST:PORT BYTES TIMES" or "beat HOST:PORT
// COUNT INTERVAL".
func traffic(args []string) error {
	switch args[0] {
	case "serve":
		return serve(args[1])
	case "fetch":
		return fetch(args[1], args[2], args[3])
	case "beat":
		return beat(args[1], args[2], args[3])
	}
	return fmt.Errorf("no traffic %q", args[0])
}

// serve answers each connection with as many random bytes as it asks for.
func serve(port string) error {
	l, err := net.Listen("tcp4", ":"+port)
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			var n uint64
			if binary.Read(c, binary.BigEndian, &n) == nil {
				io.CopyN(c, rand.NewChaCha8([32]byte{1}), int64(n))
			}
		}()
	}
}

// fetch gets so many bytes so many times, at once.
func fetch(address, size, times string) error {
	n, _ := strconv.ParseUint(size, 10, 64)
	count, _ := strconv.Atoi(times)
	var group errgroup.Group
	for range count {
		group.Go(func() error {
			c, err := net.Dial("tcp4", address)
			if err != nil {
				return err
			}
			defer c.Close()
			if err := binary.Write(c, binary.BigEndian, n); err != nil {
				return err
			}
			got, err := io.Copy(io.Discard, c)
			if err == nil && uint64(got) != n {
				err = fmt.Errorf("got %d of %d bytes", got, n)
			}
			return err
		})
	}
	return group.Wait()
}

// beat sends equal datagrams, byte for byte, at equal intervals.
func beat(address, times, every string) error {
	count, _ := strconv.Atoi(times)
	interval, err := time.ParseDuration(every)
	if err != nil {
		return err
	}
	to, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return err
	}
	c, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return err
	}
	defer c.Close()
	// The kernel does not number datagrams of a socket that is not connected and never fragments.
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO)
	}); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for range count {
		<-tick.C
		if _, err := c.WriteTo([]byte(strings.Repeat("beat", 25)), to); err != nil {
			return err
		}
	}
	return nil
}

// trafficCommand is the command line of the program, for scripts and services of a lab whose
// hosts see this machine's files.
func trafficCommand() string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return self + " " + trafficRole
}
