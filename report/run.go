package report

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/plot"
	"detgen/record"
	"detgen/truth"
)

// Options of pages. The zero value is that of a file: nothing leads anywhere.
type Options struct {
	Frames     int    // drawn in a figure at most; 0 is MaxFrames
	Rows       int    // of a table at most; 0 is MaxRows
	Files      string // address below which the folder's files are; "" for no links to them
	Linked     bool   // rows of tables lead to pages
	Source     string // address of all packets of the page's figure
	Connection int    // of a run: only this one; 0 for all
	Unchecked  bool   // as record.Record.Unchecked
	Feature    string // of a dataset: the column whose distribution is drawn; of a probe: that against which scores are
	Find       string // what the filter of a dataset's runs, or of a probe's connections, holds at first

	FindConnections string // the same of a dataset's connections

	// Below gives the address of the page of a folder that a result names, and its kind; "" when it has none. It may be nil.
	Below func(path string) (address, kind string)
}

// The most of a file.
const (
	MaxFrames = 10000
	MaxRows   = 10000
)

func (o *Options) frames() int {
	if o.Frames == 0 {
		return MaxFrames
	}
	return o.Frames
}

func (o *Options) rows() int {
	if o.Rows == 0 {
		return MaxRows
	}
	return o.Rows
}

// link gives a link of tables, where pages have them.
func (o *Options) link(address string) string {
	if !o.Linked {
		return ""
	}
	return address
}

// Run is the page of a run directory.
func Run(dir string, o Options) (*Page, error) {
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	rec.Unchecked = o.Unchecked
	t, why := truth.Read(dir, rec)
	if why != nil && rec.Result.Status == record.Complete {
		return nil, why
	}
	if o.Connection < 0 || t != nil && o.Connection > len(t.Connections) {
		return nil, fmt.Errorf("there is no connection %d: the run has 1 to %d: %w", o.Connection, len(t.Connections), fs.ErrNotExist)
	}
	w := truth.NewOverview(rec, t, why)
	p := &Page{Kind: "run", Title: fmt.Sprintf("%s, seed %d", w.Activities[0].Task, w.Seed), Commands: RunCommands(rec, filepath.Base(dir))}
	if o.Connection != 0 {
		p.Title += fmt.Sprintf(", connection %d", o.Connection)
	}
	if w.Status != record.Complete {
		p.Notes = append(p.Notes, "This run failed: it did not do what it claims, and has no labels. "+w.Error)
	}
	if why != nil {
		p.Notes = append(p.Notes, "The captures cannot be read: "+why.Error())
	}
	overview(p.add("overview", "Overview"), w, rec)
	if err := hosts(p.add("hosts", "Hosts and links"), rec, w); err != nil {
		return nil, err
	}
	if t != nil {
		if err := packets(p, t, &o); err != nil {
			return nil, err
		}
	}
	phases(p.add("phases", "Phases"), w)
	if t != nil {
		connections(p.add("connections", "Connections"), w, &o)
		conversation(p.add("conversation", "Conversation"), t, &o)
	}
	values(p.add("factors", "Factors"), rec)
	files(p.add("files", "Files"), rec, &o)
	return p, logs(p, dir)
}

// RunCommands are the commands that make a run again: from its directory, and anew from the factors that were given.
func RunCommands(rec *record.Record, name string) []string {
	commands := []string{"detgen verify " + plain.Word(name)}
	if len(rec.Run.Activities) != 1 {
		return commands // a background stands in a spec file
	}
	main := &rec.Run.Activities[0]
	words := []string{"detgen run", main.Scenario + "/" + main.Task, "--engine", plain.Word(rec.Result.Engine.Name), "--seed", strconv.FormatUint(rec.Run.Seed, 10)}
	words = append(words, settings(rec.Run.Values)...)
	return append(commands, strings.Join(append(words, "-o", plain.Word(name)), " "))
}

// settings gives the values that were given or drawn from a law of the user's, as flags.
func settings(values []record.Value) []string {
	var words []string
	for _, v := range values {
		if v.Origin != record.Default {
			words = append(words, "-s", plain.Word(v.Name+"="+v.Value))
		}
	}
	return words
}

// seconds writes a time in seconds, as "detgen show" does.
func seconds(d record.Duration) string { return fmt.Sprintf("%.6f", time.Duration(d).Seconds()) }

