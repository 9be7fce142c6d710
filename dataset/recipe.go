package dataset

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/dataset/plan"
	"detgen/image"
	"detgen/internal/beneath"
	"detgen/internal/strictyaml"
	"detgen/internal/whole"
	"detgen/record"
	"detgen/runner"
)

// RecipeFormat is the version of recipes that this package writes and reads.
const RecipeFormat = 1

// maxRecipe bounds the file of a recipe, bytes: some 500,000 runs.
const maxRecipe = 128 << 20

// Recipe is what a dataset is made again from: everything that decides it, and the digests that tell whether it came out
// the same. It is a JSON file of about 200 bytes a run.
type Recipe struct {
	Format  int                    `json:"format"`
	Dataset string                 `json:"dataset"`
	Tool    string                 `json:"tool"`     // that made it
	Engine  string                 `json:"identity"` // of the engine, with its version: what ids of runs depend on
	MadeOn  record.Engine          `json:"engine"`
	Plan    string                 `json:"plan"`              // the text of plan.yaml
	Images  []record.ImageResult   `json:"images"`            // with the versions of their packages
	Debs    map[string][]image.Deb `json:"debs,omitempty"`    // the package files, by the layer of images that they make, where known
	Entries map[string]int         `json:"entries,omitempty"` // how many repetitions entries took that want connections or packets
	Runs    []RecipeRun            `json:"runs"`              // in the order of the plan
}

// RecipeRun is a run of a recipe.
type RecipeRun struct {
	ID       string   `json:"id"`
	Captures []string `json:"captures"` // SHA-256 of each, in the order of run.json
}

// WriteRecipe writes the recipe of a complete dataset, after reading every file of it whose digest is recorded.
func WriteRecipe(ctx context.Context, dir, file string) (*Recipe, error) {
	c, err := Check(ctx, dir)
	if err != nil {
		return nil, err
	}
	text, err := ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	o := c.description
	r := &Recipe{Format: RecipeFormat, Dataset: o.Dataset, Tool: o.Tool, Engine: o.Identity, MadeOn: o.Engine, Plan: string(text), Images: o.Images}
	r.Entries, r.Debs = o.Repetitions, o.Debs
	for i, id := range c.Runs {
		r.Runs = append(r.Runs, RecipeRun{id, c.captures[i]})
	}
	content, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, err
	}
	return r, whole.WriteFile(file, append(content, '\n'))
}

// ReadPlan reads the plan of a dataset's folder, as it is written.
func ReadPlan(dir string) ([]byte, error) { return beneath.ReadFile(dir, PlanFile, strictyaml.MaxSize) }

// WriteText tells what is in the recipe.
func (r *Recipe) WriteText(out io.Writer, file string) error {
	packages := 0
	for _, i := range r.Images {
		packages += len(i.Packages)
	}
	if _, err := fmt.Fprintf(out, "%s: %d runs, %d images with %d packages; made on the %s engine\n", file, len(r.Runs), len(r.Images), packages, r.MadeOn.Name); err != nil {
		return err
	}
	if names := r.unpinned(); len(names) > 0 {
		_, err := fmt.Fprintf(out, "the files of packages are not known of %s, so the recipe has versions only: images that are built from now on name them\n", strings.Join(names, ", "))
		return err
	}
	return nil
}

// ReadRecipe reads a recipe and its plan.
func ReadRecipe(file string) (*Recipe, *plan.Plan, error) {
	r, p, err := readRecipe(file)
	if err != nil {
		return nil, nil, runner.RequestError{Err: err}
	}
	return r, p, nil
}

func readRecipe(file string) (*Recipe, *plan.Plan, error) {
	content, err := beneath.ReadNamed(file, maxRecipe)
	if err != nil {
		return nil, nil, err
	}
	var r Recipe
	if err := record.ParseJSON(content, &r); err != nil {
		return nil, nil, fmt.Errorf("%s is no recipe of a dataset: %w", file, err)
	}
	if r.Format != RecipeFormat {
		return nil, nil, fmt.Errorf("%s: format %d; this detgen reads format %d", file, r.Format, RecipeFormat)
	}
	for i, run := range r.Runs {
		if !idPattern.MatchString(run.ID) {
			return nil, nil, fmt.Errorf("%s: runs[%d]: id %q must be 32 hexadecimal digits", file, i, run.ID)
		}
	}
	p, err := plan.Read(file+": plan", []byte(r.Plan))
	return &r, p, err
}

