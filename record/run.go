// Package record is the run directory: what a run is (Run), what happened when it was
// executed (Result), and the files that hold both (design: "The run directory"). It is the
// border between the half of detgen that makes runs (scenario, image, lab, engine) and the
// half that reads them (packet, flow, truth and what follows): both know it, neither knows
// the other.
package record

import (
	"net/netip"
	"strconv"
	"time"
)

// Format is the version of run.json that this package writes.
const Format = 1

// Run is one spec with everything resolved. Nothing random is left in it but its seed, from
// which the lab seeds its link streams; executing the same Run again needs nothing but the
// images it names by digest.
type Run struct {
	Seed       uint64     `json:"seed"`
	Values     []Value    `json:"values"`
	Networks   []Network  `json:"networks"`
	Hosts      []Host     `json:"hosts"`
	Activities []Activity `json:"activities"`            // the first is the main one, the others are background
	LinkDriver string     `json:"link_driver,omitempty"` // "netem", "soft", or "" for what the kernel has
	Epoch      time.Time  `json:"epoch"`                 // start of the wall clock on engines that own their clock
	Timeout    Duration   `json:"timeout"`               // of the whole run, in the lab's time
	Twin       string     `json:"twin,omitempty"`        // "a" or "b" when it is one of two that differ in links only; see JoinTwins
}

// Value is one controlled value and how it came to be.
type Value struct {
	Name   string `json:"name"`  // the key as in "-s": "params.size", "link.client.up.delay", "failure"
	Value  string `json:"value"` // with its unit, as a user would write it
	Origin Origin `json:"origin"`
	Law    string `json:"law,omitempty"` // the law it was drawn from
}

// Origin says how a value came.
type Origin string

// The origins of a value.
const (
	Given   Origin = "given"
	Default Origin = "default"
	Drawn   Origin = "drawn"
)

// Network is one broadcast domain: a switch that the interfaces of hosts are plugged into.
type Network struct {
	Name    string       `json:"name"`
	Prefix  netip.Prefix `json:"prefix"`           // IPv4, or IPv6 where the run has only that
	Prefix6 netip.Prefix `json:"prefix6,omitzero"` // IPv6, where the run has both
	Tap     bool         `json:"tap,omitempty"`    // a monitor port of the switch is captured, too
}

// Prefixes are those of the network: one, or one of each family, IPv4 first.
func (n *Network) Prefixes() []netip.Prefix { return both(n.Prefix, n.Prefix6) }

// The families of addresses that a run can have.
const (
	IPv4 = "ipv4"
	IPv6 = "ipv6"
	Dual = "dual" // both
)

// Family is the family of the addresses of the run's hosts: IPv4, IPv6 or Dual.
func (r *Run) Family() string {
	for _, n := range r.Networks {
		switch {
		case n.Prefix6.IsValid():
			return Dual
		case n.Prefix.Addr().Is6():
			return IPv6
		}
	}
	return IPv4
}

func both(first, second netip.Prefix) []netip.Prefix {
	if second.IsValid() {
		return []netip.Prefix{first, second}
	}
	return []netip.Prefix{first}
}

// Host is one computer of the lab.
type Host struct {
	Name           string            `json:"name"`
	Aliases        []string          `json:"aliases,omitempty"` // further names that /etc/hosts gives to it, on every host
	Implementation string            `json:"implementation,omitempty"`
	Image          string            `json:"image"`
	Digest         string            `json:"digest"` // of the image: "sha256:<hex>"
	Interfaces     []Interface       `json:"interfaces"`
	Routes         []Route           `json:"routes,omitempty"`
	Forward        bool              `json:"forward,omitempty"` // forwards packets between its interfaces
	Environment    map[string]string `json:"environment,omitempty"`
	Files          []File            `json:"files,omitempty"`
	Users          []User            `json:"users,omitempty"`
	Services       []Service         `json:"services,omitempty"`
	Capabilities   []string          `json:"capabilities,omitempty"`   // without "CAP_", sorted
	Devices        []string          `json:"devices,omitempty"`        // below /dev, sorted; see Devices
	NewPrivileges  bool              `json:"new_privileges,omitempty"` // when false, no_new_privs is set
	Memory         uint64            `json:"memory"`                   // limit, bytes
	Processes      int               `json:"processes"`                // limit
	CPU            float64           `json:"cpu,omitempty"`            // limit, in CPUs; 0: none
	Load           Load              `json:"load"`
	Transport      Transport         `json:"transport"`
}

