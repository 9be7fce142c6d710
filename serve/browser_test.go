package serve

import (
	"cmp"
	"flag"
	"strings"
	"testing"

	"detgen/internal/browser"
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
	b := browser.Open(t, base)
	for path, height := range map[string]int{"/": 450, "/at/day/run/": 0, "/at/set/": 900, "/job": 0, "/at/results/probe/": 1500, "/at/results/along/": 0, "/at/results/twins/": 1000, "/at/results/card/": 1400} {
		b.Go(base + path)
		if height > 0 {
			name := cmp.Or(strings.ReplaceAll(strings.TrimPrefix(strings.Trim(path, "/"), "at/"), "/", "-"), "folders")
			browser.Compare(t, "testdata/pictures/"+name+".png", b.Picture(height), *update, 0.05)
		}
		for _, f := range b.Serious() {
			t.Errorf("%s: %s (%s): %s: %s", path, f.ID, f.Impact, f.Help, f.Where)
		}
	}
	pointAndClick(t, b, base)
	b.Go(base + "/at/day/run/")
	said := browser.Eval[string](b, `(() => { const f = document.getElementById("what-if-form"); f.elements.key.value = "link.client.both.loss"; f.elements.key.dispatchEvent(new Event("change"));
		return document.getElementById("what-if-range").textContent; })()`)
	if !strings.Contains(said, "share of frames lost") || !strings.Contains(said, "from 0 to 100%") || !strings.Contains(said, "Now 2%") {
		t.Errorf("the form says of the loss: %q", said)
	}
	browser.Compare(t, "testdata/pictures/what-if.png", b.Picture(1000), *update, 0.05)
	browser.Eval[bool](b, `document.querySelector("#table-connections td a").click(), true`)
	b.Wait(`location.search === "?connection=1" && document.documentElement?.dataset.ready === "yes"`)
	if title := browser.Eval[string](b, "document.querySelector('h1').textContent"); title != "web/get, seed 1, connection 1" {
		t.Errorf("the link of a connection leads to %q", title)
	}
	if errors := b.Errors(); len(errors) > 0 {
		t.Errorf("pages have errors: %q", errors)
	}
}

// pointAndClick makes sure that a point of a probe's page says what scores.csv says, by pointer and by keyboard, zooms, and leads
// to its connection.
func pointAndClick(t *testing.T, b *browser.Browser, base string) {
	b.Go(base + "/at/results/probe/")
	// The point of the one connection whose run is there.
	at := browser.Eval[[]float64](b, `(() => { const f = document.getElementById("fig-against-1"), d = JSON.parse(f.querySelector("script").textContent);
		const of = (name) => d.columns.find((c) => c.name === name), run = of("run"), id = of("connection");
		const i = d.row.findIndex((r) => run.values[run.rows[r]] === "run0" && id.values[id.rows[r]] === "1");
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
