package experiment

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"detgen/packet"
	"detgen/record"
	"detgen/scenario"
	"detgen/similarity"
)

// fake makes runs without labs: datagrams whose number, sizes and times come from the spec, and on the engine "noisy" from chance too.
type fake struct {
	mu     sync.Mutex
	random *rand.Rand
	made   map[string]int // by directory
	stop   int            // fail to make any further run after so many; 0: never
	failed string         // the name of the request whose run fails
}

func newFake() *fake {
	return &fake{random: rand.New(rand.NewPCG(1, 2)), made: map[string]int{}}
}

func (f *fake) Check(_ context.Context, r *Request) error {
	if r.Spec.Task != "web/get" {
		return fmt.Errorf("task %q does not exist", r.Spec.Task)
	}
	return nil
}

// set gives a number that a spec sets.
func set(s *scenario.Spec, key string) int {
	for _, setting := range s.Set {
		if setting.Key == key {
			n, _ := strconv.Atoi(setting.Value)
			return n
		}
	}
	return 0
}

func (f *fake) Make(_ context.Context, r *Request) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stop > 0 && len(f.made) == f.stop {
		return errors.New("stopped")
	}
	f.made[r.Dir]++
	size, count := set(r.Spec, "size"), set(r.Spec, "count")
	staging, err := record.Create(r.Dir)
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(staging.Dir(), "captures"), 0o755); err != nil {
		return err
	}
	var out bytes.Buffer
	w, err := packet.NewPcapWriter(&out, packet.LinkEthernet)
	if err != nil {
		return err
	}
	const start = 1_700_000_000e9
	for i := range count {
		at, size := int64(start)+int64(i)*10e6, size+i
		if r.Engine == "noisy" {
			at, size = at+f.random.Int64N(2e6), size+f.random.IntN(3)
		}
		if err := w.Write(&packet.Frame{Time: at, Data: datagram(size), WireLen: 42 + size}); err != nil {
			return err
		}
	}
	w.Flush()
	if err := os.WriteFile(filepath.Join(staging.Dir(), "captures", "client.pcap"), out.Bytes(), 0o644); err != nil {
		return err
	}
	client := record.Host{Name: "client", Digest: "sha256:" + strings.Repeat("0", 64), Interfaces: []record.Interface{{Name: "eth0", MAC: "02:00:00:00:00:01"}}}
	done := &record.Record{
		Run: record.Run{Seed: r.Seed, Hosts: []record.Host{client}, Activities: []record.Activity{{Name: "main", Scripts: []record.Script{{Host: "client"}}}}},
		Result: record.Result{Status: record.Complete, Started: time.Unix(0, start), WallTime: record.Duration(2 * time.Second),
			Captures: []record.Capture{{Host: "client", Interface: "eth0", File: "captures/client.pcap"}}},
	}
	if f.failed != "" && r.Name == f.failed {
		done.Result.Status = record.Failed
	}
	return staging.Commit(done)
}

// datagram is a UDP datagram over Ethernet.
func datagram(size int) []byte {
	b := append(make([]byte, 12), 8, 0, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(28+size))
	b = append(b, 0, 0, 0, 0, 64, packet.ProtocolUDP, 0, 0)
	b = append(b, netip.MustParseAddr("10.0.0.1").AsSlice()...)
	b = append(b, netip.MustParseAddr("10.0.0.2").AsSlice()...)
	b = binary.BigEndian.AppendUint16(b, 40000)
	b = binary.BigEndian.AppendUint16(b, 53)
	b = binary.BigEndian.AppendUint16(b, uint16(8+size))
	return append(b, make([]byte, 2+size)...)
}

const fakePlan = `
types:
  - name: Web
    host: client
    configurations:
      - {name: A, activity: get, data: small, load: none, congestion: low, spec: {task: web/get, set: {size: 100, count: 5}}}
      - {name: B, activity: get, data: large, load: none, congestion: low, spec: {task: web/get, set: {size: 700, count: 20}}}
`

