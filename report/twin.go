package report

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/record"
	"detgen/table"
	"detgen/truth"
	"detgen/twin"
)

// TwinFile is what a folder of twins has.
const TwinFile = "twin.json"

// maxFile is the most that is read of a file of results, bytes.
const maxFile = 256 << 20

// readJSON reads a file of results.
func readJSON(dir, name string, v any) error { return readBy(record.ParseJSON, dir, name, v) }

func readBy(parse func([]byte, any) error, dir, name string, v any) error {
	text, err := beneath.ReadFile(dir, name, maxFile)
	if err != nil {
		return err
	}
	if err := parse(text, v); err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return nil
}

// readCSV reads a table of results. At most limit rows are given; total is how many there are.
func readCSV(dir, name string, limit int) (head []string, rows [][]string, total int, err error) {
	f, err := beneath.Open(dir, name)
	if err != nil {
		return nil, nil, 0, err
	}
	defer f.Close()
	r := table.ReadRows(f)
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF) && head == nil:
			return nil, nil, 0, fmt.Errorf("%s: has no heading", filepath.Join(dir, name))
		case errors.Is(err, io.EOF):
			return head, rows, total, nil
		case err != nil:
			return nil, nil, 0, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
		case head == nil:
			head = row
			continue
		}
		total++
		if len(rows) < limit {
			rows = append(rows, row)
		}
	}
}

// Twin is the page of a folder of twins.
func Twin(dir string, o Options) (*Page, error) {
	var r twin.Report
	if err := readJSON(dir, TwinFile, &r); err != nil {
		return nil, err
	}
	r.A.Dir, r.B.Dir = record.TwinA, record.TwinB // where they are, whatever the file says
	p := &Page{Kind: "twin", Title: "Twins: " + r.A.Task + twinTitle(&r)}
	a, err := record.ReadBelow(dir, record.TwinA)
	if err != nil {
		return nil, err
	}
	p.Commands = twinCommands(a, &r, filepath.Base(dir))
	s := p.add("overview", "Overview")
	s.Facts = []Fact{{Name: "Task", Value: r.A.Task}, {Name: "Seed", Value: strconv.FormatUint(r.A.Seed, 10)}, {Name: "Engine", Value: r.A.Engine}}
	for _, d := range r.Differ {
		s.Facts = append(s.Facts, Fact{Name: "Differs: " + d.Name, Value: fmt.Sprintf("a %s, b %s", twin.OrNotSet(d.A), twin.OrNotSet(d.B))})
	}
	how := "by structure: which parts of the conversation there are, in which order"
	if r.Exact {
		how = "by bytes and times"
	}
	s.Facts = append(s.Facts, Fact{Name: "Compared", Value: how}, Fact{Name: "First divergence", Value: divergence(&r)})
	if c := r.Cause; c != nil {
		s.Facts = append(s.Facts, Fact{Name: "Cause", Value: fmt.Sprintf("frame %d of %s in %s, %s after the start: %s: %s", c.Number, c.Host, c.Run, c.After, c.What, c.Did)})
	}
	for _, side := range []string{record.TwinA, record.TwinB} {
		if o.Linked {
			s.Facts = append(s.Facts, Fact{Name: "Run " + side, Value: "its page", Link: side + "/"})
		}
	}
	table := &Table{ID: "captures", Caption: "Captures of both runs", Columns: []Column{
		{Name: "host"}, {Name: "interface"}, {Name: "frames_a", Number: true}, {Name: "frames_b", Number: true}, {Name: "equal", Number: true, About: "frames from the start with the same bytes and time"},
		{Name: "same_bytes", Number: true, About: "frames from the start with the same bytes"}, {Name: "paired", Number: true}, {Name: "only_a", Number: true}, {Name: "only_b", Number: true},
	}}
	for _, c := range r.Captures {
		table.Rows = append(table.Rows, []string{c.Host, c.Interface, itoa(c.FramesA), itoa(c.FramesB), itoa(c.Equal), itoa(c.SameBytes), itoa(c.Paired), itoa(c.OnlyA), itoa(c.OnlyB)})
	}
	s.Tables = append(s.Tables, table)
	if err := twinPackets(p, &r, dir, &o); err != nil {
		return nil, err
	}
	if err := aligned(p, dir, &o); err != nil {
		return nil, err
	}
	files := p.add("files", "Files")
	for _, f := range []File{{Name: TwinFile, About: "what is said above"}, {Name: "pairs.csv", About: "the aligned frames"}, {Name: "twin.svg", About: "the figure"}, {Name: "twin.png", About: "the figure"}} {
		files.Files = append(files.Files, o.file(f))
	}
	return p, nil
}

