package exact_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"detgen/engine/exact"
	"detgen/internal/labtest"
	"detgen/record"

	"golang.org/x/sync/errgroup"
)

// rough are links that leave nothing in its place.
var rough = []string{
	"link.all.both.delay=15ms", "link.all.both.jitter=5ms", "link.all.both.distribution=paretonormal",
	"link.all.both.loss=2%", "link.all.both.reorder=5%",
}

// A run and its repetition, at once, leave the same bytes: captures, logs, the links' log, every
// time and counter of the result. A run of another seed has nothing random in common with them.
func TestSeedDecidesEveryByte(t *testing.T) {
	e := needsGuest(t)
	for _, driver := range []string{"soft", "netem"} {
		t.Run(driver, func(t *testing.T) {
			settings := append(slices.Clone(rough), "link_driver="+driver, "params.protocol=https", "params.size=30kB")
			outcomes := make([]outcome, 3)
			var group errgroup.Group
			group.SetLimit(2)
			for i, seed := range []uint64{1, 1, 2} {
				run, dir := resolve(t, "web/get", seed, settings...), t.TempDir()
				images := packed(t, run)
				group.Go(func() (err error) {
					outcomes[i], err = attemptIn(t.Context(), e, run, images, dir)
					return err
				})
			}
			if err := group.Wait(); err != nil {
				t.Fatal(err)
			}
			wantSame(t, outcomes[0], outcomes[1])
			if _, logged := outcomes[0].files[record.LinkLogFile]; logged != (driver == "soft") {
				t.Errorf("log of the links kept: %v", logged)
			}
			a, b := randomness(t, outcomes[0]), randomness(t, outcomes[2])
			for name, value := range a {
				if b[name] == value {
					t.Errorf("two seeds have the same %s: %s", name, value)
				}
			}
			if len(a) < 8 {
				t.Errorf("only %d random values were found: %v", len(a), a)
			}
		})
	}
}

// The seed alone decides what the guest's kernel and programs draw: everything else that the run
// says is the same here.
func TestKernelDrawsFromTheSeed(t *testing.T) {
	e := needsGuest(t)
	run := script(t, `
outcome id="$(cat /proc/sys/kernel/random/uuid)"
outcome random="$(od -An -N16 -tx1 /dev/urandom)"
outcome mktemp="$(mktemp -u)"
outcome date="$(date -u +%F)"
`)
	first := execute(t, e, run)
	run.Seed = 2
	second := execute(t, e, run)
	a, b := first.result.Activities[0].Outcome, second.result.Activities[0].Outcome
	for _, name := range []string{"id", "random", "mktemp"} {
		if a[name] == "" || a[name] == b[name] {
			t.Errorf("%s is %q with seed 1 and %q with seed 2", name, a[name], b[name])
		}
	}
	if a["date"] != "2026-03-01" {
		t.Errorf("the date in the guest is %s, want that of the run's epoch", a["date"])
	}
}

// randomness gives what is random in a run's captures: of the first TCP connection, and of the
// hosts.
func randomness(t *testing.T, o outcome) map[string]string {
	t.Helper()
	found := map[string]string{}
	note := func(name, value string) {
		if _, ok := found[name]; !ok && value != "" {
			found[name] = value
		}
	}
	for _, f := range tcpFrames(t, o, "client") {
		name := "server's"
		if f.syn && !f.ack {
			name = "client's"
		}
		switch {
		case f.syn:
			note(name+" initial sequence number", fmt.Sprint(f.seq))
			note(name+" MAC address", f.sourceMAC)
			note(name+" address", f.source)
			if !f.ack {
				note("ephemeral port", fmt.Sprint(f.sourcePort))
			}
		case len(f.payload) > 43 && f.payload[0] == 22 && f.payload[5] == 1:
			note("ClientHello's random", hex.EncodeToString(f.payload[11:43]))
		case len(f.payload) > 43 && f.payload[0] == 22 && f.payload[5] == 2:
			note("ServerHello's random", hex.EncodeToString(f.payload[11:43]))
		}
	}
	return found
}

