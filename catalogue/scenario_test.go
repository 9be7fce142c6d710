package catalogue_test

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/internal/labtest"
	"detgen/packet"
	"detgen/record"
	"detgen/scenario"
)

var (
	full = flag.Bool("full", false, "run every task, failure, caching option and implementation of the scenarios, not a sample of each")
	all  = flag.Bool("all", false, "run them with every combination of implementations and values")
)

func openCatalogue(t *testing.T) *scenario.Catalogue {
	t.Helper()
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// scenarioOf gives a scenario of the catalogue.
func scenarioOf(t *testing.T, c *scenario.Catalogue, name string) *scenario.Scenario {
	t.Helper()
	s, err := c.Scenario(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// resolve says whether a case can be run, and why not.
func resolve(c *scenario.Catalogue, tc testCase) error {
	spec := &scenario.Spec{Task: tc.task}
	for _, key := range sorted(tc.set) {
		spec.Set = append(spec.Set, scenario.Setting{Key: key, Value: tc.set[key]})
	}
	_, err := c.Resolve(spec, 1, func(name string) (string, error) { return "sha256:of-" + name, nil })
	return err
}

// possible lists the cases of a scenario that can be run. What the scenario declares impossible is left out; any other
// error fails the test.
func possible(t *testing.T, c *scenario.Catalogue, about *scenario.About, p catalogue.Plan, all bool) []testCase {
	t.Helper()
	can := func(tc testCase) bool {
		err := resolve(c, tc)
		if err != nil && !strings.Contains(err.Error(), "is not possible here") {
			t.Errorf("%s: %v", tc.name(), err)
		}
		return err == nil
	}
	list := cases(about, p, all, can)
	if all {
		list = slices.DeleteFunc(list, func(tc testCase) bool { return !can(tc) })
	}
	return list
}

// TestScenariosResolve makes the runs of all scenarios without executing them.
func TestScenariosResolve(t *testing.T) {
	c := openCatalogue(t)
	for _, name := range c.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scenarioOf(t, c, name)
			about, p := s.About(), readPlan(t, name)
			ready := possible(t, c, about, p, *all)
			t.Logf("%d runs", len(ready))
			for _, task := range about.Tasks {
				if !slices.ContainsFunc(ready, func(tc testCase) bool {
					return tc.task == name+"/"+task.Name && tc.set["failure"] == "" && tc.set["caching"] == ""
				}) {
					t.Errorf("task %s: the plan has no run of it that works", task.Name)
				}
			}
			for key, variants := range map[string][]scenario.AboutVariant{"failure": about.Failures, "caching": about.Caching} {
				for _, v := range variants {
					if !slices.ContainsFunc(ready, func(tc testCase) bool { return tc.set[key] == v.Name }) {
						t.Errorf("%s %s: the plan has no run of it", key, v.Name)
					}
				}
			}
		})
	}
}

// TestAttacksHaveTwins makes sure that each attack can be compared with the same hosts used as they are meant to be.
func TestAttacksHaveTwins(t *testing.T) {
	c := openCatalogue(t)
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		for _, task := range s.About().Tasks {
			if task.Class == "attack" && task.Twin == "" {
				t.Errorf("%s/%s has no benign twin: name one in its scenario.yaml (twin: TASK)", name, task.Name)
			}
		}
	}
}

// TestScenarios runs a task, a failure and a caching option of every scenario, or with -full all
// of them with every implementation, and looks at what was recorded. What a run itself checks
// (outcomes, phases, dropped frames) fails it; here are added the labels and what the captures
// must show.
func TestScenarios(t *testing.T) {
	detgen := needLabs(t)
	c := openCatalogue(t)
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		about, p := s.About(), readPlan(t, name)
		t.Run(name, func(t *testing.T) {
			took := &durations{}
			t.Cleanup(func() { t.Log(took) })
			list := possible(t, c, about, p, *all)
			if !*full && !*all {
				list = sample(list, p)
			}
			for i, tc := range list {
				t.Run(tc.name(), func(t *testing.T) {
					t.Parallel()
					begin := time.Now()
					dir := execute(t, detgen, tc, i+1)
					took.add(tc.task, time.Since(begin))
					r, err := record.Read(dir)
					if err != nil {
						t.Fatal(err)
					}
					checkLabels(t, about, tc, r, dir)
					checkFrames(t, r, dir)
					checkSights(t, p, tc, r, dir)
				})
			}
		})
	}
}

// TestScenariosExact makes one run of each attack scenario, or with -full of each scenario, twice on the exact engine,
// where the captures must be the same to the byte.
func TestScenariosExact(t *testing.T) {
	detgen := needLabs(t)
	c := openCatalogue(t)
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		about, p := s.About(), readPlan(t, name)
		if about.Class != "attack" && !*full {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tc := range possible(t, c, about, p, false) {
				if kind(tc) == "" && (p.Exact == "" || strings.HasSuffix(tc.task, "/"+p.Exact)) {
					execute(t, detgen, tc, 1, "--engine", "exact", "--check")
					return
				}
			}
			t.Errorf("the plan has no run of task %q", p.Exact)
		})
	}
}