// divergence says where twins part.
func divergence(r *twin.Report) string {
	f := r.First
	if f == nil {
		return "none: the captures are the same"
	}
	return fmt.Sprintf("at %s, %s after the start, frame %d of a and %d of b: %s: %s", f.Host, f.After(), f.NumberA, f.NumberB, f.What, f.Reason)
}

// twinCommands gives the command that makes twins again. Where they differ in more than one factor no command does.
func twinCommands(a *record.Record, r *twin.Report, name string) []string {
	if len(r.Differ) != 1 || r.Differ[0].B == "" || len(a.Run.Activities) != 1 {
		return []string{"detgen verify " + plain.Word(name+"/a"), "detgen verify " + plain.Word(name+"/b")}
	}
	words := []string{"detgen twin", r.A.Task, "--engine", plain.Word(r.A.Engine), "--seed", strconv.FormatUint(r.A.Seed, 10), "--vary", plain.Word(r.Differ[0].Name + "=" + r.Differ[0].B)}
	return []string{strings.Join(append(append(words, settings(a.Run.Values)...), "-o", plain.Word(name)), " ")}
}

func twinPackets(p *Page, r *twin.Report, dir string, o *Options) error {
	s := p.add("packets", "Both sequences")
	figure, list, err := twinFigure(r, dir)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(s *frames) bool { return len(s.Packets) > 0 }) {
		s.Text = append(s.Text, "The captures have no frame.")
		return nil
	}
	f, dropped, err := drawPackets("sequence", "The same capture of both runs on one scale, coloured by phase", figure, list, o.frames())
	if err != nil {
		return err
	}
	if dropped > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("The figure of packets leaves out %d of its frames, evenly.", dropped))
	}
	s.Figures = append(s.Figures, f)
	return nil
}

// aligned adds the table of pairs.csv: each frame of both runs, what differs, and the fates that frames had.
func aligned(p *Page, dir string, o *Options) error {
	_, rows, total, err := readCSV(dir, "pairs.csv", o.rows())
	if err != nil {
		return err
	}
	fates := map[string]map[string]string{}
	for _, side := range []string{record.TwinA, record.TwinB} {
		if fates[side], err = fatesOf(dir, side); err != nil {
			return err
		}
	}
	table := &Table{ID: "aligned", Mark: "differs", Caption: "Both sequences aligned, frame by frame", Columns: []Column{
		{Name: "host"}, {Name: "what"}, {Name: "differs", About: "same, time, bytes, only a, only b; or the fate where that differs"}, {Name: "number_a", Number: true}, {Name: "time_a", Number: true, About: "s since the main activity's start"},
		{Name: "fate_a"}, {Name: "number_b", Number: true}, {Name: "time_b", Number: true, About: "s"}, {Name: "fate_b"},
	}}
	for _, row := range rows {
		if len(row) != 8 {
			return fmt.Errorf("%s: a row has %d columns, not 8", filepath.Join(dir, "pairs.csv"), len(row))
		}
		host, na, nb := row[0]+" "+row[1], row[3], row[4]
		fa, fb := fates[record.TwinA][host+" "+na], fates[record.TwinB][host+" "+nb]
		differs := "same"
		switch {
		case na == "":
			differs = "only b"
		case nb == "":
			differs = "only a"
		case fa != fb:
			differs = "fate"
		case row[7] != "true":
			differs = "bytes"
		case row[5] != row[6]:
			differs = "time"
		}
		table.Rows = append(table.Rows, []string{host, row[2], differs, na, inSeconds(row[5]), fa, nb, inSeconds(row[6]), fb})
	}
	if total > len(rows) {
		table.Note = fmt.Sprintf("The first %d of %d frames; pairs.csv has all.", len(rows), total)
	}
	s := p.add("aligned-frames", "Frame by frame")
	s.Tables = append(s.Tables, table)
	return nil
}

// fatesOf gives the fates of the frames of a folder's run by host, interface and number.
func fatesOf(dir, run string) (map[string]string, error) {
	rec, err := record.ReadBelow(dir, run)
	if err != nil {
		return nil, err
	}
	t, err := truth.Read(filepath.Join(dir, run), rec)
	if err != nil {
		return nil, err
	}
	fates := map[string]string{}
	for _, c := range t.Captures {
		for i := range c.Frames {
			fates[fmt.Sprintf("%s %s %d", c.Host, c.Interface, i+1)] = c.Frames[i].Fate.String()
		}
	}
	return fates, nil
}

// inSeconds writes ns as seconds; what is no number stays.
func inSeconds(ns string) string {
	n, err := strconv.ParseInt(ns, 10, 64)
	if err != nil {
		return ns
	}
	return fmt.Sprintf("%.9f", float64(n)/1e9)
}
