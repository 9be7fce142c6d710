// Package guest is what makes a virtual machine of the vm engine a host of a lab, called in the machine: the host's
// directory tree, its network, and the attribution of what its programs send. What a container gets from the lab, by
// the same code, a machine gets from here.
package guest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"detgen/lab/inside"
	"detgen/lab/internal/network"
	"detgen/lab/internal/owners"
	"detgen/lab/internal/rootfs"
	"detgen/record"
)

// Setup is what a machine is told to become a host.
type Setup struct {
	Run  *record.Run `json:"run"`
	Host string      `json:"host"` // its name
}

// Find gives the host that a setup is about.
func (s Setup) Find() (*record.Host, error) {
	for i := range s.Run.Hosts {
		if s.Run.Hosts[i].Name == s.Host {
			return &s.Run.Hosts[i], nil
		}
	}
	return nil, fmt.Errorf("the run has no host %q", s.Host)
}

// Furnish makes the machine's directory tree root, on which the image is, that of a host: accounts, files, and an
// empty place for the init and its helpers.
func Furnish(root string, s Setup) error {
	h, err := s.Find()
	if err != nil {
		return err
	}
	if err := rootfs.Furnish(root, 0, s.Run, h); err != nil {
		return err
	}
	dir := filepath.Join(root, inside.Directory)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	for _, sub := range []string{"bin", "run"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	// Scripts see the machine's root.
	if err := os.Symlink("/", filepath.Join(dir, filepath.Base(inside.HostRoot))); err != nil {
		return err
	}
	return rootfs.LinkHelpers(filepath.Join(dir, "bin"))
}

// Configure gives the interfaces of the machine, eth0 and so on, the addresses of a host, and sets the transport factors
// that are sysctls. IPv6 stays as the machine's system has it.
func Configure(s Setup) error {
	h, err := s.Find()
	if err != nil {
		return err
	}
	return network.ConfigureAgain(h)
}

// Attribution notes which of a host's programs sends what.
type Attribution struct {
	*owners.Owners
	groups *owners.Groups
}

// Attribute starts noting.
func Attribute(s Setup) (*Attribution, error) {
	h, err := s.Find()
	if err != nil {
		return nil, err
	}
	groups, err := owners.OpenGroups()
	if err != nil {
		return nil, err
	}
	o, err := owners.New(h.Name, groups, "detgen-"+h.Name, 0, owners.Programs(s.Run, h))
	if err != nil {
		groups.Close()
		return nil, err
	}
	a := &Attribution{o, groups}
	if err := o.Watch(nil); err != nil { // by a program, which needs no namespace
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// Close ends noting. The host's programs must have ended.
func (a *Attribution) Close() error {
	a.Owners.Close()
	return a.groups.Close()
}