// needLabs gives the program to test, where labs can be made.
func needLabs(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("makes labs")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	if _, err := exec.LookPath("tshark"); err != nil {
		t.Fatal("tshark is missing: apt-get install tshark")
	}
	return labtest.Program(t)
}

// execute makes a run and gives its directory.
func execute(t *testing.T, detgen string, tc testCase, seed int, flags ...string) string {
	t.Helper()
	// Not t.TempDir, which is named after the test and long.
	parent, err := os.MkdirTemp("", "detgen-catalogue-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(parent) })
	dir := filepath.Join(parent, "run")
	args := []string{"run", tc.task, "--seed", strconv.Itoa(seed), "-o", dir}
	for _, key := range sorted(tc.set) {
		args = append(args, "-s", key+"="+tc.set[key])
	}
	args = append(args, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, detgen, args...).CombinedOutput(); err != nil {
		t.Fatalf("detgen %s: %v\n%s%s", strings.Join(args, " "), err, out, scriptLogs(dir))
	}
	return dir
}

// scriptLogs gives the ends of the logs of scripts, for a failure's message.
func scriptLogs(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "logs", "*", "main*.log"))
	var b strings.Builder
	for _, f := range files {
		if content, err := os.ReadFile(f); err == nil {
			fmt.Fprintf(&b, "--- %s\n%s\n", strings.TrimPrefix(f, dir), content[max(0, len(content)-1500):])
		}
	}
	return b.String()
}

// checkLabels compares the labels of the run, and of every connection, with what was run.
func checkLabels(t *testing.T, about *scenario.About, tc testCase, r *record.Record, dir string) {
	t.Helper()
	task := about.Tasks[slices.IndexFunc(about.Tasks, func(a scenario.AboutTask) bool { return about.Scenario+"/"+a.Name == tc.task })]
	main := r.Run.Activities[0]
	if main.Labels.Class != task.Class {
		t.Errorf("class %q, want %q", main.Labels.Class, task.Class)
	}
	want := map[string]string{
		"scenario": about.Scenario, "task": task.Name, "failure": tc.set["failure"], "caching": tc.set["caching"],
	}
	if main.Failure != want["failure"] || main.Caching != want["caching"] {
		t.Errorf("failure %q, caching %q, want %q, %q", main.Failure, main.Caching, want["failure"], want["caching"])
	}
	file, err := os.Open(filepath.Join(dir, "connections.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("connections.csv: %d rows, %v", len(rows), err)
	}
	activity, client, server := slices.Index(rows[0], "activity"), slices.Index(rows[0], "client_host"), slices.Index(rows[0], "server_host")
	for _, row := range rows[1:] {
		if row[activity] != main.Name {
			continue // of the warm-up, outside the labelled span
		}
		labels := main.LabelsOf(row[client], row[server])
		want["class"], want["family"], want["technique"] = labels.Class, labels.Family, labels.Technique
		want["chain"] = main.ChainOf(row[client], row[server])
		for column, value := range want {
			if i := slices.Index(rows[0], column); i < 0 || row[i] != value {
				t.Errorf("connections.csv: connection %s: %s is %q, want %q", row[0], column, row[max(i, 0)], value)
			}
		}
	}
}

// checkFrames finds frames that are not of the lab's own hosts.
func checkFrames(t *testing.T, r *record.Record, dir string) {
	t.Helper()
	own := ownAddresses(t, r)
	for _, capture := range r.Result.Captures {
		reader, err := packet.Open(filepath.Join(dir, capture.File))
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		var frame packet.Frame
		for number := 1; ; number++ {
			if err := reader.Next(&frame); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", capture.File, err)
			}
			var h packet.Headers
			packet.Decode(&frame, &h)
			switch {
			case h.EtherType == packet.EtherTypeARP && r.Run.Family() != record.IPv6:
			case h.EtherType == packet.EtherTypeIPv6 && r.Run.Family() != record.IPv4 && own[h.Source()]:
			case h.EtherType != packet.EtherTypeIPv4 || r.Run.Family() == record.IPv6:
				t.Errorf("%s: frame %d is of type %#x", capture.File, number, h.EtherType)
			case !own[h.Source()]:
				t.Errorf("%s: frame %d is from %v, which is no host of the run", capture.File, number, h.Source())
			}
		}
	}
}