// Remade is what came of making a dataset again from its recipe.
type Remade struct {
	Same   []string // ids of runs whose captures have the bytes of the recipe
	Differ []string // what differs, a line for each run
}

// MakeAgain makes the dataset of a recipe in a folder and compares its captures with the recipe's digests, run by run.
// What differs in scenarios, images, packages or the engine, so that the bytes cannot be the same, is an error that
// names it, before anything is made.
func (r *Recipe) MakeAgain(ctx context.Context, dir string, run *runner.Runner, o Options) (*Remade, error) {
	d, err := Open(ctx, dir, RecipeName, []byte(r.Plan), run)
	if err != nil {
		return nil, err
	}
	if err := d.fix(r.Entries); err != nil {
		return nil, runner.RequestError{Err: err}
	}
	if !run.Engine().Repeats() {
		return nil, runner.RequestError{Err: fmt.Errorf("the recipe is of the %s engine, which does not give the same bytes again: build its plan instead", run.Engine().Name())}
	}
	here, err := r.compare(d)
	if err == nil {
		err = r.prepare(ctx, d, here, o.Snapshot)
	}
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	if _, err = d.Make(ctx, o); err != nil {
		return nil, err
	}
	m := &Remade{}
	for _, want := range r.Runs {
		if err := m.check(d, want); err != nil {
			return nil, err
		}
	}
	if _, err = d.Tables(ctx, o); err != nil {
		return nil, err
	}
	return m, nil
}

// RecipeName is what problems of a recipe's plan are reported under.
const RecipeName = "the recipe's plan"

// check compares a run that was made with the recipe's.
func (m *Remade) check(d *Dataset, want RecipeRun) error {
	made, err := readRun(d.Dir, RunsFolder, want.ID)
	if errors.Is(err, os.ErrNotExist) {
		m.Differ = append(m.Differ, fmt.Sprintf("differs %s  it failed: see %s", want.ID, filepath.Join(d.Dir, Failed, want.ID)))
		return nil
	}
	if err != nil {
		return err
	}
	var other []string
	for i, c := range made.Result.Captures {
		if i >= len(want.Captures) || c.SHA256 != want.Captures[i] {
			other = append(other, c.File)
		}
	}
	if len(other) > 0 || len(made.Result.Captures) != len(want.Captures) {
		m.Differ = append(m.Differ, fmt.Sprintf("differs %s  %s", want.ID, strings.Join(other, " ")))
		return nil
	}
	m.Same = append(m.Same, want.ID)
	return nil
}

