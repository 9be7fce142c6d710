package serve

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/internal/browser"
	"detgen/report"
)

var update = flag.Bool("update", false, "write the pictures of pages anew; look at them before a commit")

// TestBrowser looks at the local pages as a person does: no errors, nothing serious for accessibility, what a link leads to,
// what the form of "what if" says.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser")
	}
	dir := folder(t)
	probes(t, dir)
	base := start(t, Options{Dir: dir, Make: true})
	b := browser.Open(t, base, "file:")
	growing(t, dir)
	for path, height := range map[string]int{"/": 450, "/at/day/run/?connection=1": 1800, "/at/twin/": 1600, "/at/set/": 900, "/at/growing/": 500, "/job": 300,
		"/at/results/probe/": 1500, "/at/results/along/": 1600, "/at/results/twins/": 1000, "/at/results/card/": 1400} {
		name, _, _ := strings.Cut(path, "?")
		name = cmp.Or(strings.ReplaceAll(strings.TrimPrefix(strings.Trim(name, "/"), "at/"), "/", "-"), "folders")
		t.Run(name, func(t *testing.T) {
			b.Go(base + path)
			b.Look(t, "testdata/pictures/"+name, height, *update)
		})
	}
	// The same as files, whose policy is their own.
	for _, name := range []string{"set", "results/probe", "results/along", "results/twins", "results/card"} {
		p, err := Report(t.Context(), filepath.Join(dir, name), report.Options{}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "page.html")
		if err := p.WriteFile(path, report.Shell{}); err != nil {
			t.Fatal(err)
		}
		b.Go("file://" + path)
	}
	pointAndClick(t, b, base)
	large(t, b, base, dir)
	hostile(t, b, base, dir)
	hostileHosts(t, b, base, dir)
	b.Go(base + "/at/day/run/")
	said := browser.Eval[string](b, `(() => { const f = document.getElementById("what-if-form"); f.elements.key.value = "link.client.both.loss"; f.elements.key.dispatchEvent(new Event("change"));
		return document.getElementById("what-if-range").textContent; })()`)
	if !strings.Contains(said, "share of frames lost") || !strings.Contains(said, "from 0 to 100%") || !strings.Contains(said, "Now 2%") {
		t.Errorf("the form says of the loss: %q", said)
	}
	b.Look(t, "testdata/pictures/what-if", 1000, *update)
	browser.Eval[bool](b, `document.querySelector("#table-connections td a").click(), true`)
	b.Wait(`location.search === "?connection=1" && document.documentElement?.dataset.ready === "yes"`)
	if title := browser.Eval[string](b, "document.querySelector('h1').textContent"); title != "web/get, seed 1, connection 1" {
		t.Errorf("the link of a connection leads to %q", title)
	}
	if errors := b.Errors(); len(errors) > 0 {
		t.Errorf("pages have errors: %q", errors)
	}
	t.Logf("%v of the browser's processor time", b.CPU())
}

// pointAndClick makes sure that a point of a probe's page says what scores.csv says, by pointer and by keyboard, zooms, and leads
// to its connection.
func pointAndClick(t *testing.T, b *browser.Browser, base string) {
	b.Go(base + "/at/results/probe/")
	// The point of the one connection whose run is there.
	at := browser.Eval[[]float64](b, `(() => { const f = document.getElementById("fig-against-1"), d = JSON.parse(f.querySelector("script").textContent);
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
		const of = (name, r) => { const c = d.columns.find((c) => c.name === name); return c.values[c.rows ? c.rows[r] : c.letters ? letters.indexOf(c.letters[r]) : r]; };
		const i = d.row.findIndex((r) => of("run", r) === "run0" && of("connection", r) === "1");
		f.scrollIntoView(); const box = f.querySelector("svg").getBoundingClientRect(), s = box.width / d.width; return [box.left + s * d.x[i], box.top + s * d.y[i]]; })()`)
	b.Point(at[0], at[1])
	b.Wait(`document.querySelector("#fig-against-1 .readout").textContent !== ""`)
	said := browser.Eval[string](b, `document.querySelector("#fig-against-1 .readout").textContent`)
	score := browser.Eval[string](b, `[...document.querySelectorAll("#table-connections tbody tr")].find((r) => r.children[0].textContent === "run0" && r.children[1].textContent === "1").children[6].textContent`)
	for _, want := range []string{"connection 1, run run0", "link.all.both.delay 1ms", "score " + score} {
		if !strings.Contains(said, want) {
			t.Errorf("the point says %q, without %q", said, want)
		}
	}
	browser.Eval[bool](b, `document.querySelector("#fig-against-1 .drawing").focus(), true`)
	b.Keys("\u0303") // right
	b.Keys("+")
	if box := browser.Eval[string](b, `document.querySelector("#fig-against-1 svg").getAttribute("viewBox")`); strings.HasPrefix(box, "0 0 349") {
		t.Errorf("after zooming in the drawing shows %s", box)
	}
	b.Keys("0")
	b.Click(at[0], at[1])
	b.Wait(`location.pathname === "/at/set/runs/run0/" && location.search === "?connection=1" && document.documentElement?.dataset.ready === "yes"`)
}