// checkSights counts frames in the captures.
func checkSights(t *testing.T, p catalogue.Plan, tc testCase, r *record.Record, dir string) {
	t.Helper()
	sights := p.Sights()
	values := map[string]string{"task": strings.Split(tc.task, "/")[1]}
	for _, v := range r.Run.Values {
		values[v.Name] = v.Value
	}
	for _, capture := range r.Result.Captures {
		var here []catalogue.Sight
		for _, s := range sights {
			if s.Host == capture.Host && concerns(t, s, values) {
				here = append(here, s)
			}
		}
		if len(here) == 0 {
			continue // tshark takes longer to start than many a run
		}
		counts := countFrames(t, filepath.Join(dir, capture.File), p.Options, r.Result.Started, here)
		for i, s := range here {
			want := s.Count
			if want == "" {
				want = ">0"
			}
			ok, err := record.Match(want, strconv.Itoa(counts[i]))
			if err != nil {
				t.Fatalf("count %q: %v", want, err)
			}
			if !ok {
				t.Errorf("%s: %d frames match %q, want %s", capture.File, counts[i], s.Frames, want)
			}
		}
	}
}

func concerns(t *testing.T, s catalogue.Sight, values map[string]string) bool {
	t.Helper()
	for key, want := range s.When {
		value, ok := values[key]
		if !ok {
			return false
		}
		match, err := record.Match(want, value)
		if err != nil {
			t.Fatalf("when %s: %v", key, err)
		}
		if !match {
			return false
		}
	}
	return true
}

var statRow = regexp.MustCompile(`(?m)^\|[^|]*<>[^|]*\|(.*)\|\s*$`)

// countFrames counts the frames from start on that match each filter, in one pass.
func countFrames(t *testing.T, file string, options []string, start time.Time, sights []catalogue.Sight) []int {
	t.Helper()
	var filters []string
	for _, s := range sights {
		filters = append(filters, fmt.Sprintf("(%s) && frame.time_epoch >= %d.%09d", s.Frames, start.Unix(), start.Nanosecond()))
	}
	tshark := func(args ...string) string {
		cmd := exec.Command("tshark", append(append(slices.Clip(options), "-n", "-r", file), args...)...)
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("tshark: %v\n%s", err, said.String())
		}
		return string(out)
	}
	counts := make([]int, len(sights))
	out := tshark("-q", "-z", "io,stat,0,"+strings.Join(filters, ","))
	row := statRow.FindStringSubmatch(out)
	if row == nil { // no frame, or one: there is no interval
		for i, filter := range filters {
			counts[i] = strings.Count(tshark("-Y", filter, "-T", "fields", "-e", "frame.number"), "\n")
		}
		return counts
	}
	cells := strings.Split(row[1], "|")
	for i := range counts {
		var err error
		if counts[i], err = strconv.Atoi(strings.TrimSpace(cells[2*i])); err != nil {
			t.Fatalf("tshark -z io,stat: %v\n%s", err, out)
		}
	}
	return counts
}

// durations are the times of runs, by task.
type durations struct {
	mu   sync.Mutex
	list map[string][]time.Duration
}

func (d *durations) add(task string, took time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil {
		d.list = map[string][]time.Duration{}
	}
	d.list[task] = append(d.list[task], took)
}

// String is a line a task: how many runs, and their median time.
func (d *durations) String() string {
	var b strings.Builder
	total := 0
	for _, task := range sorted(d.list) {
		times := d.list[task]
		slices.Sort(times)
		total += len(times)
		fmt.Fprintf(&b, "\n%-20s %4d runs, median %v", task, len(times), times[len(times)/2].Round(time.Millisecond))
	}
	return fmt.Sprintf("%d runs%s", total, b.String())
}

// TestLawsEndWherePatternsDo wants each text that a law draws to fit the parameter's pattern, however long the law's tail
// is: what is refused once in ten thousand runs ends a dataset.
func TestLawsEndWherePatternsDo(t *testing.T) {
	long := regexp.MustCompile(`^(?:alnum|letters)\((?:exp|lognormal|halfcauchy|pareto|weibull|normal)\([^)]*?(?:max=(\d+))?\)(?:\+(\d+))?\)$`)
	most := regexp.MustCompile(`\{\d+,(\d+)\}$`)
	c := openCatalogue(t)
	looked := 0
	for _, name := range c.Names() {
		s := scenarioOf(t, c, name)
		for _, p := range s.About().Parameters {
			law, pattern := long.FindStringSubmatch(p.Law), most.FindStringSubmatch(p.Pattern)
			if law == nil || pattern == nil {
				continue
			}
			looked++
			end, _ := strconv.Atoi(law[1])
			plus, _ := strconv.Atoi(law[2])
			if room, _ := strconv.Atoi(pattern[1]); law[1] == "" || end+plus > room {
				t.Errorf("%s: params.%s: the law %s gives texts that do not fit %s: give it max=%d", name, p.Name, p.Law, p.Pattern, room-plus)
			}
		}
	}
	if looked < 20 {
		t.Errorf("%d laws of texts were looked at", looked)
	}
}
