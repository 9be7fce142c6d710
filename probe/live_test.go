package probe

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/internal/labtest"
	"detgen/model"
	"detgen/model/items"
	"detgen/model/train"
	"detgen/probe/correct"
	"detgen/runner"
)

// program gives the detgen binary, DETGEN's or one that is built, as a function and its path.
func program(t *testing.T) (run func(args ...string), path string) {
	t.Helper()
	if testing.Short() {
		t.Skip("makes labs")
	}
	if os.Getuid() != 0 {
		t.Fatal("labs need root")
	}
	path = labtest.Program(t)
	return func(args ...string) {
		t.Helper()
		cmd := exec.Command(path, args...)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("detgen %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}, path
}

const lossPlan = `
dataset: probed
seed: 5
entries:
  - name: pages
    task: web/get
    runs: 3
    set: {params.size: 60kB, link.all.both.delay: 2ms}
    vary: {design: full, factors: {link.all.both.loss: [0%, 8%]}}
  - name: guesses
    task: basic-bruteforce/list
    runs: 3
    set: {link.all.both.delay: 2ms}
    vary: {design: full, factors: {link.all.both.loss: [0%, 8%]}}
`

// TestProbeOfRealTraffic probes a model on traffic that was made for it: what is measured agrees with what was asked, a
// lost segment is an episode, a correction takes what was sent again away, and a placebo's outputs do not part.
func TestProbeOfRealTraffic(t *testing.T) {
	detgen, path := program(t)
	dir := t.TempDir()
	plan, data := filepath.Join(dir, "plan.yaml"), filepath.Join(dir, "data")
	if err := os.WriteFile(plan, []byte(lossPlan), 0o644); err != nil {
		t.Fatal(err)
	}
	detgen("dataset", "build", plan, "-o", data)
	ctx := context.Background()
	sweep, err := Sweep(ctx, data, &counter{true}, SweepOptions{By: []string{"link.all.both.loss"}, Options: Options{Draws: 200}})
	if err != nil {
		t.Fatal(err)
	}
	if sweep.Seeds != 6 { // three of each entry
		t.Errorf("%d seeds at both levels, want 6", sweep.Seeds)
	}
	for _, c := range sweep.Curves {
		clean, lossy := c.Points[0], c.Points[1]
		if *lossy.Retransmissions < 0.2 || *clean.Retransmissions > *lossy.Retransmissions/4 { // a busy machine is late now and then
			t.Errorf("%s: %.2f retransmissions without loss and %.2f with 8 %%", c.Activity, *clean.Retransmissions, *lossy.Retransmissions)
		}
		if *clean.RTT < 0.008 || *clean.RTT > 0.1 { // 2 ms on each of four links
			t.Errorf("%s: a round trip of %.4f s over four links of 2 ms", c.Activity, *clean.RTT)
		}
	}
	first, err := Correct(ctx, data, &counter{true}, CorrectOptions{Transform: correct.Transforms[0], Band: "link.all.both.loss"})
	if err != nil {
		t.Fatal(err)
	}
	if first.Changed == 0 || first.Dropped < first.Changed || len(first.Arms) != 3 || len(first.Arms[1].Bands) != 2 {
		t.Errorf("T1 changes %d connections, drops %d packets; %d arms", first.Changed, first.Dropped, len(first.Arms))
	}
	if m := first.Arms[1].Bands[0].McNemar; m != 1 {
		t.Errorf("without loss T1 changes what is right: p %.3f", m)
	}

	// Arms C and E: networks that were trained with the correction, and with segments sent twice.
	d, err := items.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	how := map[string]train.Options{
		"": {Seed: 1}, "C": {Seed: 1, Correct: &train.Change{Name: "T1", Make: correct.Transforms[0].Apply}}, "E": {Seed: 1, Augment: &train.Change{Name: "more", Make: correct.Augment(1, 0.2)}}}
	trained := map[string]*train.Result{}
	for arm, o := range how {
		o.Epochs, o.Cells = 3, 8
		if trained[arm], err = train.Run(ctx, "lstm", d, o); err != nil {
			t.Fatal(err)
		}
	}
	if a, c, e := trained[""], trained["C"], trained["E"]; c.Items != a.Items || e.Items != 2*a.Items || e.Held != 2*a.Held || slices.Equal(a.Saved.LSTM.Weights, c.Saved.LSTM.Weights) || !strings.HasSuffix(c.Saved.Trained, ", corrected by T1") {
		t.Errorf("trained on %d, %d and %d items; C on %q", a.Items, c.Items, e.Items, c.Saved.Trained)
	}
	arms := CorrectOptions{Transform: correct.Transforms[0]}
	for arm, to := range map[string]*model.Model{"C": &arms.Retrained, "E": &arms.Augmented} {
		if *to, err = trained[arm].Saved.Model(); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := trained[""].Saved.Model()
	if err != nil {
		t.Fatal(err)
	}
	all, err := Correct(ctx, data, raw, arms)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Arms) != 5 || all.Arms[2].Arm != ArmRetrained || all.Arms[4].Arm != ArmAugmented || slices.Equal(all.scores["B"], all.scores["C"]) {
		t.Errorf("arms %+v", all.Arms)
	}

	// Suricata knows the tool's name, and nothing else in these runs: it finds every guess.
	ids, err := model.Open("suricata", model.Options{Image: func(name string) (*model.Image, error) { return runner.OneImage(ctx, name, nil) }})
	if err != nil {
		t.Fatal(err)
	}
	defer ids.Close()
	found, err := Run(ctx, data, ids, Options{Draws: 100})
	if err != nil {
		t.Fatal(err)
	}
	if p := found.Performance; p.Area.AUC < 0.9 || p.Operating.FalsePositive.Share > 0 || p.Area.Attacks < 6 || p.Area.Benign < 6 {
		t.Errorf("suricata: AUC %.3f of %d attacks and %d benign connections, false positives %.3f", p.Area.AUC, p.Area.Attacks, p.Area.Benign, p.Operating.FalsePositive.Share)
	}

	t.Run("README", func(t *testing.T) { ownModels(t, path, data, d) })

	twins, same := filepath.Join(dir, "twins"), filepath.Join(dir, "same")
	detgen("twin", "web/get", "--engine", "exact", "-s", "params.size=60kB", "--vary", "link.server.up.frames=drop=data:8", "--link-driver", "soft", "--seed", "3", "-o", twins)
	for _, side := range []string{"a", "b"} {
		detgen("run", "web/get", "--engine", "exact", "-s", "params.size=60kB", "--link-driver", "soft", "--seed", "3", "-o", filepath.Join(same, side))
	}
	r, err := Twin(ctx, twins, &counter{true}, TwinOptions{Placebo: []string{same}})
	if err != nil {
		t.Fatal(err)
	}
	if r.B.Again+len(r.Episodes) == 0 || r.Outputs.First == 0 || r.Outputs.Matched < 40 {
		t.Errorf("one segment of 42 was lost: %d sent again, episodes %+v, outputs %+v", r.B.Again, r.Episodes, r.Outputs)
	}
	if r.Noise == nil || r.Noise.Pairs != 1 || len(r.Differ) != 1 || !strings.HasPrefix(r.Differ[0], "link.server.up.frames") {
		t.Errorf("noise %+v; the twins differ in %v", r.Noise, r.Differ)
	}
	if _, err := Twin(ctx, same, &counter{true}, TwinOptions{Placebo: []string{twins}}); err == nil || !strings.Contains(err.Error(), "a placebo's do not differ") {
		t.Errorf("twins as a placebo: %v", err)
	}
	out := filepath.Join(dir, "twin")
	if err := r.Write(out); err != nil {
		t.Fatal(err)
	}

	// All of it as the paper does it.
	report, err := Paper(ctx, data, &counter{true}, PaperOptions{CorrectOptions: CorrectOptions{Transform: correct.Transforms[0], Band: "link.all.both.loss", Options: Options{Draws: 200}}, Twins: twins})
	if err != nil {
		t.Fatal(err)
	}
	paper := filepath.Join(dir, "paper")
	if err := report.Write(paper); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"paper.json", "table.txt", "fig2.svg", "fig3.svg", "curves.svg", "arms.svg", "roc.svg", "labels.csv"} {
		if info, err := os.Stat(filepath.Join(paper, name)); err != nil || info.Size() < 100 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
