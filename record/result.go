package record

import (
	"net/netip"
	"strings"
	"time"
)

// Record is the content of run.json: what was asked for and what happened.
type Record struct {
	Format int    `json:"format"`
	Tool   string `json:"tool"` // "detgen <version>"
	Run    Run    `json:"run"`
	Result Result `json:"result"`

	// Unchecked lets CheckCapture take captures as they are, whatever their SHA-256.
	Unchecked bool `json:"-"`
}

// Status reports whether a run did what it claims.
type Status string

// The ends of a run.
const (
	Complete Status = "complete"
	Failed   Status = "failed" // kept with its logs, never labelled as good
)

// Result is what was observed while a Run was executed.
type Result struct {
	Status     Status           `json:"status"`
	Error      string           `json:"error,omitempty"`
	Engine     Engine           `json:"engine"`
	LinkDriver string           `json:"link_driver"`
	Warmup     time.Time        `json:"warmup,omitzero"` // lab time: the first warm-up script starts; zero when there is none
	Started    time.Time        `json:"started"`         // lab time: the main activity's first script starts
	Finished   time.Time        `json:"finished"`        // lab time: captures closed
	LabTime    Duration         `json:"lab_time"`        // from the first action of the lab to its result, in lab time
	WallTime   Duration         `json:"wall_time"`
	Activities []ActivityResult `json:"activities"`
	Links      []LinkResult     `json:"links"`
	Loads      []LoadResult     `json:"loads,omitempty"`
	Captures   []Capture        `json:"captures"`
	Drained    bool             `json:"drained"` // no connection was left open when the captures closed
	Images     []ImageResult    `json:"images,omitempty"`
	Owners     []Owner          `json:"owners,omitempty"`  // of everything that was sent, by host and time
	Systems    bool             `json:"systems,omitempty"` // hosts are whole systems: what no program of the run sent is their own doing
	Truth      *TruthSummary    `json:"truth,omitempty"`   // nil for failed runs
}

// Engine is the kernel and the clock that a lab ran on.
type Engine struct {
	Name    string            `json:"name"` // "live", "exact", "vm"
	Kernel  string            `json:"kernel"`
	Details map[string]string `json:"details,omitempty"`
}

// Repeats tells whether the same run on an engine of the same description gives the same bytes: the description has the
// digest of the saved machine that every run starts from.
func (e Engine) Repeats() bool { return e.Details["snapshot"] != "" }

// ActivityResult is what an activity did.
type ActivityResult struct {
	Name    string            `json:"name"`
	Start   time.Time         `json:"start"`
	End     time.Time         `json:"end"`
	Phases  []Phase           `json:"phases"`
	Outcome map[string]string `json:"outcome"`
	Exits   []Exit            `json:"exits"` // of its scripts
}

// Phase is a named span of an activity on a host, marked by the script itself. It ends where
// the next phase of the same script starts, or with the script.
type Phase struct {
	Host  string    `json:"host"`
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
}

// Exit is how a script ended.
type Exit struct {
	Host   string    `json:"host"`
	Status int       `json:"status"` // exit status, or 128 + signal number; -1 when it was cut off
	Time   time.Time `json:"time"`
}

// LinkResult is one direction of one interface as the driver read it back, and what it
// counted.
type LinkResult struct {
	Host       string    `json:"host"`
	Interface  string    `json:"interface"`
	Direction  Direction `json:"direction"`
	ReadBack   Link      `json:"read_back"`
	Frames     uint64    `json:"frames"` // that entered the link
	Lost       uint64    `json:"lost"`   // by chance
	Corrupted  uint64    `json:"corrupted"`
	Duplicated uint64    `json:"duplicated"`
	Reordered  uint64    `json:"reordered"`
	QueueDrops uint64    `json:"queue_drops"`          // lost because the queue was full
	Intervened uint64    `json:"intervened,omitempty"` // chosen by interventions
	Overruns   uint64    `json:"overruns,omitempty"`   // on an up line: sent by the host but never seen by the link, which was late; not in Frames; a complete run has 0
}

// LoadResult is the load measured on a host's CPUs over the main activity.
type LoadResult struct {
	Host     string  `json:"host"`
	Asked    Load    `json:"asked"`
	Workers  int     `json:"workers"`            // that were running when the activity started and when it ended
	CPU      float64 `json:"cpu"`                // CPU seconds the workers used, per second of the activity
	Pressure float64 `json:"pressure,omitempty"` // share of the time in which some task waited for a CPU (PSI), in [0, 1]
}

// Capture is one capture file: what an interface of a host sends and receives, or what comes into the switch of a
// network, as its monitor port shows it.
type Capture struct {
	Host      string `json:"host"` // "" at a tap
	Interface string `json:"interface"`
	Network   string `json:"network,omitempty"` // of a tap
	File      string `json:"file"`              // relative to the run directory
	SHA256    string `json:"sha256"`
	Bytes     int64  `json:"bytes"`
	Frames    uint64 `json:"frames"`
	Dropped   uint64 `json:"dropped"` // by the kernel; a complete run has 0
}

// IsTap reports whether a capture is of a network's switch, not of a host.
func (c *Capture) IsTap() bool { return c.Network != "" }

// tapPrefix starts the names of taps where others are those of hosts. No host of the catalogue is called so.
const tapPrefix = "tap-"

// Place names whose capture it is: the host, or tap-NETWORK.
func (c *Capture) Place() string {
	if c.IsTap() {
		return TapName(c.Network)
	}
	return c.Host
}

// TapName names the tap of a network.
func TapName(network string) string { return tapPrefix + network }

// At says where a capture was made, for a person.
func (c *Capture) At() string {
	if c.IsTap() {
		return "the switch of " + c.Network
	}
	return c.Interface + " of " + c.Host
}

// ImageResult names what was inside an image.
type ImageResult struct {
	Name     string            `json:"name"`
	Digest   string            `json:"digest"`
	Packages map[string]string `json:"packages,omitempty"` // Debian package -> version
}

// Compare orders images by name.
func (i ImageResult) Compare(other ImageResult) int { return strings.Compare(i.Name, other.Name) }

// Owner says which program of which activity sent from a socket of a host, as the kernel saw
// it: by the control group of the process that made the socket. Protocol and addresses are the
// key; a pair of addresses that several programs used one after the other has several entries.
type Owner struct {
	Host     string         `json:"host"`
	Protocol uint8          `json:"protocol"` // IP protocol number
	Local    netip.AddrPort `json:"local"`    // the port is 0 where the protocol has none
	Remote   netip.AddrPort `json:"remote"`
	Program  string         `json:"program"`            // a service's name, an activity's name, or "load"
	Activity string         `json:"activity,omitempty"` // "" for services and the load
	Time     time.Time      `json:"time"`               // of the first packet sent
}
