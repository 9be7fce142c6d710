package serve

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/model"
	"detgen/probe"
	"detgen/probe/stats"
	"detgen/report"
)

// walker scores sequences of packets: payload lifts the score, its absence halves it.
type walker struct{}

func (walker) Describe() model.Description {
	half := 0.5
	return model.Description{Name: "walker", Kind: model.Packets, Recipe: "numbers1", StepScores: true, Threshold: &half}
}
func (walker) Close() error { return nil }
func (walker) Score(_ context.Context, list []model.Item) ([]model.Score, error) {
	var out []model.Score
	for _, item := range list {
		s := model.Score{ID: item.ID}
		for _, row := range item.Steps {
			if s.Score /= 2; row[1] > 0 {
				s.Score = 2*s.Score + 0.05
			}
			s.Steps = append(s.Steps, s.Score)
		}
		out = append(out, s)
	}
	return out, nil
}

// probes adds a dataset "set" and what probing it gave, in "results", to a folder. The run of the dataset's first connection is
// there; the others are rows only.
func probes(t *testing.T, dir string) {
	t.Helper()
	set, results := filepath.Join(dir, "set"), filepath.Join(dir, "results")
	if err := os.CopyFS(filepath.Join(set, "runs", "run0"), os.DirFS("../report/testdata/run")); err != nil {
		t.Fatal(err)
	}
	var connections, runs, scores strings.Builder
	fmt.Fprintln(&connections, "run,entry,split,label,id,class,scenario,task,client,server,client_port,server_port,protocol,start,failure,caching,server_implementation,server_bytes,Flow Duration,Tot Fwd Pkts,link.all.both.delay")
	fmt.Fprintln(&runs, "run,entry,index,seed,split,left_out,scenario,task,class,link.all.both.delay")
	fmt.Fprintln(&scores, "id,score")
	random := rand.New(rand.NewPCG(5, 1))
	for r := range 48 {
		class, task, base := "benign", "web,get", 0.2
		if r%2 == 1 {
			class, task, base = "attack", "sqli,dump", 0.9
		}
		delay := []int{1, 10, 40}[r/2%3]
		fmt.Fprintf(&runs, "run%d,e,%d,%d,all,,%s,%s,%dms\n", r, r, r/6, task, class, delay)
		for c := 1; c <= 3; c++ {
			fmt.Fprintf(&connections, "run%d,e,all,%s,%d,%s,%s,10.0.0.1,10.0.0.2,%d,80,6,%d,none,none,nginx,%d,%d,%d,%dms\n", r, class, c, class, task, 1000+c, c*1_000_000_000, 900+r*c, r+c, r%7, delay)
			fmt.Fprintf(&scores, "run%d/%d,%.4f\n", r, c, min(max(base+random.NormFloat64()*0.05-float64(delay)/100*base, 0), 1))
		}
	}
	for name, text := range map[string]string{"set/connections.csv": connections.String(), "set/runs.csv": runs.String(), "set/dataset.json": `{"dataset":"set","files":{"connections.csv":{},"runs.csv":{}}}`, "scores.csv": scores.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := model.Open(filepath.Join(dir, "scores.csv"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, o := t.Context(), probe.Options{Draws: 100, Seed: 1}
	r, err := probe.Run(ctx, set, m, o)
	if err != nil {
		t.Fatal(err)
	}
	r.Dataset = "set" // as a command that was given in the folder has it
	s, err := probe.Sweep(ctx, set, m, probe.SweepOptions{Options: o, By: []string{"link.all.both.delay"}})
	if err != nil {
		t.Fatal(err)
	}
	w, err := probe.Twin(ctx, filepath.Join(dir, "twin"), walker{}, probe.TwinOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cell := func(level string, loss float64) probe.Cell {
		return probe.Cell{Level: level, Loss: loss, Area: stats.Area{AUC: 0.9 - loss*0.4}, LossIn: stats.Interval{Low: loss - 0.1, High: loss + 0.1}}
	}
	card := &probe.Card{Battery: 1, Dataset: "set", Model: r.Model, Benign: []string{"web/get"}, Attacks: []string{"sqli/dump"}, Clean: cell("clean", 0), Threshold: 0.5, Mean: 0.2,
		Factors: []probe.CardFactor{{Name: "delay", Key: "link.all.both.delay", Loss: 0.3, Cell: []probe.Cell{cell("10ms", 0.2), cell("40ms", 0.4)}}, {Name: "loss", Key: "link.all.both.loss", Loss: 0.1, Cell: []probe.Cell{cell("1%", 0.1)}},
			{Name: "background", Cell: []probe.Cell{{Level: "every 1s", Missing: "no run of web/get succeeded"}}}}, Absent: []string{"jitter", "MTU"}}
	if err := os.Mkdir(results, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, one := range map[string]interface{ Write(string) error }{"probe": r, "along": s, "twins": w, "card": card} {
		if err := one.Write(filepath.Join(results, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := report.WriteCommand(filepath.Join(results, "probe"), []string{"detgen", "probe", "set", "--model=a b.csv"}); err != nil {
		t.Fatal(err)
	}
}

// TestProbePages makes sure that results of probes have pages, whose values lead to the connections that they are of.
func TestProbePages(t *testing.T) {
	dir := folder(t)
	probes(t, dir)
	base := start(t, Options{Dir: dir})
	const connection = `"link":"/at/set/runs/{run}/?connection={connection}"`
	for path, want := range map[string][]string{
		"/": {`<a href="/at/results/probe/">probe</a>`, `<a href="/at/results/card/">card</a>`, `<a href="/at/results/twins/">twins</a>`},
		"/at/results/probe/": {"detgen probe set &#39;--model=a b.csv&#39;", connection, `<a href="/at/set/">set</a>`, "<option selected>link.all.both.delay</option>", `<a href="/at/set/runs/run0/?connection=1">1</a>`,
			"Errors against labels", "Worst slices", "ROC", "spread sideways within each value"},
		"/at/results/probe/?feature=activity":          {"<option selected>activity</option>", "Scores by activity", "sqli/dump"},
		"/at/results/probe/?find=activity%3Dsqli/dump": {`data-start="activity=sqli/dump"`},
		"/at/results/along/":                           {"Where detection falls", "link.all.both.delay", connection, "Mean score of each activity"},
		"/at/results/twins/":                           {"The outputs part", "Episodes of retransmissions", "Output over the packets", `href="/at/twin/a/?connection=1"`},
		"/at/results/card/": {`"link":"/at/set/?find={key}%3D{level}#runs"`, "What is lost of the lead over chance", "link.all.both.loss",
			"jitter, MTU", "no run of web/get succeeded", "Mean loss of 2 factors"},
		"/at/set/?audit=1&feature=server_bytes":    {"What the audit finds", "a bar leads to its connections", `"link":"?feature=server_bytes\u0026connections={filter}#connections"`, `<a href="?find=link.all.both.delay%3D10ms#runs">10ms</a>`},
		"/at/set/runs/run0/?connection=1":          {"connection 1"},
		"/at/set/?find=link.all.both.delay%3D40ms": {`data-start="link.all.both.delay=40ms"`},
	} {
		status, _, text := ask(t, "GET", base+path, nil, nil)
		if status != http.StatusOK {
			t.Errorf("%s: status %d: %.300s", path, status, text)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q", path, w)
			}
		}
	}
	// A dataset that is elsewhere is named and leads nowhere.
	for _, name := range []string{"/etc", "../secret", "way", "none"} {
		if address, _ := (&Server{o: Options{Dir: dir}}).named(filepath.Join(dir, "results", "probe"), name); address != "" {
			t.Errorf("%q has the address %q", name, address)
		}
	}
}
