package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strings"
	"time"

	"detgen/dataset"
	"detgen/internal/problem"
	"detgen/model"
	"detgen/model/items"
	"detgen/packet"
	"detgen/probe/correct"
	"detgen/runner"
)

// Set is the labelled connections of a dataset that a model can be asked about, and what it said.
type Set struct {
	Data  *items.Dataset
	Model model.Description
	Items []Item

	LeftOut int // connections that the model's kind of items cannot be made of
}

// Item is a connection with what is known of it.
type Item struct {
	Connection int // in Data.Connections
	Attack     bool
	Activity   string // SCENARIO/TASK; the label where there is no task
	Service    string // of the server: its port and protocol
	Score      float64
	Error      float64 // how wrong the score is, 0 to 1
	Measured   Measured
}

// Measured is what the captures say of a connection.
type Measured struct {
	Known           bool    // there is a table of packets
	RTT             float64 // seconds from the client's last SYN to the answer, at the client; NaN when not seen
	Retransmissions float64 // segments that were sent again, needed or not
	OutOfOrder      float64 // segments that came after a later one
	DuplicateAcks   float64
	Packets         float64
}

// request marks an error as one in what was asked for.
func request(format string, a ...any) error {
	return runner.RequestError{Err: fmt.Errorf(format, a...)}
}

// Options say how a model is asked and how a set is chosen.
type Options struct {
	Split string // only connections of this split; "" is all
	Seed  uint64 // of permutations and bootstrap samples
	Draws int    // permutations and bootstrap samples; 2000 when 0

	Labels    []string // columns to relate errors to; nil: the factors and labels of the table
	Ignore    []string // of them, those to leave out
	Threshold *float64 // nil: the model's, else the geometric mean

	// Change, when there is one, is between the capture and the encoder. It is not for models of captures or files.
	Change     func(*items.Trace) *items.Trace
	Correction string // its name
}

// CorrectBy puts the correction of a name between captures and model; "" is none.
func (o *Options) CorrectBy(name string) error {
	if name == "" {
		return nil
	}
	t, err := correct.Named(name)
	if err != nil {
		return runner.RequestError{Err: err}
	}
	o.Change, o.Correction = t.Apply, t.Name
	return nil
}

func (o *Options) draws() int {
	if o.Draws == 0 {
		return 2000
	}
	return o.Draws
}

// Load opens a dataset and lists the connections that are asked for.
func Load(path string, o Options) (*Set, error) {
	d, err := items.Open(path)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	s := &Set{Data: d}
	splits := map[string]bool{}
	for i := range d.Connections {
		c := &d.Connections[i]
		splits[c.Split] = true
		if o.Split != "" && c.Split != o.Split {
			continue
		}
		item := Item{Connection: i, Attack: c.Attack, Activity: c.Label}
		scenario, _ := d.Value(i, "scenario")
		if task, ok := d.Value(i, "task"); ok && task != "" {
			item.Activity = scenario + "/" + task
		}
		item.Service = service(c.Ends)
		s.Items = append(s.Items, item)
	}
	if len(s.Items) == 0 {
		names := make([]string, 0, len(splits))
		for name := range splits {
			names = append(names, name)
		}
		slices.Sort(names)
		return nil, request("%s has no connection in split %q; its splits are %s", path, o.Split, strings.Join(names, ", "))
	}
	return s, nil
}

// service names what a connection speaks by its server's port and protocol.
func service(e model.Ends) string {
	switch e.Protocol {
	case packet.ProtocolTCP:
		return fmt.Sprintf("%d/tcp", e.ServerPort)
	case packet.ProtocolUDP:
		return fmt.Sprintf("%d/udp", e.ServerPort)
	}
	return fmt.Sprintf("protocol %d", e.Protocol)
}

// Classes finds that a class is missing.
func (s *Set) Classes() error {
	attacks := 0
	for i := range s.Items {
		if s.Items[i].Attack {
			attacks++
		}
	}
	switch {
	case attacks == 0:
		return request("%s: all %d connections are benign: detection takes attacks too", s.Data.Path, len(s.Items))
	case attacks == len(s.Items):
		return request("%s: all %d connections are attacks: false positives take benign ones too", s.Data.Path, len(s.Items))
	}
	return nil
}

// units counts what intervals are drawn over, and runs the runs among them.
func (s *Set) units() (units, runs int) {
	seen, of := map[string]bool{}, map[string]bool{}
	for i := range s.Items {
		seen[s.unit(i)] = true
		if r := s.connection(i).Run; r != "" {
			of[r] = true
		}
	}
	return len(seen), len(of)
}

