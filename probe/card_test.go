package probe

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/dataset/plan"
	"detgen/model"
	"detgen/model/items"
	"detgen/probe/correct"
	"detgen/probe/stats"
	"detgen/runner"
	"detgen/scenario"
)

// TestCardFindsTheLoss makes scores that lose with the loss of frames only, and reads that off the card.
func TestCardFindsTheLoss(t *testing.T) {
	b, err := readBattery()
	if err != nil {
		t.Fatal(err)
	}
	scenarios, err := runner.OpenScenarios("")
	if err != nil {
		t.Fatal(err)
	}
	can := func(s *scenario.Spec) error {
		_, err := scenarios.Resolve(s, 1, func(string) (string, error) { return "sha256:0", nil })
		return err
	}
	text, err := b.plan(&CardOptions{Benign: []string{"web/get"}, Attacks: []string{"basic-bruteforce/list"}, Runs: 6, Options: Options{Seed: 3}}, scenarios, can)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Read("battery", text)
	if err != nil {
		t.Fatalf("the battery is no plan: %v\n%s", err, text)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "plan.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var table, said bytes.Buffer
	fmt.Fprintln(&table, "run,entry,split,label,id,class,activity,scenario,task,protocol")
	fmt.Fprintln(&said, "id,score")
	n, seeds := 0, map[string][]uint64{}
	for r := range p.Runs() {
		n++
		seeds[r.Entry.Name] = append(seeds[r.Entry.Name], r.Seed)
		if r.Entry.Name == "web-get-congestion-control-3" {
			continue // all of its runs failed
		}
		class, label := "benign", "benign"
		score := 0.3
		if r.Entry.Task != "web/get" {
			class, label, score = "attack", "bruteforce", 0.7
		}
		loss := 0.
		for _, s := range r.Spec.Set {
			if s.Key == "link.all.both.loss" {
				loss, _ = quantity(s.Value)
			}
		}
		if strings.HasSuffix(r.Entry.Name, "-evasion-1") {
			score = 0.3
		}
		scenario, task, _ := strings.Cut(r.Entry.Task, "/")
		for c := 1; c <= 5; c++ {
			fmt.Fprintf(&table, "run%d,%s,all,%s,%d,%s,main,%s,%s,6\n", n, r.Entry.Name, label, c, class, scenario, task)
			fmt.Fprintf(&said, "run%d/%d,%.6f\n", n, c, 0.5+(score-0.5)*(1-loss/0.08)+random.NormFloat64()*0.1)
		}
		fmt.Fprintf(&table, "run%d,%s,all,benign,6,benign,others,web,get,6\n", n, r.Entry.Name) // beside it
		fmt.Fprintf(&said, "run%d/6,9\n", n)
	}
	for name, list := range seeds {
		if clean := seeds[strings.Join(strings.Split(name, "-")[:2], "-")]; strings.HasPrefix(name, "web-get") && !slices.Equal(list, clean) {
			t.Errorf("the runs of %s have the seeds %d, and those of the clean set %d", name, list, clean)
		}
	}
	for name, b := range map[string]*bytes.Buffer{"connections.csv": &table, "scores.csv": &said} {
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	m, err := model.Open(filepath.Join(dir, "scores.csv"), model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := MakeCard(context.Background(), dir, m, CardOptions{Options: Options{Draws: 200}})
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range c.Factors {
		names[f.Name] = true
		last := f.Cell[len(f.Cell)-1]
		switch {
		case f.Name == "loss":
			if last.Loss < 0.7 || f.Cell[0].Loss > 0.1 || !last.LossIn.Has(last.Loss) {
				t.Errorf("loss: %+v to %+v; at 8 %% nothing is left, at 0.5 %% nearly all", f.Cell[0], last)
			}
		case f.Name == "evasion":
			if f.Cell[0].Loss < 0.8 || f.Cell[1].Loss > 0.1 || f.Cell[0].Tasks[0] != "basic-bruteforce/list" || f.Cell[0].Level != "params.parallel=1" {
				t.Errorf("evasions: the first hides the attack, the second does not: %+v", f.Cell[:2])
			}
		case math.Abs(f.Loss) > 0.05:
			t.Errorf("%s does nothing, and loses %.3f", f.Name, f.Loss)
		}
		for k, cell := range f.Cell {
			if failed := f.Name == "congestion control" && k == 2; (cell.Missing != "") != failed || cell.Level == "" {
				t.Errorf("%s, severity %d: %+v; all runs of one task at vegas failed", f.Name, k+1, cell)
			}
		}
	}
	for _, want := range []string{"delay", "jitter", "loss", "reordering", "rate", "load", "caching", "implementation", "TLS", "MTU", "offload", "congestion control", "background", "evasion"} {
		if !names[want] {
			t.Errorf("the card has no factor %s", want)
		}
	}
	if c.Clean.Area.AUC < 0.97 || len(c.Factors) != len(b.Factors) || c.Clean.Area.Benign != 30 {
		t.Errorf("clean %+v, %d factors", c.Clean.Area, len(c.Factors))
	}
	out := filepath.Join(t.TempDir(), "card")
	if err := c.Write(out); err != nil {
		t.Fatal(err)
	}
	both, err := ReadCards([]string{out, out})
	if err != nil {
		t.Fatal(err)
	}
	if err := both.Draw(filepath.Join(t.TempDir(), "cards.svg")); err != nil {
		t.Error(err)
	}
	var printed bytes.Buffer
	if err := both.WriteText(&printed); err != nil || strings.Count(printed.String(), "scores.csv") != 2 {
		t.Errorf("%v:\n%s", err, printed.String())
	}

	// The same of two factors alone: of the same cells, and with what is not on it named.
	if m, err = model.Open(filepath.Join(dir, "scores.csv"), model.Options{}); err != nil {
		t.Fatal(err)
	}
	few := CardOptions{Options: Options{Draws: 200, Seed: 3}, Factors: []string{"TCP options", "loss"}, Benign: []string{"web/get"}, Attacks: []string{"basic-bruteforce/list"}, Runs: 6}
	part, err := MakeCard(context.Background(), dir, m, few)
	if err != nil {
		t.Fatal(err)
	}
	if len(part.Factors) != 2 || part.Factors[0].Name != "loss" || part.Factors[0].Loss != c.Factors[2].Loss || len(part.Absent) != len(b.Factors)-2 || part.Mean != (part.Factors[0].Loss+part.Factors[1].Loss)/2 {
		t.Errorf("a card of two factors: %+v", part)
	}
	printed.Reset()
	if err := part.WriteText(&printed, ""); err != nil || !strings.Contains(printed.String(), "mean of 2 of 17") || !strings.Contains(printed.String(), "not measured (left out, or of no task here): delay, jitter, reordering") {
		t.Errorf("%v:\n%s", err, printed.String())
	}
	if err := part.Write(out + "2"); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCards([]string{out, out + "2"}); err == nil || !strings.Contains(err.Error(), "cannot be compared") {
		t.Errorf("cards of other factors side by side: %v", err)
	}
	if text, err = b.plan(&few, scenarios, can); err != nil {
		t.Fatal(err)
	}
	if p, err = plan.Read("battery", text); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, e := range p.Entries {
		made[e.Name] = true
		if e.Task == "web/get" && !slices.ContainsFunc(e.Set, func(s scenario.Setting) bool { return s.Key == "transport.initial_cwnd" && s.Value == "10" }) {
			t.Errorf("%s does not have the clean value of a factor that was left out: %v", e.Name, e.Set)
		}
	}
	if len(p.Entries) != 2*(1+5+5) || !made["web-get-loss-5"] || !made["basic-bruteforce-list-tcp-options-1"] || !made["web-get"] {
		t.Errorf("the battery of two factors has the entries %v", made)
	}
	if err := os.WriteFile(filepath.Join(dir, "plan.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	for factor, want := range map[string]string{"los": `no factor "los"`, "jitter": "has no cell of jitter"} {
		few.Factors = []string{factor}
		if _, err := MakeCard(context.Background(), dir, m, few); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a card of %s: %v, want %q", factor, err, want)
		}
	}

	other, scores := world{runs: 30, each: 2, score: depleted}.write(t)
	if m, err = model.Open(scores, model.Options{}); err != nil {
		t.Fatal(err)
	}
	if _, err := MakeCard(context.Background(), other, m, CardOptions{}); err == nil || !strings.Contains(err.Error(), "no dataset of the card") {
		t.Errorf("another dataset: %v", err)
	}
}

// TestArms compares arms of a correction: one that mends what retransmissions do, one that does nothing.
func TestArms(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	s := &Set{Data: &items.Dataset{}}
	r := &CorrectReport{set: s, scores: map[string][]float64{}, Transform: correct.Transforms[0].Name}
	for i := range 400 {
		attack := i%4 == 0
		x, lost := 0.2+random.NormFloat64()*0.1, 0.
		if attack {
			x += 0.6
			if i%8 == 0 {
				lost = 0.5
			}
		}
		s.Items = append(s.Items, Item{Attack: attack})
		noise := random.NormFloat64() * 0.02
		r.scores[ArmRaw] = append(r.scores[ArmRaw], x-lost)
		r.scores[ArmCorrected] = append(r.scores[ArmCorrected], x)
		r.scores[ArmControl] = append(r.scores[ArmControl], x-lost+noise)
	}
	r.judge([]string{ArmRaw, ArmCorrected, ArmControl})
	fixed, control := r.Arms[1].Against, r.Arms[2].Against
	if fixed.Area.Difference < 0.05 || fixed.Area.P > 1e-3 || fixed.Mended < 15 || fixed.McNemar > 1e-3 || fixed.Error.P > 1e-4 || fixed.Error.Mean > -0.03 {
		t.Errorf("the correction mends: %+v", fixed)
	}
	if control.Area.P < 0.01 || control.McNemar < 0.01 || control.Error.P < 0.001 {
		t.Errorf("the control does nothing: %+v", control)
	}
	if a := r.Arms[1].Area; a.AUC != stats.AUC(r.two(ArmCorrected, nil)).AUC || a.AUC < 0.99 || a.AUC > 1 {
		t.Errorf("area %+v", a)
	}
}
