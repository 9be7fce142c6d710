package mirror

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/dataset/flowset"
	"detgen/dataset/plan"
	"detgen/dataset/service"
	"detgen/internal/oracle"
	"detgen/scenario"
)

// target is a profile by hand: http with two programs, a service with few packets, one of which nothing is known, one
// that no task makes, and two attacks.
func target() *Profile {
	size := Figures{Mean: 5000, Min: 100, P5: 200, P25: 800, P50: 2400, P75: 5000, P95: 50_000, Max: 90_000}
	many := Figures{Mean: 30}
	return &Profile{
		Format: 1, Target: "net\n.csv", Flows: 2000, Benign: 1000,
		Services: []Service{
			{Service: "http", Flows: 600, Share: 0.6, Packets: many, Bytes: size, Servers: []Count{{"nginx/1.18", 300}, {"Apache/2.4", 100}, {"Jigsaw", 1}}},
			{Service: "dns", Flows: 200, Share: 0.2, Packets: Figures{Mean: 15}, Bytes: size},
			{Service: "ftp", Flows: 100, Share: 0.1, Packets: many, Bytes: size},
			{Service: "", Flows: 60, Share: 0.06, Packets: many},
			{Service: "rdp", Flows: 40, Share: 0.04, Packets: many},
		},
		Attacks: []Attack{{Label: "Web Attack \x96 XSS", Flows: 900}, {Label: "Teardrop", Flows: 90}, {Label: "Bot - Attempted", Flows: 10}},
	}
}

func usual() PlanOptions {
	return PlanOptions{Name: "mirror", Seed: 7, Engine: "exact", Flows: 1000, Fewest: 15, Sizes: "all", Benign: -1}
}

func planOf(t *testing.T, p *Profile, o PlanOptions) (*plan.Plan, *Planned) {
	t.Helper()
	made, err := p.Plan(o)
	if err != nil {
		t.Fatal(err)
	}
	read, err := plan.Read("plan.yaml", made.Text)
	if err != nil {
		t.Fatalf("%v\n%s", err, made.Text)
	}
	return read, made
}

func flowsOf(p *plan.Plan, prefix string) (n float64) {
	for _, e := range p.Entries {
		if strings.HasPrefix(e.Name, prefix) {
			per := 1.
			for _, list := range append([][]Task{TasksOfAttack("xss")}, tasks["http"], tasks["ftp"]) {
				for _, t := range list {
					if t.Task == e.Task {
						per = t.flows()
					}
				}
			}
			n += float64(e.Runs) * per
		}
	}
	return n
}

func TestPlanHasTheSharesSizesAndPrograms(t *testing.T) {
	p, made := planOf(t, target(), usual())
	if p.Dataset != "mirror" || p.Seed != 7 || p.Engine != "exact" || made.Covered != 0.7 {
		t.Errorf("%+v, %+v", p, made)
	}
	// 700 benign flows that can be mirrored, 900 of an attack: of 1000, 437 and 563.
	for prefix, want := range map[string]float64{"http-": 375, "ftp-": 62.5, "xss-": 562.5} {
		if got := flowsOf(p, prefix); got < want*0.9-5 || got > want*1.1+5 {
			t.Errorf("%s has %g flows, want about %g", prefix, got, want)
		}
	}
	text := string(made.Text)
	for _, want := range []string{
		`server.implementation: "~choice(nginx:300, apache2:100)"`,
		`params.size: "~lognormal(2000B, 1.95, min=2B, max=89600B)"`, // less 400 bytes of heads; ln(49600/2000)/1.645
		"filter: {bytes: {min: 100, max: 90000}}",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan lacks %s:\n%s", want, text)
		}
	}
	wanted := []string{"dns, 200 flows (20.00 %): 15.0 packets a flow", "60 flows (6.00 %): of no service", "rdp, 40 flows", `"Jigsaw", 1 flows`, "ftp: cut-offs", `attack "Teardrop"`, `attack "Bot - Attempted"`}
	for _, want := range wanted {
		if !slices.ContainsFunc(made.Missing, func(m string) bool { return strings.Contains(m, want) }) {
			t.Errorf("%q is not told as missing: %q", want, made.Missing)
		}
	}
	if len(made.Missing) != len(wanted) {
		t.Errorf("missing: %q", made.Missing)
	}
}