// Interface is one network card of a host. Up is the direction from the host into the
// network, Down the direction towards the host.
type Interface struct {
	Name     string       `json:"name"` // "eth0"
	Network  string       `json:"network"`
	MAC      string       `json:"mac"`
	Address  netip.Prefix `json:"address"`           // IPv4, or IPv6 where the run has only that
	Address6 netip.Prefix `json:"address6,omitzero"` // IPv6, where the run has both
	Up       Link         `json:"up"`
	Down     Link         `json:"down"`
	Twin     *TwinLinks   `json:"twin,omitempty"` // where twins differ
}

// Addresses are those of the interface: one, or one of each family, IPv4 first. What the kernel gives to it by itself
// (IPv6's link-local one) is not among them.
func (i *Interface) Addresses() []netip.Prefix { return both(i.Address, i.Address6) }

// Route sends packets for Destination to the neighbour Via.
type Route struct {
	Destination netip.Prefix `json:"destination"`
	Via         netip.Addr   `json:"via"`
}

// File is put into a host's root before its services start. Exactly one of Text, Base64,
// Generate, Symlink and Directory is set (an empty regular file has none of them).
type File struct {
	Path      string    `json:"path"`
	Mode      uint32    `json:"mode,omitempty"`  // permission bits; 0 means 0644 (0755 for directories)
	Owner     string    `json:"owner,omitempty"` // "user:group" by the host's own /etc/passwd, or numbers; "" is root
	Text      string    `json:"text,omitempty"`
	Base64    string    `json:"base64,omitempty"`
	Generate  *Generate `json:"generate,omitempty"`
	Symlink   string    `json:"symlink,omitempty"`
	Directory bool      `json:"directory,omitempty"`
}

// Generate describes content to make from a seed: the same seed, kind and size always give
// the same bytes.
type Generate struct {
	Kind string `json:"kind"` // "bytes" (incompressible), "text" (words and lines), "jpeg" or "png" (a picture of one pixel, then incompressible)
	Seed uint64 `json:"seed"`
	Size int64  `json:"size"` // bytes
}

// User is an account in addition to those of the image. The lab adds it to /etc/passwd, /etc/shadow and
// /etc/group (a group of the same name and number, and those named in Groups) and makes its
// home folder, owned by it with mode 0700, before files are put in place.
type User struct {
	Name     string   `json:"name"`
	UID      int      `json:"uid"` // also the number of the user's own group
	Home     string   `json:"home"`
	Shell    string   `json:"shell"`
	Password string   `json:"password,omitempty"` // hash for /etc/shadow (crypt(5)); "" means that no password fits ("*")
	Groups   []string `json:"groups,omitempty"`   // further groups, which the image has
}

