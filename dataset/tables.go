package dataset

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"detgen/dataset/columns"
	"detgen/dataset/plan"
	"detgen/internal/beneath"
	"detgen/internal/whole"
	"detgen/record"
	"detgen/table"
	"detgen/truth"

	"golang.org/x/sync/errgroup"
)

// The tables of a dataset. Each row is one thing; rows of connections and packets begin with the run that they are of.
const (
	RunsTable        = "runs.csv"
	ConnectionsTable = "connections.csv"
	PacketsTable     = "packets.csv"
)

// parquetName gives the name of a table in Parquet.
func parquetName(name string) string { return strings.TrimSuffix(name, ".csv") + ".parquet" }

// Tables gathers the runs that are there and writes the tables, the description and the card. format is that of
// connections and packets; the table of runs is always CSV.
func (d *Dataset) Tables(ctx context.Context, o Options) (*Description, error) {
	format := o.Format
	members, missing, failed, err := d.members(ctx)
	if err != nil {
		return nil, err
	}
	if missing > 0 {
		return nil, fmt.Errorf("%d of %d runs are not made yet: the tables follow when all are there", missing, d.Plan.Count())
	}
	if len(members) == 0 {
		return nil, errors.New("no run is complete, so there is nothing to write")
	}
	if err := assign(d.Plan, members); err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.leftBy, err = d.leftOut(m); err != nil {
			return nil, err
		}
	}
	factors := factorsOf(members)
	if err := d.writeRuns(members, factors); err != nil {
		return nil, err
	}
	kept := slices.DeleteFunc(slices.Clone(members), func(m *member) bool { return m.leftBy != "" })
	names := map[string]string{}
	tables := map[string][]table.Column{truth.ConnectionsFile: truth.ConnectionColumns(), truth.PacketsFile: truth.PacketColumns()}
	if slices.ContainsFunc(kept, (*member).tapped) {
		tables[truth.TappedFile] = truth.TappedColumns()
	}
	for name, of := range tables {
		out := name
		if format == table.Parquet {
			out = parquetName(name)
		}
		names[name] = out
		with := factors
		if name == truth.PacketsFile {
			with = nil // they are a join away, and packets are many
		}
		if err := d.gather(ctx, kept, name, of, with, out, format); err != nil {
			return nil, err
		}
	}
	files := []string{RunsTable, names[truth.ConnectionsFile], names[truth.PacketsFile]}
	if tapped := names[truth.TappedFile]; tapped != "" {
		files = append(files, tapped)
	}
	for _, set := range o.Columns {
		name := set.FileName(format)
		if files = append(files, name); d.written(name) {
			continue
		}
		if _, err := columns.Write(ctx, filepath.Join(d.Dir, name), set, format, d.columnRuns(kept)); err != nil {
			if d.Plan.Captures == plan.Drop {
				err = fmt.Errorf("%s: %w (the plan drops captures when the tables are made: the first build must have all --columns)", name, err)
			}
			return nil, err
		}
	}
	description, err := d.describe(members, failed, files)
	if err != nil {
		return nil, err
	}
	return description, d.putAway(ctx, members)
}

// written tells if a table that is made of captures, which are dropped, is there already, of these very runs: the files that
// dataset.json has are as it says, and runs.csv, which was just written, is among them.
func (d *Dataset) written(name string) bool {
	if d.Plan.Captures != plan.Drop {
		return false
	}
	o, err := readDescription(d.Dir)
	if err != nil {
		return false
	}
	for _, file := range []string{RunsTable, name} {
		is, err := digestOf(filepath.Join(d.Dir, file))
		if err != nil || is != o.Files[file] {
			return false
		}
	}
	return true
}

// putAway does with captures what the plan says.
func (d *Dataset) putAway(ctx context.Context, members []*member) error {
	if d.Plan.Captures == plan.Keep {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.NumCPU())
	for _, m := range members {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			dir := filepath.Join(d.Dir, RunsFolder, m.id)
			if d.Plan.Captures == plan.Drop {
				return os.RemoveAll(filepath.Join(dir, "captures"))
			}
			return record.CompressCaptures(dir, m.record)
		})
	}
	return group.Wait()
}

// columnRuns are members for tables in the columns of others.
func (d *Dataset) columnRuns(members []*member) []columns.Run {
	list := make([]columns.Run, len(members))
	for i, m := range members {
		list[i] = columns.Run{Dir: filepath.Join(d.Dir, RunsFolder, m.id), ID: m.id, Entry: m.run.Entry.Name, Split: m.split, Record: m.record}
	}
	return list
}