func overview(s *Section, w *truth.Overview, rec *record.Record) {
	s.Facts = []Fact{
		{Name: "Status", Value: string(w.Status)}, {Name: "Engine", Value: w.Engine}, {Name: "Links by", Value: w.LinkDriver}, {Name: "Seed", Value: strconv.FormatUint(w.Seed, 10)},
		{Name: "Time in the lab", Value: seconds(w.LabTime) + " s"}, {Name: "Time in all", Value: seconds(w.WallTime) + " s"}, {Name: "Made by", Value: rec.Tool},
	}
	if t := w.Truth; t != nil {
		s.Facts = append(s.Facts, Fact{Name: "Frames", Value: fmt.Sprint(t.Frames)}, Fact{Name: "Sent frames",
			Value: fmt.Sprintf("%d: %d delivered, %d lost, %d corrupted, %d in several copies, %d overtaken", t.Sent, t.Delivered, t.Lost, t.Corrupted, t.Duplicated, t.Overtaken)})
	}
	table := &Table{ID: "activities", Caption: "Activities", Columns: []Column{
		{Name: "activity"}, {Name: "task"}, {Name: "class"}, {Name: "failure"}, {Name: "start", Number: true, About: "s since the main activity's start"}, {Name: "end", Number: true, About: "s"}, {Name: "outcome"},
	}}
	for _, a := range w.Activities {
		var outcome []string
		for _, key := range slices.Sorted(maps.Keys(a.Outcome)) {
			outcome = append(outcome, key+"="+a.Outcome[key])
		}
		table.Rows = append(table.Rows, []string{a.Name, a.Task, a.Class, a.Failure, seconds(a.Start), seconds(a.End), strings.Join(outcome, " ")})
	}
	s.Tables = append(s.Tables, table)
}

// joined writes a network's prefixes.
func joined(prefixes []netip.Prefix) string {
	var list []string
	for _, p := range prefixes {
		list = append(list, p.String())
	}
	return strings.Join(list, " ")
}

func hosts(s *Section, rec *record.Record, w *truth.Overview) error {
	drawing := &plot.Hosts{Title: "Hosts and networks"}
	index := map[string]int{}
	for i, n := range rec.Run.Networks {
		index[n.Name] = i
		drawing.Networks = append(drawing.Networks, n.Name+" "+joined(n.Prefixes()))
	}
	alt := fmt.Sprintf("%d hosts on %d networks.", len(rec.Run.Hosts), len(rec.Run.Networks))
	for i := range rec.Run.Hosts {
		h := &rec.Run.Hosts[i]
		box := plot.HostBox{Name: h.Name, Lines: []string{h.Image}}
		if h.Implementation != "" && h.Implementation != h.Image {
			box.Lines = append(box.Lines, h.Implementation)
		}
		alt += " " + h.Name + ":"
		for j := range h.Interfaces {
			n := &h.Interfaces[j]
			at, ok := index[n.Network]
			if !ok {
				return fmt.Errorf("host %q: there is no network %q", h.Name, n.Network)
			}
			box.Networks = append(box.Networks, at)
			for _, a := range n.Addresses() {
				box.Lines = append(box.Lines, a.Addr().String())
			}
			box.Links = append(box.Links, linkText(n))
			for _, a := range n.Addresses() {
				alt += fmt.Sprintf(" %s on %s (%s)", a.Addr(), n.Network, linkText(n))
			}
		}
		drawing.Hosts = append(drawing.Hosts, box)
	}
	figure, err := drawing.Draw()
	if err != nil {
		return err
	}
	f, err := draw("lab", "The lab: hosts, networks, and what links do where they are not perfect (up: from the host)", alt, figure)
	if err != nil {
		return err
	}
	s.Figures = append(s.Figures, f)
	table := &Table{ID: "links", Caption: "Links, as their driver read them back, and what they did", Columns: []Column{
		{Name: "host"}, {Name: "interface"}, {Name: "direction"}, {Name: "setting"}, {Name: "frames", Number: true}, {Name: "lost", Number: true}, {Name: "queue_drops", Number: true},
		{Name: "corrupted", Number: true}, {Name: "duplicated", Number: true}, {Name: "reordered", Number: true}, {Name: "intervened", Number: true},
	}}
	for i := range w.Links {
		l := &w.Links[i]
		table.Rows = append(table.Rows, []string{l.Host, l.Interface, string(l.Direction), l.ReadBack.String(), itoa(l.Frames), itoa(l.Lost), itoa(l.QueueDrops),
			itoa(l.Corrupted), itoa(l.Duplicated), itoa(l.Reordered), itoa(l.Intervened)})
	}
	s.Tables = append(s.Tables, table)
	return nil
}

// linkText is what an interface's links do, in a few words.
func linkText(n *record.Interface) string {
	up, down := n.Up.String(), n.Down.String()
	perfect := (&record.Link{}).String()
	switch {
	case up == perfect && down == perfect:
		return ""
	case up == down:
		return up
	case down == perfect:
		return "up " + up
	case up == perfect:
		return "down " + down
	}
	return "up " + up + ", down " + down
}

