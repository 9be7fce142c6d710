package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"detgen/catalogue"
	"detgen/scenario"
)

// A number that is out of range is refused with its place, before anything starts.
func TestNumbersOutOfRange(t *testing.T) {
	for _, c := range []struct {
		name     string
		settings []string
		want     []string
	}{
		{"size with a huge exponent", []string{"params.size=1e-2000000B"}, []string{`params.size: "1e-2000000B"`, "must be a size like"}},
		{"law with a huge exponent", []string{"params.size=~exp(1e-2000000B)"}, []string{"params.size", "must be a size like"}},
		{"loss with a huge exponent", []string{"link.all.both.loss=1e-2000000%"}, []string{"link.all.both.loss", "must be a percentage"}},
		{"weight that is no number", []string{"params.size=~choice(1B:NaN, 2B)"}, []string{"params.size", "the weight of \"1B\"", "NaN"}},
		{"endless weight", []string{"params.size=~choice(1B:Inf, 2B)"}, []string{"params.size", "the weight of \"1B\"", "Inf"}},
		{"law of a parameter with a huge time", []string{"params.pause=1e300s"}, []string{`params.pause: "1e300s"`}},
		{"timeout", []string{"timeout=9999999999h"}, []string{`timeout: "9999999999h"`, "at most 8760h"}},
		{"change of a link", []string{"link.all.both.schedule=1e300s: loss=1%"}, []string{"link.all.both.schedule", "at most 8760h"}},
		{"change of a link in the past", []string{"link.all.both.schedule=-5s: loss=1%"}, []string{"link.all.both.schedule", "from 0s to 720h"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := &scenario.Spec{Task: "sound/get"}
			for _, s := range c.settings {
				setting, err := scenario.ParseSetting(s)
				if err != nil {
					t.Fatal(err)
				}
				spec.Set = append(spec.Set, setting)
			}
			_, err := folder(t).Resolve(spec, 1, images)
			wantError(t, err, append(c.want, "-s: ")...)
		})
	}
}