// members gives the complete runs of the plan in its order, and how many are missing and failed.
func (d *Dataset) members(ctx context.Context) (members []*member, missing int, failed []*member, err error) {
	all := make([]*member, 0, d.Plan.Count())
	for r := range d.Plan.Runs() {
		all = append(all, &member{run: r})
	}
	group, goOn := errgroup.WithContext(ctx) // goOn ends with the group, whatever came of it
	group.SetLimit(runtime.NumCPU())
	for _, m := range all {
		if goOn.Err() != nil {
			break
		}
		group.Go(func() error {
			var err error
			if _, m.id, err = d.resolve(m.run); err != nil {
				return err
			}
			for _, folder := range []string{RunsFolder, Failed} {
				dir := filepath.Join(d.Dir, folder, m.id)
				if _, err := os.Stat(filepath.Join(dir, record.FileName)); err != nil {
					continue
				}
				m.record, err = readRun(d.Dir, folder, m.id)
				return err
			}
			return nil
		})
	}
	if err := errors.Join(group.Wait(), context.Cause(ctx)); err != nil {
		return nil, 0, nil, err
	}
	seen := map[string]bool{}
	for _, m := range all {
		switch {
		case m.record == nil:
			missing++
		case seen[m.id]:
		case m.record.Result.Status != record.Complete:
			failed = append(failed, m)
		default:
			members = append(members, m)
		}
		seen[m.id] = true
	}
	return members, missing, failed, nil
}

// leftOut gives why a filter leaves a run out, "" when none does: the first connection of the task, in connections.csv,
// that has too few or too many packets or bytes of payload, both ways.
func (d *Dataset) leftOut(m *member) (string, error) {
	f := m.run.Entry.Filter
	if f == nil {
		return "", nil
	}
	in, err := beneath.Open(d.Dir, filepath.Join(RunsFolder, m.id, truth.ConnectionsFile))
	if err != nil {
		return "", err
	}
	defer in.Close()
	rows, err := table.ReadRows(in).ReadAll()
	if err == nil && len(rows) == 0 {
		err = errors.New("has no heading")
	}
	if err != nil {
		return "", fmt.Errorf("run %s: %s: %w", m.id, truth.ConnectionsFile, err)
	}
	span := slices.Index(rows[0], "span")
	for _, q := range []struct {
		what   string
		bounds *plan.Range
	}{{"packets", f.Packets}, {"bytes", f.Bytes}} {
		up, down := slices.Index(rows[0], "client_"+q.what), slices.Index(rows[0], "server_"+q.what)
		if q.bounds == nil {
			continue
		}
		if min(span, up, down) < 0 {
			return "", fmt.Errorf("run %s: %s lacks the columns that a filter needs", m.id, truth.ConnectionsFile)
		}
		for _, row := range rows[1:] {
			if row[span] != "main" {
				continue
			}
			a, err1 := strconv.ParseFloat(row[up], 64)
			b, err2 := strconv.ParseFloat(row[down], 64)
			if err := errors.Join(err1, err2); err != nil {
				return "", fmt.Errorf("run %s: %s: %w", m.id, truth.ConnectionsFile, err)
			}
			if limit := q.bounds.Min; limit != nil && a+b < *limit {
				return fmt.Sprintf("connection %s has %g %s, fewer than %g", row[0], a+b, q.what, *limit), nil
			}
			if limit := q.bounds.Max; limit != nil && a+b > *limit {
				return fmt.Sprintf("connection %s has %g %s, more than %g", row[0], a+b, q.what, *limit), nil
			}
		}
	}
	return "", nil
}

// factorsOf lists the factors that any run has a value of, in the order of their keys. Failure and caching have columns
// of their own.
func factorsOf(members []*member) []string {
	seen := map[string]bool{}
	for _, m := range members {
		for _, v := range m.record.Run.Values {
			seen[v.Name] = v.Name != "failure" && v.Name != "caching"
		}
	}
	maps.DeleteFunc(seen, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(seen))
}

// values gives a run's values of factors, "" for those that it does not have.
func values(r *record.Run, factors []string) []string {
	list := make([]string, len(factors))
	for _, v := range r.Values {
		if i, ok := slices.BinarySearch(factors, v.Name); ok {
			list[i] = v.Value
		}
	}
	return list
}

// writeRuns writes a row for each run: what it is, where, what it gave, the digests of its files, and every factor.
func (d *Dataset) writeRuns(members []*member, factors []string) error {
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	w.Write(append([]string{"run", "entry", "index", "seed", "split", "left_out", "scenario", "task", "class", "family", "technique", "failure", "caching",
		"engine", "seconds", "captures", "frames", "bytes", "connections", "run_json_sha256", "captures_sha256"}, factors...))
	for _, m := range members {
		main := m.record.Run.Activities[0]
		var frames, size uint64
		var sums []string
		for _, c := range m.record.Result.Captures {
			frames += c.Frames
			size += uint64(c.Bytes)
			sums = append(sums, c.SHA256)
		}
		connections := 0
		if t := m.record.Result.Truth; t != nil {
			connections = int(t.Connections)
		}
		sum, _, err := record.DigestBelow(d.Dir, filepath.Join(RunsFolder, m.id, record.FileName))
		if err != nil {
			return err
		}
		failure, _ := factor(&m.record.Run, "failure")
		caching, _ := factor(&m.record.Run, "caching")
		took := m.record.Result.Finished.Sub(m.record.Result.Started)
		w.Write(append([]string{m.id, m.run.Entry.Name, strconv.Itoa(m.run.Index), strconv.FormatUint(m.run.Seed, 10), m.split, m.leftBy,
			main.Scenario, main.Task, main.Labels.Class, main.Labels.Family, main.Labels.Technique, failure, caching, m.record.Result.Engine.Name,
			strconv.FormatFloat(took.Seconds(), 'f', 6, 64), strconv.Itoa(len(m.record.Result.Captures)), strconv.FormatUint(frames, 10),
			strconv.FormatUint(size, 10), strconv.Itoa(connections), sum, strings.Join(sums, " ")}, values(&m.record.Run, factors)...))
	}
	w.Flush()
	return errors.Join(w.Error(), whole.WriteFile(filepath.Join(d.Dir, RunsTable), text.Bytes()))
}