func packets(p *Page, t *truth.Truth, o *Options) error {
	s := p.add("packets", "Packets")
	selection := truth.Selection{Connection: o.Connection}
	list := samples(t, selection)
	if len(list) == 0 {
		s.Text = append(s.Text, "The captures have no frame.")
		return nil
	}
	caption := "Packets of each capture: upwards what its host sent, downwards what it received"
	if o.Connection != 0 {
		caption = fmt.Sprintf("Packets of connection %d in each capture: upwards the client's, downwards the server's", o.Connection)
	}
	total := 0
	for _, one := range list {
		total += len(one.Packets)
	}
	limit := o.frames()
	if total > limit && o.Source != "" {
		limit = meanwhile
	}
	f, dropped, err := drawPackets("sequence", caption, packetFigure(t, selection, plot.ColorByFlag), list, limit)
	if err != nil {
		return err
	}
	if dropped > 0 {
		f.Source = o.Source
		p.Whole = func() (*Packets, error) { return wholeSequence(t, selection, list) }
		if f.Source == "" {
			p.Notes = append(p.Notes, fmt.Sprintf("The figure of packets leaves out %d of its frames, evenly; lost and retransmitted ones are kept as far as there is room. "+
				"packets.csv in the run directory has all.", dropped))
		}
	}
	s.Figures = append(s.Figures, f)
	return nil
}

// Sequence gives all packets of a run's figure, for pages that draw them themselves.
func Sequence(dir string, connection int) (*Packets, error) {
	rec, err := record.Read(dir)
	if err != nil {
		return nil, err
	}
	t, err := truth.Read(dir, rec)
	if err != nil {
		return nil, err
	}
	s := truth.Selection{Connection: connection}
	return wholeSequence(t, s, samples(t, s))
}

// meanwhile is how many frames a figure has whose script loads all of them.
const meanwhile = 2000

func wholeSequence(t *truth.Truth, s truth.Selection, list []*frames) (*Packets, error) {
	if len(list) == 0 {
		return nil, errNoPacket
	}
	figure := packetFigure(t, s, plot.ColorByFlag)
	// The drawing is that of the page, from fewer frames: its panels and colours are the same.
	total := 0
	for _, one := range list {
		total += len(one.Packets)
	}
	for _, one := range list {
		figure.Samples = append(figure.Samples, one.thin(max(1, meanwhile*len(one.Packets)/total)).Sample)
	}
	drawing, err := figure.Draw()
	if err != nil {
		return nil, err
	}
	out := underPointer(figure, drawing, list)
	out.Whole = true
	return out, nil
}

func phases(s *Section, w *truth.Overview) {
	table := &Table{ID: "phases", Caption: "Phases, as the task marked them", Columns: []Column{
		{Name: "activity"}, {Name: "phase"}, {Name: "host"}, {Name: "start", Number: true, About: "s since the main activity's start"}, {Name: "end", Number: true, About: "s"},
	}}
	for _, a := range w.Activities {
		for _, p := range a.Phases {
			table.Rows = append(table.Rows, []string{a.Name, p.Name, p.Host, seconds(p.Start), seconds(p.End)})
		}
	}
	s.Tables = append(s.Tables, table)
}

func connections(s *Section, w *truth.Overview, o *Options) {
	table := &Table{ID: "connections", Caption: "Connections", Columns: []Column{
		{Name: "id", Number: true, Link: o.link("?connection={id}")}, {Name: "protocol"}, {Name: "client"}, {Name: "server"}, {Name: "from"}, {Name: "to"}, {Name: "activity"},
		{Name: "program"}, {Name: "span"}, {Name: "phases"}, {Name: "start", Number: true, About: "s since the main activity's start"}, {Name: "duration", Number: true, About: "s"},
		{Name: "packets_up", Number: true}, {Name: "packets_down", Number: true}, {Name: "bytes_up", Number: true}, {Name: "bytes_down", Number: true}, {Name: "handshake"}, {Name: "closing"},
	}}
	for i := range w.Connections {
		c := &w.Connections[i]
		if o.Connection != 0 && c.ID != o.Connection {
			continue
		}
		table.Rows = append(table.Rows, []string{itoa(c.ID), c.Protocol, c.Client, c.Server, c.From, c.To, c.Activity, c.Program, c.Span, c.Phases, seconds(c.Start), seconds(c.Duration),
			itoa(c.Up.Packets), itoa(c.Down.Packets), itoa(c.Up.Bytes), itoa(c.Down.Bytes), c.Handshake, c.Closing})
	}
	s.Tables = append(s.Tables, limited(table, o.rows(), truth.ConnectionsFile))
	if o.Connection != 0 && o.Linked {
		s.Facts = append(s.Facts, Fact{Name: "The whole run", Value: "all connections", Link: "?"})
	}
}