func TestPlanIsOverridden(t *testing.T) {
	o := usual()
	o.Keep, o.Without, o.Sizes, o.Benign = []string{"dns"}, []string{"ftp"}, "p5-p95", 1
	name, mix, err := ParseMix("http=web/get:3,web/head")
	if err != nil {
		t.Fatal(err)
	}
	o.Mix = map[string][]Task{name: mix}
	p, made := planOf(t, target(), o)
	var names []string
	for _, e := range p.Entries {
		names = append(names, e.Name)
	}
	if got := strings.Join(names, " "); got != "http-web-get http-web-head dns-recursive dns-query dns-forward" {
		t.Errorf("entries %s", got)
	}
	if p.Entries[0].Runs != 563 || p.Entries[1].Runs != 188 || !strings.Contains(string(made.Text), "min: 200, max: 50000") || !strings.Contains(string(made.Text), "{bytes") {
		t.Errorf("%s", made.Text)
	}
	for text, want := range map[string]string{"http": "must be NAME=", "http=web": "must be SCENARIO/TASK", "http=web/get:0": "above 0", "http=web/get:x": `"x"`} {
		if _, _, err := ParseMix(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for want, change := range map[string]func(*PlanOptions){
		"no service of the profile":      func(o *PlanOptions) { o.Keep = []string{"gopher"} },
		"neither a service nor a label":  func(o *PlanOptions) { o.Mix = map[string][]Task{"gopher": mix} },
		"must be all, p5-p95 or none":    func(o *PlanOptions) { o.Sizes = "some" },
		"nothing of the profile is left": func(o *PlanOptions) { o.Without = []string{"http", "dns", "ftp", "rdp"}; o.Mix = nil },
	} {
		o, profile := usual(), target()
		change(&o)
		if len(o.Without) > 0 {
			profile.Attacks = nil
		}
		if _, err := profile.Plan(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestEveryTaskOfAMixCanRun resolves each task with the settings that a plan gives it.
func TestEveryTaskOfAMixCanRun(t *testing.T) {
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	p := &Profile{Format: 1, Target: "all", Flows: 2}
	for name := range tasks {
		if service.Named(name) == nil || len(service.Named(name).Scenarios) == 0 {
			t.Errorf("there is no service %s, or coverage says that nothing makes it", name)
		}
		p.Services = append(p.Services, Service{Service: name, Flows: 1000, Bytes: target().Services[0].Bytes, Packets: Figures{Mean: 30}})
		p.Benign += 1000
	}
	for _, s := range service.All {
		if len(s.Scenarios) > 0 && tasks[s.Name] == nil && s.Name != "ftp-data" { // which comes with ftp
			t.Errorf("%s is made by %v, and a plan has no task for it", s.Name, s.Scenarios)
		}
	}
	for name, list := range programs {
		for i := range p.Services {
			if p.Services[i].Service == name {
				for _, one := range list {
					p.Services[i].Servers = append(p.Services[i].Servers, Count{one.word, 1})
				}
			}
		}
	}
	for _, label := range []string{
		"FTP-Patator", "SSH-Patator", "DoS slowloris", "DoS Slowhttptest", "DoS Hulk", "DoS GoldenEye", "Heartbleed", "Web Attack - Brute Force",
		"Web Attack - XSS", "Web Attack - Sql Injection", "Infiltration", "Bot", "PortScan", "DDoS",
	} {
		p.Attacks = append(p.Attacks, Attack{Label: label, Flows: 100})
	}
	made, out := planOf(t, p, usual())
	if len(made.Entries) < 60 {
		t.Errorf("%d entries: %v", len(made.Entries), out.Missing)
	}
	for r := range made.Runs() {
		if r.Index > 0 {
			continue
		}
		if _, err := c.Resolve(r.Spec, r.Seed, func(string) (string, error) { return "sha256:0", nil }); err != nil {
			t.Errorf("%s: %v", r.Name(), err)
		}
	}
}

func TestReadProfileIsStrict(t *testing.T) {
	path := filepath.Join(t.TempDir(), "p.json")
	if err := target().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if p, err := ReadProfile(path); err != nil || p.Services[0].Servers[0] != (Count{"nginx/1.18", 300}) {
		t.Errorf("%+v, %v", p, err)
	}
	for text, want := range map[string]string{`{"format": 2}`: "must be 1", `{"colour": 1}`: "colour", `[]`: "no profile"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadProfile(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestPlanOfRealRows: the plan of CICIDS-2017's rows can be read, and names what it leaves out.
func TestPlanOfRealRows(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(oracle.Data(t, "nids-data/cicids2017-improved"), "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("public flows: %v, %v", files, err)
	}
	var sets []*flowset.Set
	for _, f := range files {
		set, err := flowset.Read(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	set, err := flowset.Join(sets)
	if err != nil {
		t.Fatal(err)
	}
	p, made := planOf(t, Measure(set), usual())
	if made.Services < 8 || len(p.Entries) < 46 || !slices.ContainsFunc(made.Missing, func(m string) bool { return strings.HasPrefix(m, "dns, 1497 flows") }) {
		t.Errorf("%d services, %d entries, missing %q", made.Services, len(p.Entries), made.Missing)
	}
}

// TestFigure draws the comparison: three quantities, and of two sides.
func TestFigure(t *testing.T) {
	a, b := made(t, "80,6,1000,3,2,100,900,BENIGN", "22,6,1000,3,2,100,900,BENIGN"), made(t, "80,6,3000000,5,4,200,1800,BENIGN")
	f, err := Compare(a, b, 100, 1).Figure()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := f.WriteSVG(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"packets of a flow", "bytes of a flow", "seconds of a flow", "ssh", "http", "dataset", "target"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the figure lacks %s", want)
		}
	}
}
