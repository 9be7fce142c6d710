package report

import (
	"encoding/csv"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"detgen/internal/browser"
	"detgen/plot"
)

var update = flag.Bool("update", false, "write the pictures of pages anew; look at them before a commit")

// written gives the address of a folder's page, as a file.
func written(t *testing.T, dir string) string {
	t.Helper()
	p, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.html")
	if err := p.WriteFile(path, Shell{Tool: "detgen test"}); err != nil {
		t.Fatal(err)
	}
	return "file://" + path
}

// row gives a row of a CSV file, by name of column.
func row(t *testing.T, path string, is func(map[string]string) bool) map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		named := map[string]string{}
		for i, name := range rows[0] {
			named[name] = r[i]
		}
		if is(named) {
			return named
		}
	}
	t.Fatalf("%s has no such row", path)
	return nil
}

// TestBrowser looks at pages as a person does.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("drives a browser")
	}
	b := browser.Open(t, "file:")
	t.Run("kinds", func(t *testing.T) { kindsOfPages(t, b) })
	b.Go(written(t, "testdata/run"))
	t.Run("filter", func(t *testing.T) {
		filter := func(text string) int {
			return browser.Eval[int](b, fmt.Sprintf(`(() => { const t = document.getElementById("table-conversation"), i = t.querySelector("input"); i.value = %q;
				i.dispatchEvent(new Event("input")); return t.querySelectorAll("tbody tr").length; })()`, text))
		}
		for text, want := range map[string]int{"": 37, "arp": 2, "fate:lost": 1, "LOST": 1, "from:client what:tcp": 17, "number>30": 5, "nothing-like-it": 0} {
			if got := filter(text); got != want {
				t.Errorf("%q keeps %d rows, not %d", text, got, want)
			}
		}
		filter("")
	})
	t.Run("sort", func(t *testing.T) {
		first := browser.Eval[[]string](b, `(() => { const t = document.getElementById("table-conversation"), list = [];
			const head = [...t.querySelectorAll("th")].find((th) => th.textContent === "delay");
			for (let i = 0; i < 2; i++) { head.querySelector("button").click(); list.push(head.getAttribute("aria-sort"), t.querySelector("tbody tr td:nth-child(9)").textContent); }
			return list; })()`)
		if first[0] != "ascending" || first[2] != "descending" || !(number(t, first[1]) < number(t, first[3])) {
			t.Errorf("sorting by delay gives %v", first)
		}
	})
	t.Run("pointer", func(t *testing.T) { pointer(t, b) })
	t.Run("speed", func(t *testing.T) { speed(t, b) })
	b.Go(written(t, "testdata/run"))
	t.Run("keyboard", func(t *testing.T) { keyboard(t, b) })
	t.Run("hostile", func(t *testing.T) {
		for _, dir := range []string{hostile(t), hostileFigure(t)} {
			b.Go(written(t, dir))
			untaken(t, b)
		}
	})
	if errors := b.Errors(); len(errors) > 0 {
		t.Errorf("the page has errors: %q", errors)
	}
	t.Logf("%v of the browser's processor time", b.CPU())
}