// leading are the columns that rows of connections and packets begin with.
var leading = []table.Column{
	{Name: "run", Kind: table.Text, Doc: "Id of the run, as in runs.csv."},
	{Name: "entry", Kind: table.Text, Doc: "Entry of the plan."},
	{Name: "split", Kind: table.Text, Doc: "Split that the run is in."},
	{Name: "label", Kind: table.Text, Doc: "benign, or the attack's scenario."},
}

// gather writes the rows of one table of all runs as one.
func (d *Dataset) gather(ctx context.Context, members []*member, name string, columns []table.Column, factors []string, to string, format table.Format) error {
	all := slices.Concat(leading, columns)
	for _, f := range factors {
		all = append(all, table.Column{Name: f, Kind: table.Text, Doc: "A factor's value, as it would be written; empty when the run does not have it."})
	}
	out, err := table.Create(filepath.Join(d.Dir, to), format, all)
	if err != nil {
		return err
	}
	defer out.Abort()
	for _, m := range members {
		if err := ctx.Err(); err != nil {
			return err
		}
		if name == truth.TappedFile && !m.tapped() {
			continue
		}
		from := filepath.Join(RunsFolder, m.id, name)
		if err := gatherRun(d.Dir, from, m, columns, values(&m.record.Run, factors), out); err != nil {
			return fmt.Errorf("%s: %w", filepath.Join(d.Dir, from), err)
		}
	}
	return out.Close()
}

// tapped reports whether a run has a tap.
func (m *member) tapped() bool {
	return slices.ContainsFunc(m.record.Result.Captures, func(c record.Capture) bool { return c.IsTap() })
}

// batchRows is how many rows are handed to a table at once.
const batchRows = 2000

func gatherRun(dir, name string, m *member, columns []table.Column, factors []string, out *table.File) error {
	f, err := beneath.Open(dir, name)
	if err != nil {
		return err
	}
	defer f.Close()
	rows := table.ReadRows(f)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return err
	}
	class := -1
	scenario := -1
	for i, c := range columns {
		if i >= len(head) || head[i] != c.Name {
			return fmt.Errorf("its columns are not those of this detgen (column %d is not %q): make the run again", i+1, c.Name)
		}
		switch c.Name {
		case "class":
			class = i
		case "scenario":
			scenario = i
		}
	}
	b := out.NewBatch()
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return out.Write(b)
		}
		if err != nil {
			return err
		}
		label := cells[class]
		if label == "attack" {
			label = cells[scenario]
		}
		for _, text := range []string{m.id, m.run.Entry.Name, m.split, label} {
			b.Text(text)
		}
		for i, c := range columns {
			if err := putCell(b, c, cells[i]); err != nil {
				line, _ := rows.FieldPos(i)
				return fmt.Errorf("line %d: %s: %w", line, c.Name, err)
			}
		}
		for _, v := range factors {
			b.Text(v)
		}
		b.EndRow()
		if b.Rows() == batchRows {
			if err := out.Write(b); err != nil {
				return err
			}
			b = out.NewBatch()
		}
	}
}

// putCell puts a cell of a CSV table into a batch, with the type of its column.
func putCell(b *table.Batch, c table.Column, text string) error {
	if c.Kind == table.Text {
		b.Text(text)
		return nil
	}
	if text == "" {
		if !c.Optional {
			return errors.New("is empty")
		}
		b.Null()
		return nil
	}
	switch c.Kind {
	case table.Int, table.Time:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return err
		}
		if c.Kind == table.Time {
			b.Time(n)
		} else {
			b.Int(n)
		}
	case table.Float:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		b.Float(x)
	case table.Bool:
		b.Bool(text == "1")
	}
	return nil
}

// digestOf gives the SHA-256 of a file and its length.
func digestOf(path string) (FileDigest, error) {
	sum, n, err := record.Digest(path)
	if err != nil {
		return FileDigest{}, err
	}
	return FileDigest{SHA256: sum, Bytes: n}, nil
}