// tcpFrame is a TCP segment in an Ethernet frame, as far as the tests look at it.
type tcpFrame struct {
	time                 int64
	sourceMAC            string
	source               string
	sourcePort, destPort uint16
	seq                  uint32
	syn, ack             bool
	payload              []byte
}

func tcpFrames(t *testing.T, o outcome, host string) []tcpFrame {
	t.Helper()
	var list []tcpFrame
	for _, f := range labtest.Frames(t, filepath.Join(o.dir, "captures", host+".pcap")) {
		d := f.Data
		if len(d) < 54 || binary.BigEndian.Uint16(d[12:]) != 0x0800 || d[23] != 6 {
			continue
		}
		ip := d[14 : 14+binary.BigEndian.Uint16(d[16:])]
		tcp := ip[int(ip[0]&15)*4:]
		list = append(list, tcpFrame{
			time: f.Time, sourceMAC: hex.EncodeToString(d[6:12]), source: fmt.Sprint(ip[12:16]),
			sourcePort: binary.BigEndian.Uint16(tcp), destPort: binary.BigEndian.Uint16(tcp[2:]),
			seq: binary.BigEndian.Uint32(tcp[4:]), syn: tcp[13]&2 != 0, ack: tcp[13]&16 != 0,
			payload: tcp[int(tcp[12]>>4)*4:],
		})
	}
	return list
}

// A change of one line leaves what another line does to its frames as it was: each draws from a
// stream of its own. (With the kernel's NetEm this needs a seed for each qdisc, Linux 6.6.)
func TestLinesDrawApart(t *testing.T) {
	e := needsGuest(t)
	for _, driver := range []string{"soft", "netem"} {
		t.Run(driver, func(t *testing.T) {
			lost := func(settings ...string) []uint16 {
				settings = append(settings, "link_driver="+driver, "params.count=200", "params.interval=2ms", "link.client.up.loss=20%")
				o := execute(t, e, resolve(t, "ping/echo", 4, settings...))
				return difference(requests(t, o, "client"), requests(t, o, "target"))
			}
			plain := lost()
			changed := lost("link.client.down.loss=30%", "link.target.up.delay=7ms", "link.target.up.jitter=2ms")
			if len(plain) < 15 || len(plain) > 80 {
				t.Errorf("%d of 200 requests were lost, want about 40", len(plain))
			}
			if !slices.Equal(plain, changed) {
				t.Errorf("lost requests %v; with other links changed %v", plain, changed)
			}
		})
	}
}

// requests gives the sequence numbers of the echo requests that a host's capture has.
func requests(t *testing.T, o outcome, host string) map[uint16]bool {
	t.Helper()
	seen := map[uint16]bool{}
	for _, f := range labtest.Frames(t, filepath.Join(o.dir, "captures", host+".pcap")) {
		if d := f.Data; len(d) > 42 && d[12] == 8 && d[13] == 0 && d[23] == 1 && d[34] == 8 {
			seen[binary.BigEndian.Uint16(d[40:])] = true
		}
	}
	return seen
}

func difference(a, b map[uint16]bool) []uint16 {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(a)), func(n uint16) bool { return b[n] })
}

// What is on the wire is what the hosts sent and nothing of the machinery: the three echoes and
// one address resolution, no larger than the MTU allows, with times of full nanoseconds.
func TestWireIsTheHostsOwn(t *testing.T) {
	e := needsGuest(t)
	run := script(t, "phase echo\nping -n -c 3 -i 0.01 server\noutcome replies=3\n")
	run.Activities[0].Phases = []string{"echo"}
	o := execute(t, e, run)
	if r := o.result; r.Status != record.Complete || !r.Drained || r.Engine.Name != exact.Name || r.LabTime <= 0 || r.WallTime <= 0 {
		t.Errorf("result %+v", r)
	}
	for _, c := range o.result.Captures {
		frames := labtest.Frames(t, filepath.Join(o.dir, c.File))
		if len(frames) != 8 || c.Frames != 8 || c.Dropped != 0 {
			t.Errorf("%s: %d frames, %d counted, %d dropped; want 8, 8, 0", c.File, len(frames), c.Frames, c.Dropped)
		}
	}

	o = execute(t, e, resolve(t, "web/get", 3, "params.size=200kB"))
	for _, host := range []string{"client", "server"} {
		frames := labtest.Frames(t, filepath.Join(o.dir, "captures", host+".pcap"))
		var whole, largest int
		for _, f := range frames {
			largest = max(largest, len(f.Data))
			if f.Time%1000 == 0 {
				whole++
			}
		}
		if largest != 1514 {
			t.Errorf("%s: the largest frame has %d bytes, want 1514", host, largest)
		}
		if whole > len(frames)/20 {
			t.Errorf("%s: %d of %d times are whole microseconds", host, whole, len(frames))
		}
	}
}

