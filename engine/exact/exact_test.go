package exact_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/engine"
	"detgen/engine/exact"
	"detgen/image"
	"detgen/internal/labtest"
	"detgen/record"
	"detgen/scenario"
)

// shared is what the tests have in common: the store with the images, and one engine on the
// machine's own cache.
var shared = struct {
	once      sync.Once
	err       error
	program   string
	cache     string
	scenarios *scenario.Catalogue
	recipes   *image.Recipes
	store     *image.Store
	engine    *exact.Engine
}{}

// needsGuest skips a test in the quick loop and prepares what guests need.
func needsGuest(t testing.TB) *exact.Engine {
	t.Helper()
	if testing.Short() {
		t.Skip("runs a virtual machine")
	}
	if os.Getuid() != 0 {
		t.Fatal("packing images needs root")
	}
	shared.once.Do(func() { shared.err = prepare() })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.engine
}

func prepare() (err error) {
	if shared.program, err = program(); err != nil {
		return err
	}
	if shared.cache, err = image.CacheDir(""); err != nil {
		return err
	}
	if shared.scenarios, err = scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS}); err != nil {
		return err
	}
	if shared.recipes, err = image.Load(image.Folder{FS: catalogue.FS, Name: "catalogue"}); err != nil {
		return err
	}
	if shared.store, err = image.Open(shared.cache, shared.recipes, image.Options{}); err != nil {
		return err
	}
	shared.engine, err = exact.Open(context.Background(), config(shared.cache))
	return err
}

// program gives the detgen binary, which is the guest's init: DETGEN's, or one that is built.
func program() (string, error) {
	if path := os.Getenv("DETGEN"); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("detgen-test-%d", os.Getuid()))
	return path, labtest.Build(path)
}

func config(cache string) exact.Config {
	return exact.Config{Cache: cache, Agent: shared.program, Log: slog.New(slog.DiscardHandler)}
}

// packed gives the packed layers of the images that a run names, by digest.
func packed(t testing.TB, run *record.Run) map[string][]string {
	t.Helper()
	layers := map[string][]string{}
	for _, h := range run.Hosts {
		if layers[h.Digest] != nil {
			continue
		}
		images, err := shared.store.Ensure(t.Context(), h.Image)
		if err != nil {
			t.Fatal(err)
		}
		if layers[h.Digest], err = shared.store.Pack(t.Context(), images[0]); err != nil {
			t.Fatal(err)
		}
	}
	return layers
}

// resolve makes the run of a task of the catalogue.
func resolve(t testing.TB, task string, seed uint64, settings ...string) *record.Run {
	t.Helper()
	spec := &scenario.Spec{Task: task}
	for _, s := range settings {
		setting, err := scenario.ParseSetting(s)
		if err != nil {
			t.Fatal(err)
		}
		if setting.Key == "link_driver" {
			spec.LinkDriver = setting.Value
			continue
		}
		spec.Set = append(spec.Set, setting)
	}
	run, err := shared.scenarios.Resolve(spec, seed, shared.recipes.Digest)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// script is a run of one script on a client beside an idle server, both of the image that has ping.
func script(t testing.TB, text string) *record.Run {
	t.Helper()
	const imageName = "ping-client"
	digest, err := shared.recipes.Digest(imageName)
	if err != nil {
		t.Fatal(err)
	}
	host := func(name, mac, address string) record.Host {
		return record.Host{
			Name: name, Image: imageName, Digest: digest,
			Interfaces:   []record.Interface{{Name: "eth0", Network: "lan", MAC: mac, Address: netip.MustParsePrefix(address)}},
			Capabilities: []string{"NET_RAW"}, Memory: 1 << 30, Processes: 200,
			Transport: record.Transport{MTU: 1500, SACK: true, Timestamps: true, ECN: 2, WindowScaling: true, NoMetricsSave: true, EphemeralPorts: [2]int{32768, 60999}},
		}
	}
	return &record.Run{
		Seed: 1, Timeout: record.Duration(time.Minute), Epoch: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Networks: []record.Network{{Name: "lan", Prefix: netip.MustParsePrefix("10.1.2.0/24")}},
		Hosts:    []record.Host{host("client", "02:00:00:00:00:01", "10.1.2.3/24"), host("server", "02:00:00:00:00:02", "10.1.2.4/24")},
		Activities: []record.Activity{{
			Name: "main", Scenario: "test", Task: "test", Labels: record.Labels{Class: "benign"},
			Scripts: []record.Script{{Host: "client", Text: text}}, Timeout: record.Duration(30 * time.Second),
		}},
	}
}

// outcome is what a run left: what a repetition must give again.
type outcome struct {
	dir    string
	result *record.Result
	files  map[string]string // path in the run directory -> SHA-256, and "result" -> that of the result
}

// execute runs a run and fails the test when the run fails.
func execute(t *testing.T, e *exact.Engine, run *record.Run) outcome {
	t.Helper()
	o, err := attempt(t, e, run)
	if err != nil {
		t.Fatalf("%v\n%s", err, scriptLogs(o.dir))
	}
	return o
}

func attempt(t *testing.T, e *exact.Engine, run *record.Run) (outcome, error) {
	t.Helper()
	return attemptIn(t.Context(), e, run, packed(t, run), t.TempDir())
}

// attemptIn may be called by any goroutine.
func attemptIn(ctx context.Context, e *exact.Engine, run *record.Run, images map[string][]string, dir string) (outcome, error) {
	o := outcome{dir: dir, files: map[string]string{}}
	var err error
	o.result, err = e.Run(ctx, run, engine.Options{Dir: dir, Images: images})
	if o.result == nil {
		return o, err
	}
	return o, errors.Join(err, o.digest())
}

func (o *outcome) digest() error {
	err := filepath.WalkDir(o.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(o.dir, path)
		if err == nil {
			o.files[name], _, err = record.Digest(path)
		}
		return err
	})
	if err != nil {
		return err
	}
	again := *o.result
	again.WallTime = 0 // the host's time: the only thing that may differ
	text, err := json.Marshal(again)
	sum := sha256.Sum256(text)
	o.files["result"] = hex.EncodeToString(sum[:])
	return err
}

// scriptLogs gives the logs of a run, for a failure's message.
func scriptLogs(dir string) string {
	var text strings.Builder
	paths, _ := filepath.Glob(filepath.Join(dir, "logs/*/*.log"))
	for _, path := range paths {
		if b, _ := os.ReadFile(path); len(b) > 0 {
			fmt.Fprintf(&text, "%s:\n%s\n", filepath.Base(path), b[max(0, len(b)-2000):])
		}
	}
	return text.String()
}

// differences names the files in which two outcomes differ.
func differences(a, b outcome) []string {
	var list []string
	for name, sum := range a.files {
		if b.files[name] != sum {
			list = append(list, name)
		}
	}
	for name := range b.files {
		if _, ok := a.files[name]; !ok {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list
}

func wantSame(t *testing.T, a, b outcome) {
	t.Helper()
	if len(a.files) < 3 {
		t.Fatalf("only %d files were left", len(a.files))
	}
	if d := differences(a, b); len(d) > 0 {
		t.Errorf("%d of %d files differ: %s", len(d), len(a.files), strings.Join(d, ", "))
	}
}