// large makes sure that a dataset of 30,000 connections opens and filters in time. Limits are processor time, several times what it
// takes, as a clock tells little on a busy machine.
func large(t *testing.T, b *browser.Browser, base, dir string) {
	set := filepath.Join(dir, "large")
	var connections strings.Builder
	connections.WriteString("run,label,id,class,client,start")
	for k := range 34 {
		fmt.Fprintf(&connections, ",c%d", k)
	}
	for i := range 30_000 {
		fmt.Fprintf(&connections, "\nrun%d,%s,%d,x,10.0.%d.%d,%d.%06d", i/10, []string{"benign", "attack"}[i%2], i%10+1, i%7, i%250, i, i*7919%1_000_000)
		for k := range 34 {
			fmt.Fprintf(&connections, ",%d", (i*(k+3)*2654435761)%[]int{9, 97, 1009, 1 << 30}[k%4])
		}
	}
	for name, text := range map[string]string{"connections.csv": connections.String() + "\n", "runs.csv": "run,class\nrun0,x\n", "dataset.json": `{"dataset":"large"}`} {
		if err := errors.Join(os.MkdirAll(set, 0o755), os.WriteFile(filepath.Join(set, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	begun := b.CPU()
	b.Go(base + "/at/large/")
	if took := b.CPU() - begun; took > 6*time.Second {
		t.Errorf("a dataset of 30,000 connections opens in %v of processor time", took)
	} else {
		t.Logf("opening 30,000 connections: %v of the browser's processor time", took)
	}
	for filter, want := range map[string]string{"attack": "15000 of 30000 rows", "run2999 c0>2": "", "label=benign c3<1000000": "", "": "30000 of 30000 rows"} {
		begun := b.CPU()
		said := browser.Eval[string](b, fmt.Sprintf(`(() => { const t = document.getElementById("table-connections"), i = t.querySelector("input"); i.value = %q;
			i.dispatchEvent(new Event("input")); document.body.offsetHeight; return t.querySelector(".count").textContent; })()`, filter))
		took := b.CPU() - begun
		if want != "" && said != want || took > time.Second {
			t.Errorf("the filter %q keeps %s in %v of processor time", filter, said, took)
		}
		t.Logf("filter %q: %s, %v of processor time", filter, said, took)
	}
}

// hostile makes sure that a folder's name, a label and a line of a log with markup are text on the local pages.
func hostile(t *testing.T, b *browser.Browser, base, dir string) {
	const markup = `<img src=x onerror="document.title='taken'">`
	to := filepath.Join(dir, markup)
	if err := os.CopyFS(to, os.DirFS("../report/testdata/run")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(to, "run.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	label, err := json.Marshal(markup)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(string(text), `"class": "benign"`, `"class": `+string(label))
	if err := errors.Join(os.WriteFile(path, []byte(changed), 0o644), os.WriteFile(filepath.Join(to, "logs", "server", "web.log"), []byte(markup), 0o644)); err != nil {
		t.Fatal(err)
	}
	b.Go(base + "/")
	if n := browser.Eval[int](b, fmt.Sprintf(`[...document.querySelectorAll("#table-folders td")].filter((td) => td.textContent === %q).length`, markup)); n < 2 {
		t.Errorf("the list has the markup %d times as text", n)
	}
	browser.Eval[bool](b, fmt.Sprintf(`[...document.querySelectorAll("#table-folders a")].find((a) => a.textContent === %q).click(), true`, markup))
	b.Wait(`document.querySelector("h1")?.textContent.startsWith("web/get") && document.documentElement?.dataset.ready === "yes"`)
	browser.Eval[bool](b, `(() => { for (const d of document.querySelectorAll(".drawing")) { d.focus(); d.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"})); } return true; })()`)
	if n := browser.Eval[int](b, `document.querySelectorAll("img[onerror]").length + (document.title === "taken" ? 1 : 0)`); n != 0 {
		t.Errorf("markup of the run is markup of its page, %d times", n)
	}
}

// hostileHosts makes sure that names of hosts, labels and values with markup in a dataset's tables are text on its page.
func hostileHosts(t *testing.T, b *browser.Browser, base, dir string) {
	const markup = `<img src=x onerror="document.title='taken'">`
	set := filepath.Join(dir, "hostile-set")
	quoted := `"` + strings.ReplaceAll(markup, `"`, `""`) + `"`
	for name, text := range map[string]string{
		"connections.csv": "run,entry,label,id,client_host,server_host,client,server,server_bytes\nrun0,e," + quoted + ",1," + quoted + ",server,10.0.0.1," + quoted + ",9\nrun0,e,benign,2,client,server,10.0.0.1,10.0.0.2,12\n",
		"runs.csv":        "run,class,link.all.both.delay\nrun0,x," + quoted + "\n", "dataset.json": `{"dataset":"hostile"}`,
	} {
		if err := errors.Join(os.MkdirAll(set, 0o755), os.WriteFile(filepath.Join(set, name), []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	b.Go(base + "/at/hostile-set/?audit=1&feature=server_bytes")
	if n := browser.Eval[int](b, fmt.Sprintf(`[...document.querySelectorAll("#table-connections td")].filter((td) => td.textContent === %q).length`, markup)); n != 3 {
		t.Errorf("the table has the markup %d times as text", n)
	}
	browser.Eval[bool](b, `(() => { for (const d of document.querySelectorAll(".drawing")) d.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"})); for (const th of document.querySelectorAll("th button")) th.click(); return true; })()`)
	if n := browser.Eval[int](b, `document.querySelectorAll("img").length + (document.title === "taken" ? 1 : 0)`); n != 0 {
		t.Errorf("markup of a dataset is markup of its page, %d times", n)
	}
}