// Service is a program that runs as long as the lab, or, with Ready.Exit, prepares something
// and ends before the next service of its host starts.
type Service struct {
	Name        string            `json:"name"`
	Command     []string          `json:"command"` // argv; a shell script is {"sh", "-euc", text}
	User        string            `json:"user,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	After       []string          `json:"after,omitempty"` // "host/service" on other hosts that must be ready first
	Ready       Ready             `json:"ready"`
	Timeout     Duration          `json:"timeout"`        // to get ready
	Ends        bool              `json:"ends,omitempty"` // it may end while the run goes on
}

// Ready names the event that shows that a service is ready. Several conditions must all hold.
type Ready struct {
	Listen []string `json:"listen,omitempty"` // "tcp/80", "udp/53", "unix//run/x.sock"; seen in the kernel's socket tables
	File   string   `json:"file,omitempty"`   // exists
	Log    string   `json:"log,omitempty"`    // a regular expression matches a line of its output
	Exit   bool     `json:"exit,omitempty"`   // it ended with status 0
}

// Activity is one task going on in the lab: the main one, or a background one.
type Activity struct {
	Name     string            `json:"name"` // "main", "background-1", ...
	Scenario string            `json:"scenario"`
	Task     string            `json:"task"`
	Failure  string            `json:"failure,omitempty"`
	Caching  string            `json:"caching,omitempty"`
	User     string            `json:"user,omitempty"` // who does it, in a time line
	Labels   Labels            `json:"labels"`
	Values   []Value           `json:"values,omitempty"` // of its own, where its task goes on several times; see Run.Values
	Start    Duration          `json:"start,omitempty"`  // after the main activity's start; 0 for the main one
	Warmup   []Script          `json:"warmup,omitempty"`
	Scripts  []Script          `json:"scripts"` // started together; the activity ends when all have ended
	Phases   []string          `json:"phases,omitempty"`
	Chain    *Chain            `json:"chain,omitempty"` // a way over hosts, whose connections belong together or do not
	Expect   map[string]string `json:"expect"`          // outcome key -> expectation; see Match
	Timeout  Duration          `json:"timeout"`
}

// Labels are the class labels of an activity.
type Labels struct {
	Class     string `json:"class"`               // "benign" or "attack"
	Family    string `json:"family,omitempty"`    // attack family: "bruteforce", "dos", ...
	Technique string `json:"technique,omitempty"` // MITRE ATT&CK technique: "T1110.001"
}

// LabelsOf are the labels of what goes on between a client's and a server's host: those of the script on the client's host
// where it has its own, else of the one on the server's, else the activity's.
func (a *Activity) LabelsOf(client, server string) Labels {
	for _, host := range []string{client, server} {
		for i := range a.Scripts {
			if s := &a.Scripts[i]; s.Host == host {
				if s.Labels != nil {
					return *s.Labels
				}
				return a.Labels
			}
		}
	}
	return a.Labels
}

// Chain is a way over hosts: each opens connections to the next.
type Chain struct {
	Way     []string `json:"way"`               // hosts, from the first client to the last server
	Relayed bool     `json:"relayed,omitempty"` // one thing goes along the whole way; else each two neighbours have their own
}

// ChainOf names the chain of a connection from a client's to a server's host: all of a relayed way are ACTIVITY/1, of
// another the Nth on the way is ACTIVITY/N. It is empty where the two are no neighbours on a way.
func (a *Activity) ChainOf(client, server string) string {
	if a.Chain == nil {
		return ""
	}
	for i, host := range a.Chain.Way {
		if i > 0 && a.Chain.Way[i-1] == client && host == server {
			if a.Chain.Relayed {
				i = 1
			}
			return a.Name + "/" + strconv.Itoa(i)
		}
	}
	return ""
}

// Script is what one host does in an activity: a shell script, run by "sh -eu".
type Script struct {
	Host        string            `json:"host"`
	Text        string            `json:"text"`
	User        string            `json:"user,omitempty"`
	Environment map[string]string `json:"environment,omitempty"`
	Labels      *Labels           `json:"labels,omitempty"` // of what it does, where they differ from the activity's
}

// Load is work on a host that competes with the task, made by stress-ng.
type Load struct {
	CPU    int `json:"cpu,omitempty"`    // CPU workers
	Memory int `json:"memory,omitempty"` // memory workers
}

// Transport is how a host's network stack is set up.
type Transport struct {
	MTU            int    `json:"mtu"`
	Offload        bool   `json:"offload,omitempty"`      // segmentation and receive offloads on
	Congestion     string `json:"congestion,omitempty"`   // TCP congestion control, "" for the kernel's default
	SACK           bool   `json:"sack"`                   // net.ipv4.tcp_sack
	Timestamps     bool   `json:"timestamps"`             // net.ipv4.tcp_timestamps
	ECN            int    `json:"ecn"`                    // net.ipv4.tcp_ecn: 0, 1 or 2
	WindowScaling  bool   `json:"window_scaling"`         // net.ipv4.tcp_window_scaling
	InitialCwnd    int    `json:"initial_cwnd,omitempty"` // segments; 0 for the kernel's default
	InitialRwnd    int    `json:"initial_rwnd,omitempty"` // segments; 0 for the kernel's default
	NoMetricsSave  bool   `json:"no_metrics_save"`        // net.ipv4.tcp_no_metrics_save
	EphemeralPorts [2]int `json:"ephemeral_ports"`        // net.ipv4.ip_local_port_range
	TTL            int    `json:"ttl,omitempty"`          // net.ipv4.ip_default_ttl; 0 for the kernel's default
	IPv6           bool   `json:"ipv6,omitempty"`         // off unless asked

	// ReceiveBuffer is the most bytes of a TCP connection's receive buffer (the last number of net.ipv4.tcp_rmem), which
	// also decides the window scale in its SYN (RFC 7323, tcp(7)); 0 for the kernel's default.
	ReceiveBuffer int `json:"receive_buffer,omitempty"`

	NoSYNCookies  bool `json:"no_syn_cookies,omitempty"`  // net.ipv4.tcp_syncookies is 0
	NoICMPLimit   bool `json:"no_icmp_limit,omitempty"`   // net.ipv4.icmp_ratelimit is 0
	SYNACKRetries int  `json:"syn_ack_retries,omitempty"` // net.ipv4.tcp_synack_retries; 0 for the kernel's default
}