// unit names what an item is drawn with: its run, whose connections are alike; in a table without runs it stands alone.
func (s *Set) unit(i int) string { return cmp.Or(s.connection(i).Run, s.connection(i).ID) }

func (s *Set) connection(i int) *items.Connection { return &s.Data.Connections[s.Items[i].Connection] }

// Scored is how long the parts of probing took.
type Scored struct {
	Encode time.Duration
	Model  time.Duration
}

// Score asks the model for a score of each item, and works out the errors. Connections that the model's kind of items
// cannot be made of (a sequence of packets takes TCP) are left out and counted.
func (s *Set) Score(ctx context.Context, m model.Model, o Options) (Scored, error) {
	s.Model = m.Describe()
	if o.Correction != "" {
		s.Model.Name += ", seeing " + o.Correction
	}
	var took Scored
	begin := time.Now()
	made, err := s.encode(ctx, o)
	took.Encode = time.Since(begin)
	if err != nil {
		return took, err
	}
	begin = time.Now()
	scores, err := m.Score(ctx, made.Items)
	took.Model = time.Since(begin)
	if err == nil {
		err = model.Check(s.Model, made.Items, scores)
	}
	if err != nil {
		return took, err
	}
	of := map[int]float64{}
	for i, members := range made.Members {
		for _, c := range members {
			of[c] = scores[i].Score
		}
	}
	kept := s.Items[:0]
	for _, item := range s.Items {
		var ok bool
		if item.Score, ok = of[item.Connection]; ok {
			kept = append(kept, item)
		}
	}
	s.LeftOut, s.Items = len(s.Items)-len(kept), kept
	s.errors()
	return took, nil
}

// encode makes the model's items of the set's connections.
func (s *Set) encode(ctx context.Context, o Options) (*items.Made, error) {
	which := make([]int, len(s.Items))
	for i := range s.Items {
		which[i] = s.Items[i].Connection
	}
	if o.Change != nil && s.Model.Kind != model.Packets {
		return nil, request("model %s looks at items of kind %s: corrections change what a model of kind %s sees", s.Model.Name, s.Model.Kind, model.Packets)
	}
	made, err := s.Data.MakeChanged(ctx, s.Model, which, o.Change)
	return made, problem.InRequest(err)
}

// probabilities tells whether scores are in [0, 1], so that they are taken as probabilities.
func (s *Set) probabilities() bool {
	if s.Model.Probability {
		return true
	}
	for i := range s.Items {
		if x := s.Items[i].Score; x < 0 || x > 1 {
			return false
		}
	}
	return true
}

// errors fills in how wrong scores are: |score - class| for probabilities, else the same with the score's place among
// all scores, from 0 for the lowest to 1.
func (s *Set) errors() {
	place := make([]float64, len(s.Items))
	for i := range s.Items {
		place[i] = s.Items[i].Score
	}
	if !s.probabilities() {
		place = places(place)
	}
	for i := range s.Items {
		s.Items[i].Error = min(max(place[i], 0), 1)
		if s.Items[i].Attack {
			s.Items[i].Error = 1 - s.Items[i].Error
		}
	}
}

// split gives the scores of both classes.
func (s *Set) split(keep func(*Item) bool) (benign, attacks []float64) {
	for i := range s.Items {
		item := &s.Items[i]
		switch {
		case keep != nil && !keep(item):
		case item.Attack:
			attacks = append(attacks, item.Score)
		default:
			benign = append(benign, item.Score)
		}
	}
	return benign, attacks
}

// Measure fills in what the table of packets says of each connection. A set without one stays as it is.
func (s *Set) Measure(ctx context.Context) error {
	if !s.Data.HasRuns() {
		return nil // a table of flows alone
	}
	in, name, err := s.Data.Table(dataset.PacketsTable)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return runner.RequestError{Err: err}
	}
	defer in.Close()
	at := map[string]*Measured{}
	for i := range s.Items {
		m := &s.Items[i].Measured
		*m = Measured{Known: true, RTT: math.NaN()}
		at[s.connection(i).ID] = m
	}
	if err := measure(ctx, in, s.single(), at); err != nil {
		return request("%s: %w", name, err)
	}
	return nil
}

// single names the run of a set that is one run directory, "" for a dataset.
func (s *Set) single() string {
	if s.Data.Single() != "" {
		return s.connection(0).Run
	}
	return ""
}
