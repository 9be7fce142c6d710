package dataset

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset/plan"
	"detgen/image"
	"detgen/internal/beneath"
	"detgen/internal/whole"
	"detgen/record"
)

// Format is the version of dataset.json that this package writes.
const Format = 1

// Description is dataset.json: what a dataset is, how much of what is in it, and the digests of its files. The digests
// of run directories' files are in runs.csv.
type Description struct {
	Format   int               `json:"format"`
	Dataset  string            `json:"dataset"`
	Title    string            `json:"title,omitempty"`
	Seed     uint64            `json:"seed"`
	Tool     string            `json:"tool"`
	Engine   record.Engine     `json:"engine"`
	Identity string            `json:"identity"` // of the engine, with its version: what ids of runs depend on
	Captures string            `json:"captures"` // what became of them: keep or drop
	Runs     Counts            `json:"runs"`
	Labels   map[string]Counts `json:"labels"`  // by label: benign, or the attack's scenario
	Entries  map[string]Counts `json:"entries"` // by entry of the plan
	Splits   map[string]Counts `json:"splits"`

	// How many repetitions entries took that want a number of connections or packets.
	Repetitions map[string]int `json:"repetitions,omitempty"`

	Images []record.ImageResult   `json:"images"`         // with the versions of their packages
	Debs   map[string][]image.Deb `json:"debs,omitempty"` // by layer of them: the package files that it was made of, where known
	Files  map[string]FileDigest  `json:"files"`
}

// Counts is how much of something there is.
type Counts struct {
	Runs        int    `json:"runs"`
	LeftOut     int    `json:"left_out,omitempty"` // by filters; not counted in what follows
	Failed      int    `json:"failed,omitempty"`
	Connections int    `json:"connections"`
	Frames      uint64 `json:"frames"` // of all captures
}

// FileDigest is a file's SHA-256 and length.
type FileDigest struct {
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// readDescription reads the dataset.json of a folder, which is not trusted.
func readDescription(dir string) (*Description, error) {
	text, err := beneath.ReadFile(dir, FileName, record.MaxRecordSize)
	if err != nil {
		return nil, fmt.Errorf("%s is not a complete dataset: %w", dir, err)
	}
	var o Description
	if err := record.ParseSomeJSON(text, &o); err != nil {
		return nil, fmt.Errorf("%s %w", filepath.Join(dir, FileName), err)
	}
	if o.Format != Format {
		return nil, fmt.Errorf("%s: format %d; this detgen reads format %d", filepath.Join(dir, FileName), o.Format, Format)
	}
	return &o, nil
}

// describe writes dataset.json and the card.
func (d *Dataset) describe(members, failed []*member, files []string) (*Description, error) {
	first := members[0].record
	o := &Description{
		Format: Format, Dataset: d.Plan.Dataset, Title: d.Plan.Title, Seed: d.Plan.Seed, Tool: first.Tool, Engine: first.Result.Engine, Identity: d.engine, Captures: d.Plan.Captures,
		Labels: map[string]Counts{}, Entries: map[string]Counts{}, Splits: map[string]Counts{}, Files: map[string]FileDigest{},
	}
	for _, e := range d.Plan.Entries {
		if _, n := e.Wanted(); n > 0 {
			if o.Repetitions == nil {
				o.Repetitions = map[string]int{}
			}
			o.Repetitions[e.Name] = e.Runs
		}
	}
	images := map[string]record.ImageResult{}
	for _, m := range members {
		main := m.record.Run.Activities[0]
		label := main.Labels.Class
		if label == "attack" {
			label = main.Scenario
		}
		one := Counts{Runs: 1}
		if m.leftBy != "" {
			one.LeftOut = 1
		} else {
			for _, c := range m.record.Result.Captures {
				one.Frames += c.Frames
			}
			if t := m.record.Result.Truth; t != nil {
				one.Connections = int(t.Connections)
			}
		}
		o.Runs = o.Runs.plus(one)
		o.Labels[label] = o.Labels[label].plus(one)
		o.Entries[m.run.Entry.Name] = o.Entries[m.run.Entry.Name].plus(one)
		o.Splits[m.split] = o.Splits[m.split].plus(one)
		for _, i := range m.record.Result.Images {
			images[i.Digest] = i
		}
	}
	for _, m := range failed {
		o.Runs.Failed++
		c := o.Entries[m.run.Entry.Name]
		c.Failed++
		o.Entries[m.run.Entry.Name] = c
	}
	for _, digest := range slices.Sorted(maps.Keys(images)) {
		o.Images = append(o.Images, images[digest])
		layers, err := d.runner.Debs(images[digest])
		if err != nil {
			return nil, err
		}
		for layer, debs := range layers {
			if o.Debs == nil {
				o.Debs = map[string][]image.Deb{}
			}
			o.Debs[layer] = debs
		}
	}
	if err := whole.WriteFile(filepath.Join(d.Dir, CardFile), []byte(d.card(o, members))); err != nil {
		return nil, err
	}
	for _, name := range append(slices.Clone(files), PlanFile, CardFile) {
		sum, err := digestOf(filepath.Join(d.Dir, name))
		if err != nil {
			return nil, err
		}
		o.Files[name] = sum
	}
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return nil, err
	}
	return o, whole.WriteFile(filepath.Join(d.Dir, FileName), append(text, '\n'))
}

