package items

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"detgen/packet"
	"detgen/record"
	"detgen/truth"

	"golang.org/x/sync/errgroup"
)

// Trace is a connection's packets in one capture, in its order. What lies between capture and model (corrections)
// changes traces.
type Trace struct {
	ID      string
	Capture string // path of the file
	View    string // whose capture it is: "client", "server" or "tap"
	Packets []Packet
}

// Packet is a packet of a trace. ICMP errors and later IP fragments are in none.
type Packet struct {
	Number     uint64 // of the frame in the capture, from 1
	Time       int64  // ns since the Unix epoch
	FromClient bool
	Sent       bool // by the host of the capture
	Protocol   uint8
	Flags      packet.TCPFlags
	Seq, Ack   uint32
	Window     uint16 // unscaled
	Length     int    // of the whole frame, bytes
	Payload    int    // of the transport protocol, bytes
	Header     []byte // the frame's first HeaderBytes bytes, zeros behind its end; nil when no recipe asked for them

	Classes packet.Class // what the capture alone says: Wireshark's classes
	Seen    packet.Seen  // how much of its sequence numbers the capture has seen before
	Exact   truth.Exact  // what it really is, by the captures of all hosts
	Phase   string       // of the activity
}

// HeaderBytes is how much of a frame raw recipes look at: Ethernet, IPv4 and TCP headers without options (Hwang et al.
// 2019).
const HeaderBytes = 54

// TraceOptions say which packets traces are made of.
type TraceOptions struct {
	View   string // "server", "client" or "tap": whose capture, as far as there is one; "" is server
	Header bool   // fill Packet.Header
}

// Traces reads the packets of connections (indexes into d.Connections) and hands each trace on, by run in the order of
// the table. Several runs are read at once. A connection that has no packets in the capture has an empty trace.
func (d *Dataset) Traces(ctx context.Context, which []int, o TraceOptions, each func(connection int, t *Trace) error) error {
	if !d.runs {
		return fmt.Errorf("%s is a table of flows: there are no packets in it", d.Path)
	}
	return d.eachRun(ctx, which, func(r *readRun) (func() error, error) {
		traces := make([]*Trace, len(r.which))
		for i, c := range r.which {
			traces[i] = r.trace(d, c, o)
		}
		if o.Header {
			if err := r.headers(traces); err != nil {
				return nil, err
			}
		}
		return func() error {
			for i, c := range r.which {
				if err := each(c, traces[i]); err != nil {
					return err
				}
			}
			return nil
		}, nil
	})
}

// readRun is a run whose captures were read.
type readRun struct {
	dir   string
	truth *truth.Truth
	which []int              // connections that are asked for
	byCon map[[2]int][]int32 // frames by capture and connection, in their order
}

