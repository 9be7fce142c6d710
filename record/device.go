package record

import (
	"fmt"
	"slices"
	"strings"
)

// Devices are the devices that a host can have beside those that every host has (null, zero, full, random, urandom, tty),
// below /dev. Each acts on the host's own namespaces alone.
var Devices = []string{
	"net/tun", // makes interfaces in the host's own network, with NET_ADMIN; what is sent to them comes to the program
}

// CheckDevice gives an error unless a host can have the device.
func CheckDevice(name string) error {
	if slices.Contains(Devices, name) {
		return nil
	}
	return fmt.Errorf("no device that a host can have: want one of %s", strings.Join(Devices, ", "))
}
