package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"detgen/dataset/columns"
	"detgen/dataset/plan"
	"detgen/internal/whole"
	"detgen/packet"
	"detgen/runner"
	"detgen/table"
	"detgen/truth"
)

// Selection is which runs of a dataset are exported, and how. Those that filters leave out never are.
type Selection struct {
	Runs, Entries, Labels, Splits []string      // those of these only; none: all
	Columns, Format               string        // of a table instead of a capture: a columns.Set and a table.Format; Format "": by the file's extension
	Host                          string        // the frames of this host's captures; "": each frame once, as it was sent
	Gap                           time.Duration // between runs on the time line of a merged capture
	Tool                          string        // that is named in a pcapng file
}

// chosen is a run of a built dataset.
type chosen struct {
	columns.Run
	label string
}

// Exported is what was written.
type Exported struct {
	Runs   int
	Rows   int64 // of a table
	Frames int64 // of a capture
	Begin  int64 // of a capture's time line, ns since the Unix epoch
	End    int64
}

// WriteText tells what was written.
func (e *Exported) WriteText(out io.Writer, path string) error {
	what := fmt.Sprintf("%d rows", e.Rows)
	if e.Frames > 0 {
		what = fmt.Sprintf("%d frames over %v", e.Frames, time.Duration(e.End-e.Begin).Round(time.Millisecond))
	}
	_, err := fmt.Fprintf(out, "%s: %s of %d runs\n", path, what, e.Runs)
	return err
}