// eachRun reads the runs of connections, several at once, and calls read for each; what that gives is called one run
// after the other, in the order of the table.
func (d *Dataset) eachRun(ctx context.Context, which []int, read func(r *readRun) (func() error, error)) error {
	byRun := map[string][]int{}
	var order []string
	for _, c := range which {
		run := d.Connections[c].Run
		if byRun[run] == nil {
			order = append(order, run)
		}
		byRun[run] = append(byRun[run], c)
	}
	type done struct {
		next func() error
		err  error
	}
	ready := make([]chan done, len(order))
	for i := range ready {
		ready[i] = make(chan done, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	ahead := make(chan struct{}, 4*runtime.NumCPU()) // bounds how many runs are held
	group.Go(func() error {
		var readers errgroup.Group
		readers.SetLimit(runtime.NumCPU())
		for i, run := range order {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				readers.Wait()
				return ctx.Err()
			}
			readers.Go(func() error {
				r, err := d.readRun(run, byRun[run])
				var next func() error
				if err == nil {
					next, err = read(r)
				}
				if err != nil {
					err = fmt.Errorf("run %s: %w", run, err)
				}
				ready[i] <- done{next, err}
				return nil
			})
		}
		return readers.Wait()
	})
	group.Go(func() error {
		for i := range order {
			select {
			case r := <-ready[i]:
				if r.err != nil {
					return r.err
				}
				if err := r.next(); err != nil {
					return err
				}
				<-ahead
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

func (d *Dataset) readRun(run string, which []int) (*readRun, error) {
	dir, err := d.runDir(run)
	if err != nil {
		return nil, err
	}
	r := &readRun{dir: dir, which: which, byCon: map[[2]int][]int32{}}
	rec, err := record.Read(r.dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(filepath.Join(r.dir, "captures")); errors.Is(err, os.ErrNotExist) {
		return nil, errors.New(`its captures are not there: build the dataset with "captures: keep"`)
	}
	if r.truth, err = truth.Read(r.dir, rec); err != nil {
		return nil, err
	}
	for _, c := range which {
		if n := d.Connections[c].number; n > len(r.truth.Connections) {
			return nil, fmt.Errorf("the table has a connection %d, and its captures have %d", n, len(r.truth.Connections))
		}
	}
	for i, c := range r.truth.Captures {
		for k := range c.Frames {
			f := &c.Frames[k]
			if f.Connection < 0 || f.Kind == truth.Error || f.Fragment == packet.LaterFragment {
				continue
			}
			key := [2]int{i, int(f.Connection)}
			r.byCon[key] = append(r.byCon[key], int32(k))
		}
	}
	return r, nil
}

// capture gives the index of the capture that a connection is looked at in, and whose it is: that of the wanted host,
// else of the other one; of a host's several, the one with most of its packets. A tap is the capture of no host.
func (r *readRun) capture(connection int, view string) (int, string) {
	c := &r.truth.Connections[connection]
	views := []struct{ name, host string }{{"server", c.Server.Host}, {"client", c.Client.Host}}
	switch view {
	case "client":
		slices.Reverse(views)
	case "tap":
		views = slices.Insert(views, 0, struct{ name, host string }{"tap", ""})
	}
	for _, v := range views {
		best, most := -1, 0
		for i, capture := range r.truth.Captures {
			if n := len(r.byCon[[2]int{i, connection}]); (v.host != "" || v.name == "tap") && capture.Host == v.host && n > most {
				best, most = i, n
			}
		}
		if best >= 0 {
			return best, v.name
		}
	}
	return -1, ""
}

// trace makes the trace of a connection of the dataset.
func (r *readRun) trace(d *Dataset, connection int, o TraceOptions) *Trace {
	number := d.Connections[connection].number - 1
	t := &Trace{ID: d.Connections[connection].ID}
	at, view := r.capture(number, o.View)
	if at < 0 {
		return t
	}
	capture := r.truth.Captures[at]
	frames := r.byCon[[2]int{at, number}]
	t.Capture, t.View = filepath.Join(r.dir, capture.File), view
	t.Packets = make([]Packet, len(frames))
	for i, k := range frames {
		f := &capture.Frames[k]
		t.Packets[i] = Packet{Number: uint64(k) + 1, Time: f.Time, FromClient: f.FromClient, Sent: f.Sent, Protocol: f.Protocol, Flags: f.Flags,
			Seq: f.Seq, Ack: f.Ack, Window: f.Window, Length: int(f.Length), Payload: int(f.Payload),
			Classes: f.Classes, Seen: f.Seen, Exact: f.Exact, Phase: r.truth.Phases[f.Phase]}
	}
	return t
}

// headers fills in the first bytes of frames.
func (r *readRun) headers(traces []*Trace) error {
	wanted := map[string]map[uint64]*Packet{}
	for _, t := range traces {
		if wanted[t.Capture] == nil {
			wanted[t.Capture] = map[uint64]*Packet{}
		}
		for i := range t.Packets {
			wanted[t.Capture][t.Packets[i].Number] = &t.Packets[i]
		}
	}
	for i := range r.truth.Captures {
		c := &r.truth.Captures[i].Capture
		packets := wanted[filepath.Join(r.dir, c.File)]
		if len(packets) == 0 {
			continue
		}
		err := r.frames(c, func(f *packet.Frame) {
			if p := packets[f.Number]; p != nil {
				p.Header = make([]byte, HeaderBytes)
				copy(p.Header, f.Data)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// frames reads a capture of the run again.
func (r *readRun) frames(c *record.Capture, each func(f *packet.Frame)) error {
	file, err := record.OpenCapture(r.dir, c)
	if err != nil {
		return err
	}
	in, err := packet.OpenFile(file)
	if err != nil {
		file.Close()
		return err
	}
	defer in.Close()
	var f packet.Frame
	for {
		if err := in.Next(&f); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("capture %s: %w", c.File, err)
		}
		each(&f)
	}
}