func (c Counts) plus(o Counts) Counts {
	return Counts{c.Runs + o.Runs, c.LeftOut + o.LeftOut, c.Failed + o.Failed, c.Connections + o.Connections, c.Frames + o.Frames}
}

// card is the dataset's README: what, how many, labels, factors, splits, limits, how to make it again.
func (d *Dataset) card(o *Description, members []*member) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", d.Plan.Dataset)
	for _, text := range []string{d.Plan.Title, strings.TrimSpace(d.Plan.Description)} {
		if text != "" {
			fmt.Fprintf(&b, "%s\n\n", text)
		}
	}
	fmt.Fprintf(&b, "%d runs, %d connections, %d frames; %d runs failed and are not in the tables, %d are left out by filters.\n",
		o.Runs.Runs, o.Runs.Connections, o.Runs.Frames, o.Runs.Failed, o.Runs.LeftOut)
	fmt.Fprintf(&b, "Made by %s on the %s engine, seed %d.\n", o.Tool, o.Engine.Name, o.Seed)
	for _, t := range []struct {
		title, column string
		counts        map[string]Counts
	}{{"Labels", "label", o.Labels}, {"Entries of the plan", "entry", o.Entries}, {"Splits", "split", o.Splits}} {
		fmt.Fprintf(&b, "\n## %s\n\n| %s | runs | failed | connections | frames |\n|---|---|---|---|---|\n", t.title, t.column)
		for _, name := range slices.Sorted(maps.Keys(t.counts)) {
			c := t.counts[name]
			fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", name, c.Runs, c.Failed, c.Connections, c.Frames)
		}
	}
	d.asked(&b)
	b.WriteString("\n## Factors\n\nEach is a column of runs.csv and of the table of connections.\n\n| factor | values |\n|---|---|\n")
	for _, f := range factorsOf(members) {
		seen := map[string]bool{}
		for _, m := range members {
			if v, ok := factor(&m.record.Run, f); ok {
				seen[v] = true
			}
		}
		list := slices.Sorted(maps.Keys(seen))
		text := strings.Join(list, ", ")
		if len(list) > 8 || len(text) > 100 {
			text = fmt.Sprintf("%d values", len(list))
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", f, strings.ReplaceAll(text, "|", "\\|"))
	}
	b.WriteString("\n## Files\n\n")
	for _, line := range []string{
		"`plan.yaml`: the plan that decides every run",
		"`runs.csv`: a row for each run: what it is, its split, its factors, the digests of its files",
		"tables `connections` and `packets`: a row for each; the first columns are the run, its entry, its split and the label",
		"`runs/ID/`: run directories, with captures and logs",
		"`failed/ID/`: runs that did not do what they should; they are in no table",
		"`dataset.json`: all counts, versions of packages, digests of these files",
	} {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	b.WriteString("\n## Limits\n\n- Labels are those of the programs that made the traffic, in a lab; no user made it.\n- Runs are of one split as a whole; connections of one run are not independent of each other.\n")
	if !o.Engine.Repeats() {
		b.WriteString("- The engine runs in real time: made again, times and what depends on them differ.\n")
	}
	fmt.Fprintf(&b, "\n## Make it again\n\n```\ndetgen dataset build plan.yaml -o %s\n```\n", d.Plan.Dataset)
	if o.Engine.Repeats() {
		b.WriteString("\nWith the same bytes: `detgen dataset recipe` writes a small file that `detgen dataset make` makes it from.\n")
	}
	return b.String()
}

// asked writes what entries ask of their runs: filters, and numbers that are wanted.
func (d *Dataset) asked(b *strings.Builder) {
	var lines []string
	for _, e := range d.Plan.Entries {
		if what, n := e.Wanted(); n > 0 {
			lines = append(lines, fmt.Sprintf("- %s: %d %s at least", e.Name, n, what))
		}
		if f := e.Filter; f != nil {
			for name, r := range map[string]*plan.Range{"packets": f.Packets, "bytes": f.Bytes} {
				if r != nil {
					lines = append(lines, fmt.Sprintf("- %s: runs with %s a connection %s", e.Name, name, r))
				}
			}
		}
	}
	if len(lines) > 0 {
		slices.Sort(lines)
		fmt.Fprintf(b, "\n## What entries ask for\n\n%s\n", strings.Join(lines, "\n"))
	}
}
