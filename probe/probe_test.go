package probe

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/model"
)

// world is a made-up dataset in which the cause of the errors is known.
type world struct {
	runs, each int
	// score gives the score of a connection: attack or not, of scenario 0 to 2, at a delay (ms) and with a number of
	// retransmissions.
	score   func(random *rand.Rand, attack bool, scenario int, delay float64, again int) float64
	seed    uint64
	packets int // of a connection, about
	wide    bool
}

var delays = []int{1, 10, 40, 100}

// write writes the dataset, its table of packets and a file of scores into a folder.
func (w world) write(t testing.TB) (dir, scores string) {
	t.Helper()
	dir = t.TempDir()
	random := rand.New(rand.NewPCG(w.seed, 1))
	var connections, packets, said bytes.Buffer
	fmt.Fprintln(&connections, "run,entry,split,label,id,class,scenario,task,client,server,client_port,server_port,protocol,start,failure,caching,server_implementation,params.twin,params.name,link.all.both.delay")
	// As many columns as the real table has when it is for a benchmark.
	wide, filling := "", ""
	if w.wide {
		for k := range 48 {
			wide, filling = fmt.Sprintf("%s,c%d", wide, k), filling+",12.5kB"[:5+k%3]
		}
	}
	fmt.Fprintln(&packets, "run,connection,direction,side,time,flags,tcp_exact,tcp_class"+wide)
	fmt.Fprintln(&said, "id,score")
	scenarios := []string{"web/get", "web/post", "sqli/dump"}
	for r := range w.runs {
		scenario := r % 3
		delay := delays[(r/3)%len(delays)]
		server := []string{"nginx", "apache2"}[random.IntN(2)]
		class, label := "benign", "benign"
		if scenario == 2 {
			class, label = "attack", "sqli"
		}
		name, task, _ := strings.Cut(scenarios[scenario], "/")
		shift := random.NormFloat64() * 0.03 // what the connections of a run have in common
		for c := 1; c <= w.each; c++ {
			again := 0
			for k := 0; k < delay/10; k++ {
				again += random.IntN(2)
			}
			fmt.Fprintf(&connections, "run%d,e,test,%s,%d,%s,%s,%s,10.0.0.1,10.0.0.2,%d,80,6,%d,none,none,%s,%t,name%d,%dms\n",
				r, label, c, class, name, task, 1000+c, 1_000_000_000*int64(c), server, server == "nginx", r, delay)
			fmt.Fprintf(&packets, "run%d,%d,sent,client,1000,S,new,%s\nrun%d,%d,received,server,%d,SA,new,%s\n", r, c, filling, r, c, 1000+int64(delay)*4_000_000, filling)
			for range w.packets/2 + random.IntN(w.packets+20) {
				fmt.Fprintf(&packets, "run%d,%d,sent,server,99,PA,new,%s\n", r, c, filling)
			}
			for range again {
				fmt.Fprintf(&packets, "run%d,%d,sent,server,99,PA,retransmission,%s\n", r, c, filling)
			}
			s := w.score(random, class == "attack", scenario, float64(delay), again) + shift
			fmt.Fprintf(&said, "run%d/%d,%.6f\n", r, c, min(max(s, 0), 1))
		}
	}
	for name, text := range map[string]*bytes.Buffer{"connections.csv": &connections, "packets.csv": &packets, "scores.csv": &said} {
		if err := os.WriteFile(filepath.Join(dir, name), text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir, filepath.Join(dir, "scores.csv")
}

// depleted is the paper's finding: retransmissions draw scores to the middle, those of attacks most.
func depleted(random *rand.Rand, attack bool, scenario int, delay float64, again int) float64 {
	x := 0.15
	if attack {
		x = 0.85 - 0.06*float64(again)
	}
	return x + random.NormFloat64()*0.05
}

func probed(t testing.TB, dir, scores string, o Options) (*Report, error) {
	t.Helper()
	m, err := model.Open(scores, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if o.Draws == 0 {
		o.Draws = 300
	}
	return Run(context.Background(), dir, m, o)
}

// TestProbeFindsTheCause makes errors by retransmissions and finds them: the delay and what goes with it are on top, the
// labels that do nothing are not found, aliases are refused by name, and the worst slice is that of attacks at the
// longest delay, with a command that makes more.
func TestProbeFindsTheCause(t *testing.T) {
	dir, scores := world{runs: 240, each: 4, score: depleted, seed: 3}.write(t)
	r, err := probed(t, dir, scores, Options{})
	if err != nil {
		t.Fatal(err)
	}
	rank := map[string]Ranked{}
	for _, l := range r.Labels.Ranked {
		rank[l.Label] = l
	}
	for _, name := range []string{"retransmissions", "link.all.both.delay"} {
		if l, ok := rank[name]; !ok || l.P > 0.01 || l.R < 0.1 || !l.Interval.Has(l.R) || l.Within == nil || l.WithinP > 0.01 {
			t.Errorf("%s: %+v", name, l)
		}
	}
	if rank["retransmissions"].R < rank["link.all.both.delay"].R {
		t.Errorf("the cause has r %.3f, what goes with it %.3f", rank["retransmissions"].R, rank["link.all.both.delay"].R)
	}
	if l := rank["activity=web/get"]; l.R > -0.05 || l.G >= 0 || l.Delta >= 0 {
		t.Errorf("activity=web/get: %+v; its errors are lower than others'", l)
	}
	if _, there := rank["server_implementation=nginx"]; there {
		t.Error("a label with an alias is ranked")
	}
	if _, there := rank["params.name=name1"]; there {
		t.Error("names are ranked")
	}
	if len(r.Labels.Aliased) != 1 || !slices.Contains(r.Labels.Aliased[0].Labels, "server_implementation=nginx") || !slices.Contains(r.Labels.Aliased[0].Labels, "params.twin=true") {
		t.Errorf("aliases: %+v, want the server and params.twin", r.Labels.Aliased)
	}
	if len(r.Slices.Worst) == 0 {
		t.Fatal("no slice is found")
	}
	worst := r.Slices.Worst[0]
	if !slices.Contains(worst.Where, "activity=sqli/dump") || !slices.Contains(worst.Where, "link.all.both.delay=100ms") {
		t.Errorf("the worst slice is %v", worst.Where)
	}
	if want := "detgen run sqli/dump -s link.all.both.delay=100ms -n 50"; worst.Command != want {
		t.Errorf("more of it by %q, want %q", worst.Command, want)
	}
	if r.Performance.Area.AUC < 0.95 || !r.Performance.OverRuns.Has(r.Performance.Area.AUC) {
		t.Errorf("area %+v, over runs %+v", r.Performance.Area, r.Performance.OverRuns)
	}
	if len(r.Performance.TooFew) != 2 {
		t.Errorf("rates that 640 benign connections are too few for: %q, want those of 1e-3 and 1e-4", r.Performance.TooFew)
	}
	// Without the alias the server is judged: it does nothing.
	r, err = probed(t, dir, scores, Options{Ignore: []string{"params.twin"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range r.Labels.Ranked {
		if strings.HasPrefix(l.Label, "server_implementation") && l.WithinP < 0.05 {
			t.Errorf("the server does nothing, and is found: %+v", l)
		}
	}
}

// TestProbeWrites writes a report and reads back what is there.
func TestProbeWrites(t *testing.T) {
	dir, scores := world{runs: 60, each: 4, score: depleted, seed: 4}.write(t)
	r, err := probed(t, dir, scores, Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "report")
	if err := r.Write(out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"report.json", "scores.csv", "roc.csv", "labels.csv", "slices.csv", "groups.csv", "calibration.csv", "roc.svg", "scores.svg", "labels.svg", "calibration.svg"} {
		if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() < 50 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	text, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(text, &back); err != nil || back.Performance.Area != r.Performance.Area || len(back.Labels.Ranked) != len(r.Labels.Ranked) {
		t.Errorf("report.json: %v; area %+v, want %+v", err, back.Performance.Area, r.Performance.Area)
	}
	if err := r.Write(out); err == nil {
		t.Error("a folder that is there is written over")
	}
	var printed bytes.Buffer
	if err := r.WriteText(&printed, out); err != nil || !strings.Contains(printed.String(), "refused: ") || !strings.Contains(printed.String(), "link.all.both.delay") {
		t.Errorf("%v; printed:\n%s", err, printed.String())
	}
}

// TestGates breaks and keeps bounds.
func TestGates(t *testing.T) {
	dir, scores := world{runs: 60, each: 4, score: depleted, seed: 4}.write(t)
	r, err := probed(t, dir, scores, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		below, above []string
		broken       string
	}{
		{[]string{"auc=0.5"}, []string{"fpr=0.9"}, ""},
		{[]string{"auc=1.1"}, nil, "auc is"},
		{nil, []string{"fpr=-1"}, "fpr is"},
		{[]string{"detection@1e-4=0.1"}, nil, "takes at least 10000 benign items"},
	} {
		gates, err := ParseGates(test.below, test.above)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Pass(gates)
		if test.broken == "" && err != nil || test.broken != "" && (err == nil || !strings.Contains(err.Error(), test.broken)) {
			t.Errorf("%v %v: %v, want %q", test.below, test.above, err, test.broken)
		}
	}
	if _, err := ParseGates([]string{"aoc=0.9"}, nil); err == nil {
		t.Error("aoc is taken")
	}
}

// TestBadRequests gets one clear error each.
func TestBadRequests(t *testing.T) {
	good := world{runs: 60, each: 4, score: depleted, seed: 4}
	dir, scores := good.write(t)
	few, fewScores := world{runs: 4, each: 4, score: depleted}.write(t)
	edited := func(edit func(string) string) string {
		text, err := os.ReadFile(filepath.Join(dir, "connections.csv"))
		if err != nil {
			t.Fatal(err)
		}
		to := t.TempDir()
		if err := os.WriteFile(filepath.Join(to, "connections.csv"), []byte(edit(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
		return to
	}
	for _, test := range []struct {
		name, dir, scores string
		o                 Options
		want              string
	}{
		{"one class", edited(func(s string) string {
			return strings.NewReplacer(",attack,", ",benign,", ",sqli,1", ",benign,1").Replace(strings.ReplaceAll(s, ",sqli,", ",benign,"))
		}), scores, Options{}, "are benign: detection takes attacks"},
		{"no label", edited(func(s string) string { return strings.NewReplacer("label", "lable", "class", "klass").Replace(s) }), scores, Options{}, "no column of labels"},
		{"few runs", few, fewScores, Options{}, "takes at least 5"},
		{"no such split", dir, scores, Options{Split: "train"}, "its splits are test"},
		{"no such label", dir, scores, Options{Labels: []string{"delay"}}, `no column "delay"`},
		{"a score is missing", dir, fewScores, Options{}, "has no score for it"},
	} {
		_, err := probed(t, test.dir, test.scores, test.o)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

// TestQuantity reads values with units.
func TestQuantity(t *testing.T) {
	for text, want := range map[string]float64{"40ms": 0.04, "200µs": 0.0002, "200us": 0.0002, "1.5s": 1.5, "3%": 0.03, "10kB": 10000, "10mbit": 1e7, "7": 7} {
		if got, ok := quantity(text); !ok || math.Abs(got-want) > 1e-12*want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"nginx", "", "true", "NaN"} {
		if got, ok := quantity(text); ok {
			t.Errorf("%q is the number %v", text, got)
		}
	}
}

// BenchmarkProbe is a dataset of 30,000 connections, 67 packets each as in the paper, beside the model's own time.
func BenchmarkProbe(b *testing.B) {
	w := world{runs: 7500, each: 4, seed: 1, packets: 114, wide: true, score: func(random *rand.Rand, attack bool, scenario int, delay float64, again int) float64 {
		return depleted(random, attack, scenario, delay, again)
	}}
	dir, scores := w.write(b)
	for b.Loop() {
		r, err := probed(b, dir, scores, Options{Draws: 2000})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(r.Seconds.Read, "read-s")
		b.ReportMetric(r.Seconds.Measure, "measure-s")
		b.ReportMetric(r.Seconds.Probe, "probe-s")
	}
}

// TestTableWithoutRuns probes a table of flows by others: each connection stands for itself, and the report says so.
func TestTableWithoutRuns(t *testing.T) {
	var flows, scores strings.Builder
	flows.WriteString("Dst Port,Flow Duration,Label\n")
	scores.WriteString("id,score\n")
	random := rand.New(rand.NewPCG(5, 5))
	for i := range 200 {
		label, score := "BENIGN", 0.2+random.Float64()*0.2
		if i%4 == 0 {
			label, score = "PortScan", 0.8
		}
		port := []int{22, 53, 80, 443, 8080}[i%5]
		if port == 53 { // what the model gets wrong
			score = 1 - score
		}
		fmt.Fprintf(&flows, "%d,%d,%s\n", port, 100+i%7, label)
		fmt.Fprintf(&scores, "%d,%.4f\n", i+1, score)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{"flows.csv": flows.String(), "scores.csv": scores.String()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := model.Open(filepath.Join(dir, "scores.csv"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Run(context.Background(), filepath.Join(dir, "flows.csv"), m, Options{Draws: 200})
	if err != nil {
		t.Fatal(err)
	}
	if r.Runs != 0 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "has no runs") {
		t.Errorf("%d runs, warnings %q", r.Runs, r.Warnings)
	}
	if a := r.Performance; a.Area.AUC > 0.9 || !a.OverRuns.Has(a.Area.AUC) || a.OverRuns.High-a.OverRuns.Low < 0.02 || a.OverRuns.High-a.OverRuns.Low > 0.3 {
		t.Errorf("AUC %v, over connections %v", a.Area, a.OverRuns)
	}
	var text bytes.Buffer
	if err := r.WriteText(&text, ""); err != nil || !strings.Contains(text.String(), ": 200 connections, 150 benign, 50 attacks") {
		t.Errorf("%v:\n%s", err, text.String())
	}
	if len(r.Labels.Ranked) == 0 {
		t.Fatalf("labels %+v", r.Labels)
	}
	// Categories are told from names that are drawn for each run.
	named := strings.NewReplacer("22,", "ssh,", "53,", "dns,", "8080,", "other,", "443,", "tls,", "80,", "web,").Replace(flows.String())
	if err := os.WriteFile(filepath.Join(dir, "named.csv"), []byte(strings.Replace(named, "Dst Port", "service", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err = Run(context.Background(), filepath.Join(dir, "named.csv"), m, Options{Draws: 200, Labels: []string{"service"}}); err != nil {
		t.Fatal(err)
	}
	if len(r.Labels.Ranked) == 0 || r.Labels.Ranked[0].Label != "service=dns" || r.Labels.Ranked[0].R < 0.8 {
		t.Errorf("labels %+v", r.Labels.Ranked)
	}
	if w := r.Slices.Worst; len(w) == 0 || !slices.Equal(w[0].Where, []string{"service=dns"}) || w[0].N != 40 {
		t.Errorf("worst slices %+v", w)
	}
}