func options(dir string) Options {
	return Options{Dir: dir, Samples: 4, Pairs: 5, Seed: 9, Measure: similarity.NewOptions(),
		Engines: []Engine{{"noisy", 1}, {"same", 2}}}
}

func determinism(t *testing.T, plan string, o Options) *Determinism {
	t.Helper()
	p, text, err := ReadPlan("plan", []byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	d, err := NewDeterminism(p, text, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDeterminism: the engine that gives the same bytes has distance 0 in all measures, the other one does not.
func TestDeterminism(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	d := determinism(t, fakePlan, options(dir))
	maker := newFake()
	maker.failed = "Web A, noisy, 2"
	if err := d.Check(t.Context(), maker); err != nil {
		t.Fatal(err)
	}
	var last Progress
	if err := d.Make(t.Context(), maker, func(p Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if last.Done != 16 || last.All != 16 || last.Left != 0 {
		t.Errorf("at the end: %+v, want 16 of 16", last)
	}
	r, err := d.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	web := r.Types[0]
	for _, c := range web.Configurations {
		noisy, same := c.Engines[0], c.Engines[1]
		if same.Samples != 4 || same.Distinct != 1 || same.Pairs.Pairs != 5 || same.Pairs.Identical != 5 || same.Pairs.KSPass != 5 || same.Seconds != 2 {
			t.Errorf("%s, same: %+v", c.Name, same)
		}
		if noisy.Distinct != noisy.Samples || noisy.Pairs.Identical != 0 {
			t.Errorf("%s, noisy: %+v", c.Name, noisy)
		}
		for _, m := range similarity.Metrics {
			if x := same.Pairs.Metrics[m.Name].Max; x != 0 {
				t.Errorf("%s, same: %s is %g, want 0", c.Name, m.Name, x)
			}
			if x := noisy.Normalised[m.Name]; x < 0 || x > 1 {
				t.Errorf("%s, noisy: normalised %s is %g, not in [0, 1]", c.Name, m.Name, x)
			}
		}
		if noisy.Pairs.Metrics["connection"].Mean == 0 || noisy.Pairs.Metrics["gap"].Mean == 0 {
			t.Errorf("%s, noisy: distances are 0: %+v", c.Name, noisy.Pairs.Metrics)
		}
	}
	if a := web.Configurations[0].Engines[0]; a.Failed != 1 || a.Samples != 3 || a.Pairs.Pairs != 3 {
		t.Errorf("with a failed run: %+v, want 3 samples and 3 pairs", a)
	}
	if web.Across.Pairs != 5 || web.Across.Metrics["edit"].Min == 0 {
		t.Errorf("across: %+v", web.Across)
	}
	for _, m := range similarity.Metrics {
		if web.Maximum[m.Name] < web.Across.Metrics[m.Name].Max {
			t.Errorf("maximum of %s: %g, below that of pairs across, %g", m.Name, web.Maximum[m.Name], web.Across.Metrics[m.Name].Max)
		}
	}
	if err := d.Write(r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"determinism.json", "determinism.csv", "pairs.csv", "determinism.md", "dissimilarity.svg", "dissimilarity.png", "sequences-web-a.svg", "sequences-web-b.png"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "pairs.csv")); bytes.Count(text, []byte("\n")) != 1+3+3*5 {
		t.Errorf("pairs.csv has %d lines, want a head and 18 pairs", bytes.Count(text, []byte("\n")))
	}
}

// TestResume: what was made before an interrupt is not made again, and the result is the same.
func TestResume(t *testing.T) {
	o := options(filepath.Join(t.TempDir(), "out"))
	maker := newFake()
	maker.stop = 7
	if err := determinism(t, fakePlan, o).Make(t.Context(), maker, func(Progress) {}); err == nil {
		t.Fatal("it did not stop")
	}
	maker.stop = 0
	first := Progress{}
	d := determinism(t, fakePlan, o)
	// What is there can be measured.
	if err := d.Begun(); err != nil {
		t.Fatal(err)
	}
	r, err := d.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	there := 0
	for _, c := range r.Types[0].Configurations {
		for _, e := range c.Engines {
			there += e.Samples
		}
	}
	if there != 7 {
		t.Errorf("%d samples are measured, want 7", there)
	}
	if err := d.Write(r); err != nil {
		t.Error(err)
	}
	if err := d.Make(t.Context(), maker, func(p Progress) {
		if first.All == 0 {
			first = p
		}
	}); err != nil {
		t.Fatal(err)
	}
	if first.Done != 8 || first.All != 16 {
		t.Errorf("first progress %+v, want 8 of 16", first)
	}
	for dir, n := range maker.made {
		if n != 1 {
			t.Errorf("%s was made %d times", dir, n)
		}
	}
	if len(maker.made) != 16 {
		t.Errorf("%d runs were made, want 16", len(maker.made))
	}
	// More samples of the same plan go on in the same folder, another seed or plan does not.
	o.Samples = 5
	d = determinism(t, fakePlan, o)
	if err := d.Make(t.Context(), maker, func(Progress) {}); err != nil || len(maker.made) != 20 {
		t.Errorf("a fifth sample: %v, %d runs, want 20", err, len(maker.made))
	}
	o.Seed = 10
	if err := determinism(t, fakePlan, o).Check(t.Context(), maker); err == nil || !strings.Contains(err.Error(), "another experiment") {
		t.Errorf("another seed: %v", err)
	}
	o.Seed = 9
	if err := determinism(t, strings.Replace(fakePlan, "700", "800", 1), o).Check(t.Context(), maker); err == nil || !strings.Contains(err.Error(), "another experiment") {
		t.Errorf("another plan: %v", err)
	}
	o.Dir = t.TempDir()
	if err := determinism(t, fakePlan, o).Begun(); err == nil || !strings.Contains(err.Error(), "no experiment") {
		t.Errorf("nothing to measure: %v", err)
	}
	if err := os.WriteFile(filepath.Join(o.Dir, "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := determinism(t, fakePlan, o).Check(t.Context(), maker); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a folder with other things: %v", err)
	}
}

// TestSeeds: all samples of a configuration have one seed, configurations different ones.
func TestSeeds(t *testing.T) {
	d := determinism(t, fakePlan, options(t.TempDir()))
	if a, b := d.batch.settings[0].seed, d.batch.settings[1].seed; a == b {
		t.Errorf("both configurations have seed %d", a)
	}
}

// TestPlans: what is wrong with a plan is said in words, before anything is made.
func TestPlans(t *testing.T) {
	for change, want := range map[string][2]string{
		"name: B":     {"name: A", `"A" is there twice`},
		"spec: {task": {"spce: {task", "spce"},
		", spec: {task: web/get, set: {size: 700, count: 20}}": {"", "spec is missing"},
		"types:":    {"kinds:", "kinds"},
		"name: Web": {"name: '&'", "is no name"},
	} {
		if _, _, err := ReadPlan("mine.yaml", []byte(strings.ReplaceAll(fakePlan, change, want[0]))); err == nil || !strings.Contains(err.Error(), want[1]) || !strings.HasPrefix(err.Error(), "mine.yaml:") {
			t.Errorf("%q instead of %q: %v, want %q", want[0], change, err, want[1])
		}
	}
	d := determinism(t, strings.Replace(fakePlan, "task: web/get", "task: web/gte", 1), options(filepath.Join(t.TempDir(), "out")))
	if err := d.Check(t.Context(), newFake()); err == nil || !strings.Contains(err.Error(), "Web A, noisy") || strings.Contains(err.Error(), "Web B") {
		t.Errorf("a task that does not exist: %v", err)
	}
	p, _, err := ReadPlan("", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Only([]string{"none"}); err == nil {
		t.Error("a type that does not exist is accepted")
	}
	if err := p.Only([]string{"HTTP"}); err != nil || len(p.Types) != 1 || len(p.Types[0].Configurations) != 4 {
		t.Errorf("only HTTP: %v, %d types", err, len(p.Types))
	}
}

const fakeFactors = `
factors:
  - name: more
    factor: 1 task
    host: client
    base: {task: web/get, set: {size: 100, count: 5}}
    with: {set: {count: 20}}
  - name: nothing
    factor: none
    host: client
    base: {task: web/get, set: {size: 100, count: 5}}
    with: {set: {count: 5}}
`

// TestFactors: a factor that changes traffic moves it more than chance does, one that changes nothing does not.
func TestFactors(t *testing.T) {
	p, text, err := ReadFactors("factors", []byte(fakeFactors))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "out")
	f, err := NewFactors(p, text, options(dir))
	if err != nil {
		t.Fatal(err)
	}
	maker := newFake()
	if err := f.Check(t.Context(), maker); err != nil {
		t.Fatal(err)
	}
	if err := f.Make(t.Context(), maker, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	r, err := f.Measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Factors) != 4 {
		t.Fatalf("%d rows, want 4", len(r.Factors))
	}
	for _, row := range r.Factors {
		for _, m := range similarity.Metrics {
			noise, moved := row.Noise.Metrics[m.Name].Mean, row.Moved.Metrics[m.Name].Mean
			switch {
			case row.Engine == "same" && noise != 0:
				t.Errorf("%s, same: noise of %s %g", row.Name, m.Name, noise)
			case row.Engine == "same" && row.Name == "nothing" && moved != 0:
				t.Errorf("nothing changed, and %s moved by %g", m.Name, moved)
			case row.Name == "more" && m.Name == "edit" && moved <= noise:
				t.Errorf("more, %s: %s moved by %g, noise %g", row.Engine, m.Name, moved, noise)
			}
		}
		if want := map[string]float64{"more": 20, "nothing": 5}[row.Name]; row.Base.Packets != 5 || row.With.Packets != want || row.With.DataUp != want {
			t.Errorf("%s: packets %+v to %+v", row.Name, row.Base, row.With)
		}
	}
	if err := f.Write(r); err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(dir, "factors.md"))
	if err != nil || !strings.Contains(string(table), "5 to 20 (+300 %)") {
		t.Errorf("table: %v\n%s", err, table)
	}
}

// TestChangedSpec: "set" is added to, other fields are replaced, the base stays as it was.
func TestChangedSpec(t *testing.T) {
	p, _, err := ReadFactors("plan", []byte("factors: [{name: f, host: h, base: {task: a/b, set: {x: 1, y: 2}}, with: {task: a/c, set: {y: 3, z: 4}, background: [{task: d/e}]}}]"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := p.Factors[0].changed()
		if got.Task != "a/c" || set(got, "x") != 1 || set(got, "y") != 3 || set(got, "z") != 4 || len(got.Set) != 3 || len(got.Background) != 1 || got.Background[0].Task != "d/e" {
			t.Errorf("%+v", got)
		}
	}
	if base := p.Factors[0].Base; base.Task != "a/b" || len(base.Set) != 2 || base.Background != nil {
		t.Errorf("the base became %+v", base)
	}
	if _, _, err := ReadFactors("", nil); err != nil {
		t.Error(err)
	}
}

// TestOptions: what makes no sense is refused.
func TestOptions(t *testing.T) {
	for _, change := range []func(*Options){
		func(o *Options) { o.Samples = 1 },
		func(o *Options) { o.Pairs = 0 },
		func(o *Options) { o.Engines = nil },
		func(o *Options) { o.Measure.Packets = 0 },
	} {
		o := options(t.TempDir())
		change(&o)
		if _, err := NewDeterminism(&Plan{}, nil, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}