// limited cuts a table, with a word about it.
func limited(t *Table, rows int, file string) *Table {
	if len(t.Rows) > rows {
		t.Note = fmt.Sprintf("The first %d of %d rows; %s has all.", rows, len(t.Rows), file)
		t.Rows = t.Rows[:rows]
	}
	return t
}

func conversation(s *Section, t *truth.Truth, o *Options) {
	table := &Table{ID: "conversation", Mark: "fate", Caption: "Each frame that a host sent, and what the network did to it (as detgen show --packets prints it)", Columns: []Column{
		{Name: "time", Number: true, About: "s since the main activity's start"}, {Name: "from"}, {Name: "arrow", About: "--> delivered, --X lost, ~~> corrupted, -x> lost for some"}, {Name: "to"},
		{Name: "connection", Number: true, Link: o.link("?connection={connection}")}, {Name: "phase"}, {Name: "what"}, {Name: "fate"}, {Name: "delay", Number: true, About: "ms"}, {Name: "remarks"}, {Name: "capture"}, {Name: "number", Number: true},
	}}
	for _, l := range t.Story(truth.Selection{Connection: o.Connection}) {
		row := []string{fmt.Sprintf("%.6f", l.After.Seconds()), l.From, l.Arrow(), l.To, "", l.Heading(), l.What, l.Fate, "", l.Remarks(), l.Capture, itoa(l.Number)}
		if l.Connection > 0 {
			row[4] = itoa(l.Connection)
		}
		if l.Fate == truth.Delivered.String() {
			row[7] = "" // what is usual is not marked
		}
		if l.Delay > 0 {
			row[8] = fmt.Sprintf("%.6f", float64(l.Delay)/1e6)
		}
		table.Rows = append(table.Rows, row)
	}
	s.Tables = append(s.Tables, limited(table, o.rows(), truth.PacketsFile))
}

func values(s *Section, rec *record.Record) {
	table := &Table{ID: "factors", Caption: "Every controlled value and how it came", Columns: []Column{{Name: "factor"}, {Name: "value"}, {Name: "origin"}, {Name: "law"}}}
	for _, v := range rec.Run.Values {
		table.Rows = append(table.Rows, []string{v.Name, v.Value, string(v.Origin), v.Law})
	}
	s.Tables = append(s.Tables, table)
}

func files(s *Section, rec *record.Record, o *Options) {
	about := []File{{Name: record.FileName, About: "everything that was set, drawn and measured"}}
	if rec.Result.Status == record.Complete {
		about = append(about, File{Name: truth.ConnectionsFile, About: "a row for each connection"}, File{Name: truth.PacketsFile, About: "a row for each frame of each capture"})
	}
	for _, c := range rec.Result.Captures {
		about = append(about, File{Name: c.File, About: fmt.Sprintf("%d frames at %s, SHA-256 %s", c.Frames, c.At(), c.SHA256)})
	}
	for _, f := range about {
		s.Files = append(s.Files, o.file(f))
	}
}

// file gives a file its link.
func (o *Options) file(f File) File {
	if o.Files != "" {
		f.Link = o.Files + (&url.URL{Path: f.Name}).EscapedPath()
	}
	return f
}

// The most of logs.
const (
	maxLogs = 100
	maxLog  = 64 << 10
)

// logs adds what the run's programs printed.
func logs(p *Page, dir string) error {
	s := &Section{ID: "logs", Title: "Logs"}
	err := fs.WalkDir(beneath.Dir(dir), "logs", func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case d.IsDir() || !d.Type().IsRegular() || len(s.Blocks) >= maxLogs:
			return nil
		}
		text, err := head(dir, name)
		if err == nil && text != "" {
			s.Blocks = append(s.Blocks, Block{Name: strings.TrimPrefix(name, "logs/"), Text: text})
		}
		return err
	})
	if len(s.Blocks) > 0 {
		p.Sections = append(p.Sections, s)
	}
	return err
}

// head gives the beginning of a file of text.
func head(dir, name string) (string, error) {
	f, err := beneath.Open(dir, path.Clean(name))
	if err != nil {
		return "", err
	}
	defer f.Close()
	buffer := make([]byte, maxLog)
	n := 0
	for n < len(buffer) {
		m, err := f.Read(buffer[n:])
		n += m
		if err != nil {
			break
		}
	}
	text := strings.ToValidUTF8(string(buffer[:n]), "�")
	if n == len(buffer) {
		text += "\n[the rest is left out]"
	}
	return text, nil
}