func TestSchedulesHaveBounds(t *testing.T) {
	dir := t.TempDir()
	csv := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("time\n"+text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct {
		name, schedule string
		want           []string
	}{
		{"huge exponent", "{at: [1e300s]}", []string{"my.yaml:4: background[0].schedule.at", `"1e300s"`}},
		{"overflow of nanoseconds", "{at: [9999999999h]}", []string{"background[0].schedule.at", `"9999999999h"`}},
		{"later than a run can be", "{at: [1000h]}", []string{`"1000h"`, "must be from 0s to 720h"}},
		{"in the past", "{at: [-1s]}", []string{`"-1s"`, "must be from 0s to 720h"}},
		{"end of a process", "{poisson: {mean: 100h, until: 9999999999h}}", []string{"poisson.until"}},
		{"file with a huge exponent", "{csv: " + csv("a.csv", "1e300") + "}", []string{"a.csv:2: time", `"1e300"`}},
		{"file with no number", "{csv: " + csv("b.csv", "NaN") + "}", []string{"b.csv:2: time", `"NaN"`}},
		{"file that ends in the past", "{csv: " + csv("c.csv", "1\n-1") + "}", []string{"c.csv:3: time", "must be from 0s to 720h"}},
		{"no file", "{csv: " + dir + "}", []string{"schedule.csv", "is not a regular file"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := withBackground(t, "  - {task: sound/get, schedule: "+c.schedule+"}\n")
			wantError(t, err, c.want...)
		})
	}
}

// What a scenario declares has bounds too.
func TestDeclarationsHaveBounds(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string
		made     bool // a part of "s" is asked for
		want     []string
	}{
		{"no processes", "    image: client", "    image: client\n    processes: 0", false, []string{"hosts.client.processes", `"0"`, "from 1 to 4194304"}},
		{"fewer than no processes", "    image: client", "    image: client\n    processes: -7", false, []string{"hosts.client.processes", `"-7"`}},
		{"memory below 0", "    image: client", "    image: client\n    memory: -1GB", false, []string{"hosts.client.memory", "from 4MB to 1TB"}},
		{"time to get ready", "ready: {listen: [tcp/80]}", "ready: {listen: [tcp/80]}\n            timeout: -5s", false, []string{"timeout", `"-5s"`, "from 1ms to 24h"}},
		{"time of a task", "    phases: [connect, transfer]", "    phases: [connect, transfer]\n    timeout: 9999h", false, []string{"tasks.get.timeout", "at most 8760h"}},
		{"size below 0", "        template: files/daemon.conf", "        generate: {kind: bytes, size: -5B}", false, []string{"files[0].generate.size", `"-5B"`, "at least 0"}},
		{"hosts", "    image: client", "    image: client\n    count: 5000", false, []string{"hosts.client", "more than 1000 hosts"}},
		{"files", "  ca: {", "  s: {site: {pages: 60, objects: 1000, object_size: 1B, page_size: 1kB}}\n  ca: {", true, []string{"hosts.server.files[2]", "more than 50000 files"}},
		{"text", "      - path: /etc/daemon.conf", "      - {path: \"/x/{{.i}}\", repeat: 2000, text: \"{{printf `%100000d` 1}}\"}\n      - path: /etc/daemon.conf", false, []string{"hosts.server.files[0]", "more than 128 MB of text"}},
		{"text that doubles", "    image: client", "    image: client\n    files: [{path: /x, text: '{{$x := `a`}}{{range count 60}}{{$x = print $x $x}}{{end}}'}]", false, []string{"hosts.client.files[0].text", "more than 64 MiB"}},
		{"text without an end", "    image: client", "    image: client\n    files: [{path: /x, text: '{{range count 1000000}}{{range count 1000000}}0123456789{{end}}{{end}}'}]", false, []string{"hosts.client.files[0].text", "more than 64 MiB"}},
		{"content", "      - path: /etc/daemon.conf", "      - {path: \"/x/{{.i}}\", repeat: 200, generate: {kind: bytes, size: 1GB}}\n      - path: /etc/daemon.conf", false, []string{"hosts.server.files[0]", "more than 100 GB on host \"server\""}},
		{"users", "    image: client", "    image: client\n    users: [{name: \"u{{.i}}\", repeat: 6000}]", false, []string{"hosts.client.users[0]", "more than 5000 users"}},
		{"number of a user", "    image: client", "    image: client\n    users: [{name: u, uid: -1}]", false, []string{"hosts.client.users[0].uid", `"-1"`}},
		{"no pages", "  ca: {", "  s: {site: {pages: 0}}\n  ca: {", true, []string{"make.s.site.pages", `"0"`, "from 1 to 100000"}},
		{"pages", "  ca: {", "  s: {site: {pages: 50000, page_size: 200MB}}\n  ca: {", true, []string{"make.s.site", "more than 128 MB of pages"}},
		{"fewer than no objects", "  ca: {", "  s: {site: {pages: 2, objects: -5}}\n  ca: {", true, []string{"make.s.site", "not within its bounds"}},
		{"cells", "  ca: {", "  s: {table: {rows: 100000, columns: {a: {type: string, law: letters(100000)}}}}\n  ca: {", true, []string{"make.s.table", "more than 128 MB of pages and tables"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			replacements := []string{c.old, c.new}
			if c.name == "files" {
				replacements = append(replacements, "  client:\n    image: client", "      - {path: /srv, tree: s}\n  client:\n    image: client")
			} else if c.made {
				part := "files"
				if strings.Contains(c.new, "table") {
					part = "text"
				}
				replacements = append(replacements, `{{made "cert" "cert"}}`, fmt.Sprintf(`{{made "s" %q}}`, part))
			}
			_, err := folder(t, replacements...).Resolve(&scenario.Spec{Task: "sound/get"}, 1, images)
			wantError(t, err, append(c.want, "scenario.yaml:")...)
		})
	}
}

// Parameters that are each within their bounds can be too much together.
func TestProductsOfParametersHaveLimits(t *testing.T) {
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range []string{"wan-web/download", "crawl/breadth"} {
		for _, sizes := range []struct {
			sites, pages int
			ok           bool
		}{{50, 500, false}, {100, 500, false}, {20, 50, true}} {
			spec := &scenario.Spec{Task: task}
			if err := spec.Override(scenario.Setting{Key: "params.sites", Value: fmt.Sprint(sizes.sites)}, scenario.Setting{Key: "params.pages", Value: fmt.Sprint(sizes.pages)}); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := c.Resolve(spec, 1, anyImage)
			runtime.ReadMemStats(&after)
			if sizes.ok {
				if err != nil {
					t.Errorf("%s with %d sites of %d pages: %v", task, sizes.sites, sizes.pages, err)
				}
				t.Logf("%s with %d sites of %d pages: %d MB in all", task, sizes.sites, sizes.pages, (after.TotalAlloc-before.TotalAlloc)>>20)
				continue
			}
			wantError(t, err, "limits.pages_in_all", fmt.Sprint(sizes.sites*sizes.pages), "more than 3000", "fewer sites")
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one error:\n%v", err)
			}
			if spent := after.TotalAlloc - before.TotalAlloc; spent > 64<<20 {
				t.Errorf("%s: %d MB before it is refused", task, spent>>20)
			}
		}
	}
}