// choose gives the runs of the dataset in a folder that are selected, in the order of the plan.
func choose(dir string, s *Selection) ([]chosen, error) {
	o, err := readDescription(dir)
	if err != nil {
		return nil, err
	}
	if o.Captures == plan.Drop {
		return nil, fmt.Errorf("the captures of %s were dropped when its tables were made", dir)
	}
	for _, f := range []struct {
		flag   string
		wanted []string
		counts map[string]Counts
	}{{"entry", s.Entries, o.Entries}, {"label", s.Labels, o.Labels}, {"split", s.Splits, o.Splits}} {
		for _, name := range f.wanted {
			if _, ok := f.counts[name]; !ok {
				return nil, fmt.Errorf("--%s %s: the dataset has none of that name (%s tells which there are)", f.flag, name, CardFile)
			}
		}
	}
	rows, at, err := readRuns(dir, "run", "entry", "split", "left_out", "scenario", "class")
	if err != nil {
		return nil, err
	}
	var list []chosen
	seen := map[string]bool{}
	in := func(wanted []string, name string) bool { return len(wanted) == 0 || slices.Contains(wanted, name) }
	for _, row := range rows {
		leftOut, scenario := row[at[3]], row[at[4]]
		c := chosen{Run: columns.Run{ID: row[at[0]], Entry: row[at[1]], Split: row[at[2]]}, label: row[at[5]]}
		if c.label == "attack" {
			c.label = scenario
		}
		seen[c.ID] = true
		if leftOut != "" || !in(s.Runs, c.ID) || !in(s.Entries, c.Entry) || !in(s.Labels, c.label) || !in(s.Splits, c.Split) {
			continue
		}
		c.Dir = filepath.Join(dir, RunsFolder, c.ID)
		if c.Record, err = readRun(dir, RunsFolder, c.ID); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	for _, id := range s.Runs {
		if !seen[id] {
			return nil, fmt.Errorf("--run %s: the dataset has no such run (%s has their ids)", id, RunsTable)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("no run is of all that is chosen")
	}
	return list, nil
}

// Export writes the chosen runs to the file at path, whose extension says what of them: as ExportColumns, when columns
// are chosen, else as ExportCapture. It tells what it wrote.
func Export(ctx context.Context, dir, path string, s *Selection, tell io.Writer) error {
	e, err := export(ctx, dir, path, s)
	if err != nil {
		return err
	}
	return e.WriteText(tell, path)
}

func export(ctx context.Context, dir, path string, s *Selection) (*Exported, error) {
	wrong := func(text string, args ...any) (*Exported, error) {
		return nil, runner.RequestError{Err: fmt.Errorf(text, args...)}
	}
	ext := filepath.Ext(path)
	switch {
	case path == "":
		return wrong("say where to write: -o FILE.pcapng, FILE.pcap, or a table with --columns")
	case s.Columns != "":
		set, err := columns.Parse(s.Columns)
		if err != nil {
			return wrong("--columns: %w", err)
		}
		format, err := table.FormatFor(s.Format, path)
		if err != nil {
			return wrong("--format: %w", err)
		}
		return ExportColumns(ctx, dir, path, set, format, s)
	case ext != ".pcapng" && ext != ".pcap":
		return wrong("-o %s: the name must end with .pcapng or .pcap, or --columns say what the table has", path)
	case s.Gap < 0:
		return wrong("--gap %v: must not be negative", s.Gap)
	}
	return ExportCapture(ctx, dir, path, s)
}

// ExportColumns writes a table of the chosen runs in the columns of others.
func ExportColumns(ctx context.Context, dir, path string, set columns.Set, format table.Format, s *Selection) (*Exported, error) {
	list, err := choose(dir, s)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	runs := make([]columns.Run, len(list))
	for i, c := range list {
		runs[i] = c.Run
	}
	rows, err := columns.Write(ctx, path, set, format, runs)
	return &Exported{Runs: len(runs), Rows: rows}, err
}

// ExportCapture writes the frames of the chosen runs to one file, pcapng with labels as comments or pcap, by the
// extension of its name. Runs follow each other on one time line, as no two of them shared a lab: the first keeps its
// times, and each later one is shifted to begin a gap after the end of the one before.
func ExportCapture(ctx context.Context, dir, path string, s *Selection) (*Exported, error) {
	list, err := choose(dir, s)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	file, err := whole.Create(path)
	if err != nil {
		return nil, err
	}
	e, err := exportCapture(ctx, file, filepath.Ext(path) == ".pcap", list, s)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", path, errors.Join(err, file.Abort()))
	}
	return e, file.Commit()
}

// capturer writes frames of runs, with comments.
type capturer interface {
	write(t *truth.Truth, run *chosen, r truth.Ref, f *packet.Frame, first int) error
	Flush() error
}

func exportCapture(ctx context.Context, w io.Writer, plain bool, list []chosen, s *Selection) (*Exported, error) {
	out, err := newCapturer(w, plain, s.Tool)
	if err != nil {
		return nil, err
	}
	e := &Exported{Runs: len(list)}
	connections := 0
	for i := range list {
		c := &list[i]
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		t, err := truth.Read(c.Dir, c.Record)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", c.ID, err)
		}
		begun, shift := false, int64(0)
		err = t.EachFrame(s.Host, func(r truth.Ref, f *packet.Frame) error {
			if s.Host == "" && !t.Frame(r).Sent {
				return nil
			}
			if !begun {
				begun = true
				if e.Frames == 0 {
					e.Begin = f.Time
				} else {
					shift = e.End + int64(s.Gap) - f.Time
				}
			}
			f.Time += shift
			e.Frames++
			e.End = f.Time
			return out.write(t, c, r, f, connections)
		})
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", c.ID, err)
		}
		connections += len(t.Connections)
	}
	return e, out.Flush()
}

func newCapturer(w io.Writer, plain bool, tool string) (capturer, error) {
	if plain {
		out, err := packet.NewPcapWriter(w, packet.LinkEthernet)
		return plainCapture{out}, err
	}
	out, err := packet.NewPcapngWriter(w, tool)
	return &commented{out, map[string]int{}}, err
}

type plainCapture struct{ *packet.PcapWriter }

func (p plainCapture) write(_ *truth.Truth, _ *chosen, _ truth.Ref, f *packet.Frame, _ int) error {
	return p.Write(f)
}

// commented is a pcapng file with an interface for each name of one, the same in all runs.
type commented struct {
	*packet.PcapngWriter
	interfaces map[string]int
}

func (c *commented) write(t *truth.Truth, run *chosen, r truth.Ref, f *packet.Frame, first int) (err error) {
	of := t.Captures[r.Capture()]
	name := strings.TrimSuffix(of.Place()+":"+of.Interface, ":")
	number, ok := c.interfaces[name]
	if !ok {
		if number, err = c.AddInterface(packet.Interface{Name: name, LinkType: packet.LinkEthernet}); err != nil {
			return err
		}
		c.interfaces[name] = number
	}
	f.Interface = number
	return c.Write(f, strings.Join([]string{t.Comment(r, first), "run=" + run.ID, "entry=" + run.Entry, "split=" + run.Split}, ","))
}