// compare finds what of this machine differs from the one of the recipe in what decides bytes: the engine, and the runs
// as they resolve here. It gives a run for each image that they need, by its digest.
func (r *Recipe) compare(d *Dataset) (map[string]*record.Run, error) {
	if d.engine != r.Engine {
		return nil, fmt.Errorf("the recipe was made on another engine than this one, so the bytes would differ: %s", engineDifference(r.Engine, d.engine))
	}
	wanted := map[string]bool{}
	for _, run := range r.Runs {
		wanted[run.ID] = true
	}
	names := map[string]string{} // name -> digest
	for _, i := range r.Images {
		names[i.Name] = i.Digest
	}
	here := map[string]*record.Run{} // by image digest: a run that has it
	found := 0
	for planned := range d.Plan.Runs() {
		run, id, err := d.resolve(planned)
		if err != nil {
			return nil, err
		}
		for _, h := range run.Hosts {
			if want, ok := names[h.Image]; ok && want != h.Digest {
				return nil, fmt.Errorf("image %s is made by another recipe here (%s) than the recipe of the dataset asks for (%s): use the detgen and the catalogue that made it (%s)", h.Image, h.Digest, want, r.Tool)
			}
			here[h.Digest] = run
		}
		if wanted[id] {
			found++
			delete(wanted, id)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("%d of the recipe's runs resolve to others here, first %s: the scenarios differ: use the detgen and the catalogue that made it (%s)",
			len(wanted), slices.Sorted(maps.Keys(wanted))[0], r.Tool)
	}
	return here, nil
}

// prepare sees to it that images have the packages of the recipe: those that are built, else images of the very package
// files that the recipe names, which are fetched and kept apart, else what the mirror has now. What differs in the end
// is an error that names it.
func (r *Recipe) prepare(ctx context.Context, d *Dataset, here map[string]*record.Run, snapshot string) error {
	built := map[string]image.Image{}
	for digest, run := range here {
		images, err := d.runner.Built(run)
		if err != nil {
			return err
		}
		if i, ok := images[digest]; ok {
			built[digest] = i
		}
	}
	differ := r.differences(here, built)
	if len(built) == len(here) && len(differ) == 0 {
		return nil
	}
	unpinned := r.unpinned()
	if len(unpinned) == 0 {
		if err := d.runner.Pin(ctx, r.Debs, snapshot); err != nil {
			return err
		}
	}
	if len(unpinned) == 0 || len(differ) == 0 {
		for _, digest := range slices.Sorted(maps.Keys(here)) {
			images, err := d.runner.Images(ctx, here[digest])
			if err != nil {
				return err
			}
			built[digest] = images[digest]
		}
		differ = r.differences(here, built)
	}
	if len(differ) == 0 {
		return nil
	}
	text := "the images have other packages than those of the recipe, so the bytes would differ:\n" + strings.Join(differ, "\n")
	if len(unpinned) > 0 {
		text += "\nthe recipe does not name the package files of " + strings.Join(unpinned, ", ") + ", so they are not fetched"
	}
	return errors.New(text)
}

// differences tells how the packages of built images differ from those of the recipe, a line for each package.
func (r *Recipe) differences(here map[string]*record.Run, built map[string]image.Image) []string {
	recorded := map[string]record.ImageResult{}
	for _, i := range r.Images {
		recorded[i.Digest] = i
	}
	var differ []string
	for _, digest := range slices.Sorted(maps.Keys(here)) {
		i, ok := built[digest]
		if !ok {
			continue
		}
		want, have := recorded[digest].Packages, i.Packages
		all := map[string]string{}
		maps.Copy(all, want)
		maps.Copy(all, have)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if want[name] != have[name] {
				differ = append(differ, fmt.Sprintf("image %s: %s %s, the recipe has %s", i.Name, name, cmp.Or(have[name], "is missing"), cmp.Or(want[name], "none")))
			}
		}
	}
	return differ
}

// unpinned gives the names of images that have a package whose file the recipe does not name.
func (r *Recipe) unpinned() []string {
	files := map[[2]string]bool{} // of a package and version
	for _, debs := range r.Debs {
		for _, d := range debs {
			files[[2]string{d.Package, d.Version}] = true
		}
	}
	var names []string
	for _, i := range r.Images {
		for name, version := range i.Packages {
			if !files[[2]string{name, version}] {
				names = append(names, i.Name)
				break
			}
		}
	}
	return names
}

// engineDifference tells what differs between two identities of engines: a name, and a record.Engine as JSON where bytes
// depend on more than the name.
func engineDifference(recipe, here string) string {
	var engines [2]record.Engine
	for i, text := range []string{recipe, here} {
		_, version, _ := strings.Cut(text, " ")
		if err := json.Unmarshal([]byte(version), &engines[i]); err != nil {
			return fmt.Sprintf("%s, here %s", recipe, here)
		}
	}
	a, b := engines[0].Details, engines[1].Details
	all := map[string]string{}
	maps.Copy(all, a)
	maps.Copy(all, b)
	var list []string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if a[key] != b[key] {
			list = append(list, fmt.Sprintf("%s %s, here %s", key, cmp.Or(a[key], "none"), cmp.Or(b[key], "none")))
		}
	}
	if engines[0].Kernel != engines[1].Kernel {
		list = append(list, fmt.Sprintf("kernel %s, here %s", engines[0].Kernel, engines[1].Kernel))
	}
	return strings.Join(list, "; ")
}

// WriteText tells run by run what came of it. The error tells that runs came out with other bytes.
func (m *Remade) WriteText(out io.Writer, dir string) error {
	var text strings.Builder
	for _, id := range m.Same {
		fmt.Fprintf(&text, "same    %s\n", id)
	}
	for _, line := range m.Differ {
		fmt.Fprintln(&text, line)
	}
	fmt.Fprintf(&text, "%s: %d runs have the bytes of the recipe, %d differ\n", dir, len(m.Same), len(m.Differ))
	_, err := io.WriteString(out, text.String())
	if n := len(m.Differ); n > 0 {
		err = errors.Join(err, fmt.Errorf("%d of %d runs came out with other bytes", n, len(m.Same)+n))
	}
	return err
}
