// Package inside is the part of detgen that runs within a host of a lab: its init process,
// which starts programs at the lab's request, and the helper commands by which a task's
// script reports to the lab (phase, outcome, signal, await, log). Nothing of it touches the
// network: the init talks to the lab over an inherited socket pair, the helpers to the init
// over a unix socket.
package inside

import (
	"time"

	"detgen/internal/helper"
)

// Where the lab puts things inside a host.
const (
	Directory = "/.detgen"            // what the lab adds to a host's root
	Binary    = Directory + "/detgen" // this program
	Helpers   = Directory + "/bin"    // links to it, one a helper command
	// HostRoot is, in the view that scripts have of their host, the host's root itself: what services write can be watched
	// there, and what is for them is written there. HostRootVariable tells scripts its path.
	HostRoot         = Directory + "/host"
	HostRootVariable = "HOST_ROOT"
	reportSocket     = Directory + "/run/report"
	// Emulate is the command that runs an emulator (package emulator).
	Emulate = "emulate"
	// InitRole is the argument by which this program becomes a host's init.
	InitRole = "host-init"
	// NamespaceRole is the argument by which this program prepares a host's user namespace.
	NamespaceRole = "host-namespace"

	// FirstGroup is the init's first descriptor of a control group that programs can be started in.
	FirstGroup = helper.Descriptor + 1
)

// HelperNames are the helper commands.
var HelperNames = []string{"phase", "outcome", "signal", "await", Log}

// Log is the helper command that prints what a program of the host has printed.
const Log = "log"

// LogPart is how much of a log, in bytes, one answer holds at most.
const LogPart = 256 << 10

// Operation is what the lab asks a host's init to do.
type Operation string

// The operations.
const (
	Start  Operation = "start"  // start a program; the reply says that it runs
	Signal Operation = "signal" // send a signal to a program's process group
	Usage  Operation = "usage"  // CPU time and number of a program's children
	Answer Operation = "answer" // let a helper's call return
	Read   Operation = "read"   // give a file's content
	Exists Operation = "exists" // is there a file
	Flush  Operation = "flush"  // the reply comes after everything that programs have printed
)

// Request is one message from the lab to a host's init.
type Request struct {
	ID          uint64            `json:"id"`
	Operation   Operation         `json:"operation"`
	Program     string            `json:"program,omitempty"` // a name that is unique in the host; also of its log
	Command     []string          `json:"command,omitempty"`
	Script      string            `json:"script,omitempty"` // instead of Command: run by "sh -eu"
	User        string            `json:"user,omitempty"`
	Root        string            `json:"root,omitempty"` // folder that is the program's root
	Environment map[string]string `json:"environment,omitempty"`
	Group       int               `json:"group,omitempty"`   // descriptor of the control group to start it in
	Number      int               `json:"number,omitempty"`  // of the signal
	Path        string            `json:"path,omitempty"`    // of the file
	Call        uint64            `json:"call,omitempty"`    // of the helper to answer
	Content     []byte            `json:"content,omitempty"` // what the helper prints
	Error       string            `json:"error,omitempty"`   // the helper fails with this
}

// Message is what a host's init tells the lab: the reply to a request, or an event.
type Message struct {
	Reply   uint64        `json:"reply,omitempty"` // the request's ID
	Error   string        `json:"error,omitempty"`
	CPU     time.Duration `json:"cpu,omitempty"`     // Usage: of the program's children
	Workers int           `json:"workers,omitempty"` // Usage: number of its children
	Content []byte        `json:"content,omitempty"` // Read, Printed
	Missing bool          `json:"missing,omitempty"` // Read, Exists: there is no such file

	Event   Event     `json:"event,omitempty"`
	Program string    `json:"program,omitempty"`
	Status  int       `json:"status,omitempty"` // Exited
	Time    time.Time `json:"time,omitzero"`
	Call    uint64    `json:"call,omitempty"` // Reported: to be answered
	Report  *Report   `json:"report,omitempty"`
}

// Replies implements helper.Message.
func (m Message) Replies() uint64 { return m.Reply }

// Event is something that happened within a host.
type Event string

// The events.
const (
	Ready    Event = "ready"    // the init takes requests
	Printed  Event = "printed"  // a program, or one that it started, printed something
	Exited   Event = "exited"   // a program ended; what it printed came before
	Reported Event = "reported" // a helper was called
)

// Report is one call of a helper command.
type Report struct {
	Helper   string    `json:"helper"`
	Activity string    `json:"activity"`
	Program  string    `json:"program"`
	Time     time.Time `json:"time"`             // when the helper was called
	Name     string    `json:"name"`             // phase, signal, outcome's key, program
	Value    string    `json:"value,omitempty"`  // outcome's value, pattern of log
	Count    int       `json:"count,omitempty"`  // of log: lines that match the pattern
	Offset   int64     `json:"offset,omitempty"` // of log without a pattern: where the part begins
}
