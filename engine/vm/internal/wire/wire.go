// Package wire is what the engine and the agent in its machines say to each other, as JSON values over a
// virtual serial port, never over the network.
package wire

import (
	"time"

	"detgen/lab/guest"
	"detgen/record"
)

// Port is the name of the serial port in the machine.
const Port = "/dev/virtio-ports/detgen"

// AgentRole and HostRole are the arguments by which this program becomes a machine's agent, and what makes
// the directory tree of a host and then its init.
const (
	AgentRole = "machine-agent"
	HostRole  = "machine-host"
)

// Frame is one message. To the machine: Host, List and End, which are answered by a frame that replies, and Line.
// From it: Booted, Line, Text and Gone.
type Frame struct {
	ID    uint64 `json:"id,omitempty"`    // of a request
	Reply uint64 `json:"reply,omitempty"` // the request's ID

	Host *Host  `json:"host,omitempty"` // become this host
	Line string `json:"line,omitempty"` // from or to the host's init
	List bool   `json:"list,omitempty"` // say whose connections are; answered by Listed
	End  bool   `json:"end,omitempty"`  // stop being a host

	Booted string `json:"booted,omitempty"` // the kernel's release
	Error  string `json:"error,omitempty"`  // of a reply
	Gone   bool   `json:"gone,omitempty"`   // the host's init ended by itself
	Text   []byte `json:"text,omitempty"`   // that the host's init printed
	Listed *List  `json:"listed,omitempty"`
}

// Replies implements helper.Message.
func (f Frame) Replies() uint64 { return f.Reply }

// List says whose connections are, on the machine's clock, and what that clock shows.
type List struct {
	Now    time.Time      `json:"now"`
	Owners []record.Owner `json:"owners"`
}

// Host is what a machine is told to become a host.
type Host struct {
	guest.Setup
	Layers []string `json:"layers"`          // serial numbers of the disks with its image, top layer first
	Stale  []string `json:"stale,omitempty"` // files and folders that an earlier run brought, to be taken away first
}