// untaken makes sure that no markup of a hostile folder became markup of its page: not when the page was made, nor by what its
// script shows under the pointer and in filtered tables.
func untaken(t *testing.T, b *browser.Browser) {
	t.Helper()
	browser.Eval[bool](b, `(() => { for (const i of document.querySelectorAll(".table input")) { i.value = "taken"; i.dispatchEvent(new Event("input")); i.value = ""; i.dispatchEvent(new Event("input")); }
		for (const th of document.querySelectorAll("th button")) th.click();
		for (const d of document.querySelectorAll(".drawing")) { d.focus(); for (const key of ["ArrowRight", "ArrowRight", "+"]) d.dispatchEvent(new KeyboardEvent("keydown", {key})); }
		for (const d of document.querySelectorAll("details")) d.open = true; return true; })()`)
	b.Wait("true") // a frame later
	if said := browser.Eval[string](b, `document.title`); said == "taken" || !strings.Contains(said, "</script><script>") {
		t.Errorf("the title is %q", said)
	}
	if found := browser.Eval[int](b, `document.querySelectorAll("main img[onerror], main script:not([type='application/json']), header script, b, figure script:not([type='application/json']), image[onerror]").length`); found != 0 {
		t.Errorf("%d elements of the run's markup are in the page", found)
	}
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// pointer makes sure that what is said of the packet under the pointer is what packets.csv says.
func pointer(t *testing.T, b *browser.Browser) {
	for _, want := range []map[string]string{
		row(t, "testdata/run/packets.csv", func(r map[string]string) bool { return r["fate"] == "lost" }),
		row(t, "testdata/run/packets.csv", func(r map[string]string) bool {
			return r["capture"] == "captures/server.pcap" && r["number"] == "10"
		}),
	} {
		host := strings.TrimSuffix(strings.TrimPrefix(want["capture"], "captures/"), ".pcap")
		at := browser.Eval[[]float64](b, fmt.Sprintf(`(() => { const f = document.getElementById("fig-sequence"), d = JSON.parse(f.querySelector("script").textContent);
			const p = d.panels.find((p) => p.name === %q), i = p.number.indexOf(%s); let t = 0; for (let k = 0; k <= i; k++) t += p.time[k];
			f.scrollIntoView(); const box = f.querySelector(".drawing").getBoundingClientRect(), s = box.width / d.width;
			return [box.left + s * (p.left + (t - p.from) / (p.to - p.from) * (p.right - p.left)), box.top + s * (p.middle + (p.is_up[i] ? -5 : 5))]; })()`, host, want["number"]))
		b.Point(at[0], at[1])
		b.Wait(`document.querySelector("#fig-sequence .readout").textContent !== ""`)
		said := browser.Eval[string](b, `document.querySelector("#fig-sequence .readout").textContent`)
		for name, value := range map[string]string{
			"frame": want["number"] + " of " + host, "size": want["length"] + " bytes", "flags": want["flags"], "phase": want["phase"], "fate": want["fate"],
			"label": want["class"], "connection": want["connection"],
		} {
			if text := name + " " + value; !strings.Contains(said, text) {
				t.Errorf("frame %s of %s: the page says %q, without %q", want["number"], host, said, text)
			}
		}
		if tip := browser.Eval[string](b, `document.querySelector("#fig-sequence .tip").hidden ? "" : document.querySelector("#fig-sequence .tip").textContent`); !strings.Contains(tip, "fate "+want["fate"]) {
			t.Errorf("what stands at the pointer: %q", tip)
		}
		b.Point(5, 5)
	}
}

// speed makes sure that 100,000 frames are drawn and panned in time. Limits are processor time, several times what it takes, as a
// clock tells little on a busy machine.
func speed(t *testing.T, b *browser.Browser) {
	list := []*frames{made(50_000), made(50_000)}
	figure := &plot.Packets{Up: "sent", Down: "received"}
	f, _, err := drawPackets("sequence", "many", figure, list, meanwhile)
	if err != nil {
		t.Fatal(err)
	}
	drawing, err := figure.Draw()
	if err != nil {
		t.Fatal(err)
	}
	f.Packets = underPointer(figure, drawing, list) // as when the script has loaded them
	p := &Page{Title: "many", Sections: []*Section{{ID: "packets", Title: "Packets", Figures: []*Figure{f}}}}
	path := filepath.Join(t.TempDir(), "many.html")
	if err := p.WriteFile(path, Shell{}); err != nil {
		t.Fatal(err)
	}
	begun := b.CPU()
	b.Go("file://" + path)
	b.Wait(`[...document.querySelectorAll("#fig-sequence canvas")].filter((c) => !c.hidden && c.width > 100).length === 2`)
	if took := b.CPU() - begun; took > 6*time.Second {
		t.Errorf("drawing 100,000 frames takes %v of processor time", took)
	} else {
		t.Logf("drawing 100,000 frames: %v of processor time", took)
	}
	pan(t, b)
}

// pan drags the figure, and measures what each step takes.
func pan(t *testing.T, b *browser.Browser) {
	const steps = 30
	place := browser.Eval[[]float64](b, `(async () => { const d = document.querySelector("#fig-sequence .drawing"), data = JSON.parse(document.querySelector("#fig-sequence > script").textContent), frame = () => new Promise(requestAnimationFrame);
		d.scrollIntoView(); d.dispatchEvent(new KeyboardEvent("keydown", {key: "+"})); await frame(); await frame();
		window.took = new Map(); window.colors = () => { const c = d.querySelector("canvas"), all = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; let sum = 0; for (let i = 0; i < all.length; i += 4) sum = (sum * 31 + all[i] + all[i + 1] * 3) % 1000003; return sum; };
		const ask = window.requestAnimationFrame; window.requestAnimationFrame = (f) => ask((t) => { const begun = performance.now(); f(t); took.set(t, (took.get(t) || 0) + performance.now() - begun); });
		const box = d.getBoundingClientRect(), s = box.width / data.width; return [box.left + s * (data.panels[0].left + data.panels[0].right) / 2, box.top + s * data.panels[0].middle]; })()`)
	was := browser.Eval[int](b, `colors()`)
	begun := b.CPU()
	b.Drag(place[0], place[1], place[0]-8*steps, place[1], steps)
	cpu := (b.CPU() - begun) / steps
	took := browser.Eval[[]float64](b, `[...took.values()].sort((a, b) => a - b)`)
	if browser.Eval[int](b, `colors()`) == was {
		t.Error("dragging moves nothing")
	}
	if len(took) < steps {
		t.Fatalf("%d steps of dragging are drawn in %d frames", steps, len(took))
	}
	median, most := took[len(took)/2], took[len(took)*95/100]
	t.Logf("panning over 100,000 frames: a step is drawn in %.1f ms (median), %.1f ms (95 %%), with %v of processor time in all", median, most, cpu)
	if median > 16 || cpu > 200*time.Millisecond { // 60 frames a second; the browser draws and composes besides
		t.Errorf("panning is not smooth: a step is drawn in %.1f ms, with %v of processor time", median, cpu)
	}
}

// keyboard makes sure that the figure answers keys: steps, zoom, and back.
func keyboard(t *testing.T, b *browser.Browser) {
	browser.Eval[bool](b, `document.querySelector("#fig-sequence .drawing").focus(), true`)
	readout := func() string {
		return browser.Eval[string](b, `document.querySelector("#fig-sequence .readout").textContent`)
	}
	b.Keys(right)
	if said := readout(); !strings.HasPrefix(said, "frame 1 of client,") {
		t.Errorf("after the first arrow key the page says %q", said)
	}
	b.Keys(right)
	b.Keys(right)
	if said := readout(); !strings.HasPrefix(said, "frame 3 of client,") {
		t.Errorf("after three arrow keys the page says %q", said)
	}
	b.Keys(down)
	if said := readout(); !strings.Contains(said, " of server,") {
		t.Errorf("after the key down the page says %q", said)
	}
	canvases := `[...document.querySelectorAll("#fig-sequence canvas")].filter((c) => !c.hidden && c.width > 100).length`
	b.Keys("++")
	b.Wait(canvases + " === 2")
	if dots := browser.Eval[int](b, `(() => { const c = document.querySelector("#fig-sequence canvas"), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
		for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; })()`); dots < 4 {
		t.Errorf("what is drawn when zoomed has %d colours", dots)
	}
	b.Keys("0")
	b.Wait(canvases + " === 0")
}

// Keys of a keyboard, as the driver names them.
const (
	right = "\u0303"
	down  = "\u0301"
)

// kindsOfPages goes through the pages of each kind of folder, and what each must do. What probing gives has pages in the tests of
// package serve, which looks at them in the same way.
func kindsOfPages(t *testing.T, b *browser.Browser) {
	for _, test := range []struct {
		dir    string
		height int // of what is looked at, dots
		also   func(t *testing.T, b *browser.Browser)
	}{
		{"run", 2400, nil},
		{"twin", 1500, marked},
		{"sweep", 1200, parting},
		{"correct", 1400, corrected},
		{"determinism", 1500, dissimilar},
	} {
		t.Run(test.dir, func(t *testing.T) {
			b.Go(written(t, filepath.Join("testdata", test.dir)))
			b.Look(t, "testdata/pictures/"+test.dir, test.height, *update)
			if test.also != nil {
				test.also(t, b)
			}
		})
	}
}

// pointed points at a value of a figure that has a text in a column, and gives what the page says.
func pointed(b *browser.Browser, figure, column, value string) string {
	at := browser.Eval[[]float64](b, fmt.Sprintf(`(() => { const f = document.getElementById(%q), d = JSON.parse(f.querySelector(":scope > script").textContent), letters = %q;
		const c = d.columns.find((c) => c.name === %q), of = (r) => c.values[c.rows ? c.rows[r] : c.letters ? letters.indexOf(c.letters[r]) : r], i = d.row.findIndex((r) => of(r) === %q);
		f.scrollIntoView(); const box = f.querySelector(".drawing > svg").getBoundingClientRect(), s = box.width / d.width; return [box.left + s * d.x[i], box.top + s * d.y[i]]; })()`, figure, letters, column, value))
	b.Point(at[0], at[1])
	readout := fmt.Sprintf(`document.querySelector("#%s .readout").textContent`, figure)
	b.Wait(readout + ` !== ""`)
	return browser.Eval[string](b, readout)
}

// parting makes sure that the figure of a sweep says what its table says.
func parting(t *testing.T, b *browser.Browser) {
	want := row(t, "testdata/sweep/sweep.csv", func(r map[string]string) bool { return r["position"] == "7" })
	if said := pointed(b, "fig-parting", "position", "7"); !strings.Contains(said, "run 007") || !strings.Contains(said, "after_ns "+want["after_ns"]) || !strings.Contains(said, want["what"]) {
		t.Errorf("at position 7 the page says %q", said)
	}
}

// corrected makes sure that figures that are files say what their values are, and zoom.
func corrected(t *testing.T, b *browser.Browser) {
	want := row(t, "testdata/correct/scores.csv", func(r map[string]string) bool { return r["attack"] == "true" && r["band"] == "10ms" })
	if said := pointed(b, "fig-fig2", "score", legible(want["score_A"])); !strings.Contains(said, "figure before, series attack, link.all.both.delay 10ms, score "+legible(want["score_A"])) {
		t.Errorf("at an attack's score the page says %q", said)
	}
	if said := pointed(b, "fig-arms", "name", "B same weights, corrected"); !strings.Contains(said, "AUC 1, low 0.735352, high 1") {
		t.Errorf("at an arm the page says %q", said)
	}
	browser.Eval[bool](b, `document.querySelector("#fig-fig2 .drawing").focus(), true`)
	width := func() string {
		return browser.Eval[string](b, `document.querySelector("#fig-fig2 .drawing > svg").getAttribute("viewBox").split(" ")[2]`)
	}
	all := number(t, width())
	b.Keys("++")
	if zoomed := number(t, width()); zoomed != all/4 {
		t.Errorf("after zooming twice %g of %g are seen", zoomed, all)
	}
	b.Keys("0")
	if number(t, width()) != all {
		t.Error("the key 0 does not show all")
	}
}

// dissimilar makes sure that packets and boxes of figures that are files say what they are.
func dissimilar(t *testing.T, b *browser.Browser) {
	if said := pointed(b, "fig-sequences-http-b", "flags", "SA"); !strings.Contains(said, "size (bytes) 74, direction to the client, flags SA") {
		t.Errorf("at a packet the page says %q", said)
	}
	if said := pointed(b, "fig-dissimilarity", "series", "exact"); !strings.Contains(said, "values 24, mean 0, low 0") {
		t.Errorf("at a box the page says %q", said)
	}
}

// marked makes sure that what differs between twins is marked.
func marked(t *testing.T, b *browser.Browser) {
	marks := browser.Eval[map[string]int](b, `(() => { const seen = {}; for (const tr of document.querySelectorAll("#table-aligned tbody tr")) { const w = tr.children[2].textContent;
		seen[w] = (seen[w] || 0) + 1; if (tr.classList.contains("marked") !== (w !== "same")) seen.wrong = 1; } return seen; })()`)
	if marks["same"] == 0 || marks["only a"] == 0 || marks["fate"] == 0 || marks["time"] == 0 || marks["wrong"] != 0 {
		t.Errorf("rows of aligned frames: %v", maps.Collect(maps.All(marks)))
	}
}