// A host that may use a quarter of the CPU takes about four times as long.
func TestCPUShareSlowsAHost(t *testing.T) {
	e := needsGuest(t)
	took := func(share float64) time.Duration {
		run := script(t, "phase work\nn=0; while [ $n -lt 20000 ]; do n=$((n+1)); done\n")
		run.Activities[0].Phases = []string{"work"}
		run.Hosts[0].CPU = share
		a := execute(t, e, run).result.Activities[0]
		return a.End.Sub(a.Start)
	}
	if free, limited := took(0), took(0.25); limited < 3*free || limited > 6*free {
		t.Errorf("the work took %v, with a quarter of the CPU %v", free, limited)
	}
}

// Load on the hosts slows handshakes, and always by as much.
func TestLoadSlowsHandshakes(t *testing.T) {
	e := needsGuest(t)
	for _, c := range []struct {
		name, task string
		settings   []string
		span       func(*testing.T, outcome) time.Duration
	}{
		{"TLS", "web/get", []string{"params.protocol=https", "params.key=rsa", "params.size=1kB"}, tlsHandshake},
		{"SSH", "ssh/keyscan", nil, sshHandshake},
	} {
		if c.name == "SSH" && *soakRuns == 0 {
			continue // takes a minute
		}
		t.Run(c.name, func(t *testing.T) {
			measure := func(workers int) time.Duration {
				return c.span(t, execute(t, e, resolve(t, c.task, 6, append(c.settings, fmt.Sprintf("load.cpu=%d", workers))...)))
			}
			none, one, four := measure(0), measure(1), measure(4)
			t.Logf("handshake of %v, beside 1 worker on each host %v, beside 4 %v", none, one, four)
			if one < none*5/4 || four < one*5/4 {
				t.Errorf("handshake of %v, beside 1 worker on each host %v, beside 4 %v: it does not get slower", none, one, four)
			}
			for workers, first := range map[int]time.Duration{1: one, 4: four} {
				if again := measure(workers); again != first {
					t.Errorf("beside %d workers the handshake took %v, and the second time %v", workers, first, again)
				}
			}
		})
	}
}

// tlsHandshake is the time from the ClientHello to the client's answer to the server's part.
func tlsHandshake(t *testing.T, o outcome) time.Duration {
	t.Helper()
	var hello int64
	for _, f := range tcpFrames(t, o, "client") {
		switch fromClient := f.destPort == 443; {
		case len(f.payload) == 0 || !fromClient:
		case hello == 0:
			hello = f.time
		default:
			return time.Duration(f.time - hello)
		}
	}
	t.Fatal("there is no TLS handshake")
	return 0
}

// sshHandshake is the time from the first banner to the server's host key: the longest silence
// of a connection's first eight segments with content lies in it.
func sshHandshake(t *testing.T, o outcome) time.Duration {
	t.Helper()
	var start int64
	port := uint16(0)
	packets := 0
	for _, f := range tcpFrames(t, o, "client") {
		if f.syn && !f.ack && port == 0 {
			port, start = f.sourcePort, f.time
		}
		if f.destPort != port || len(f.payload) == 0 {
			continue
		}
		// The server sends its banner, its KEXINIT, and then the reply that ends the key exchange.
		if packets++; packets > 1 && !strings.HasPrefix(string(f.payload), "SSH-") && len(f.payload) > 5 && (f.payload[5] == 31 || f.payload[5] == 33) {
			return time.Duration(f.time - start)
		}
	}
	t.Fatal("there is no SSH key exchange")
	return 0
}
