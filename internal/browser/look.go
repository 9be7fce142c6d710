package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Look goes through what every page must do, in light and in dark: nothing went wrong in it, axe finds nothing serious, it looks
// as the pictures at path + ".png" and path + "-dark.png" down to a height (none where that is 0), figures and tables have
// words, answer the keyboard and are saved, and what is printed has no controls.
func (b *Browser) Look(t *testing.T, path string, height int, update bool) {
	t.Helper()
	for _, one := range []struct {
		suffix string
		dark   bool
		tags   []string
	}{{".png", false, nil}, {"-dark.png", true, []string{"cat.color"}}} { // only colours differ in dark
		b.Dark(one.dark)
		for _, f := range b.Serious(one.tags...) {
			t.Errorf("dark %v: %s (%s): %s: %s", one.dark, f.ID, f.Impact, f.Help, f.Where)
		}
		if height > 0 {
			Compare(t, path+one.suffix, b.Picture(height), update, 0.05)
		}
	}
	b.Dark(false)
	for _, wrong := range append(Eval[[]string](b, words), Eval[[]string](b, saved)...) {
		t.Error(wrong)
	}
	b.printed(t)
	for _, wrong := range b.Errors() {
		t.Errorf("the page has an error: %s", wrong)
	}
}

// words finds figures and tables without a text for those who do not see them, and figures that do not answer the keyboard.
const words = `(() => { const wrong = [], name = (e) => e.dataset.name;
	for (const f of document.querySelectorAll("figure")) {
		const svg = f.querySelector(".drawing > svg"), drawing = f.querySelector(".drawing"), alt = f.querySelector(".alt").textContent.trim();
		if (alt.length < 20) wrong.push("figure " + name(f) + ": its alternative is " + JSON.stringify(alt));
		if (!(svg.getAttribute("aria-label") || svg.querySelector("title")?.textContent)) wrong.push("figure " + name(f) + ": its drawing has no name");
		if (!f.querySelector(":scope > script")) continue;
		if (drawing.tabIndex !== 0 || !drawing.getAttribute("aria-label")) wrong.push("figure " + name(f) + ": the keyboard does not get there");
		drawing.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
		if (f.querySelector(".readout").textContent === "" || f.querySelector(".tip").hidden) wrong.push("figure " + name(f) + ": an arrow key says nothing");
		drawing.dispatchEvent(new KeyboardEvent("keydown", {key: "Escape"}));
		if (f.querySelector(".readout").textContent !== "") wrong.push("figure " + name(f) + ": Escape leaves the text");
	}
	for (const t of document.querySelectorAll("main .table")) {
		if (!t.querySelector("caption").textContent.trim()) wrong.push("table " + name(t) + " has no caption");
		for (const th of t.querySelectorAll("th")) if (th.scope !== "col" || !th.querySelector("button")) wrong.push("table " + name(t) + ": a heading is no heading that sorts");
	}
	return wrong; })()`

// saved presses each button that saves, and finds those that do not give a CSV file with its columns and rows, or a picture.
const saved = `(async () => { const wrong = [], made = [], create = URL.createObjectURL, click = HTMLAnchorElement.prototype.click;
	URL.createObjectURL = (blob) => { made.push(blob); return "blob:none"; };
	HTMLAnchorElement.prototype.click = function () {};
	for (const where of document.querySelectorAll("figure, main .table")) for (const kind of ["CSV", "SVG"]) {
		const button = [...where.querySelectorAll("button")].find((b) => b.textContent === "Save " + kind), name = where.id;
		const data = where.querySelector(":scope > script") && JSON.parse(where.querySelector(":scope > script").textContent);
		if (!button) { if (kind === "SVG" ? where.tagName === "FIGURE" : data) wrong.push(name + " has no button to save " + kind); continue; }
		made.length = 0;
		button.click();
		const text = made.length === 1 ? await made[0].text() : "";
		if (kind === "SVG") {
			const svg = new DOMParser().parseFromString(text, "image/svg+xml");
			if (svg.querySelector("parsererror") || svg.documentElement.tagName !== "svg" || !svg.querySelector("path, rect")) wrong.push(name + ": what is saved is no picture: " + text.slice(0, 200));
		} else if (data.columns && text.split("\n")[0] !== data.columns.map((c) => c.name.includes(",") ? '"' + c.name + '"' : c.name).join(",") || text.split("\n").length < (where.tagName === "FIGURE" ? 3 : 2)) wrong.push(name + ": what is saved is " + text.slice(0, 200));
	}
	URL.createObjectURL = create;
	HTMLAnchorElement.prototype.click = click;
	return wrong; })()`

// paper is the width of A4 within chromium's margins, dots.
const paper = 718

// OnPaper shows the page as it is printed, until what it gives is called.
func (b *Browser) OnPaper() (back func()) {
	b.t.Helper()
	b.media("print")
	if _, err := chromedp.Call(b.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: paper, Height: 1000, DeviceScaleFactor: 1}); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		if _, err := chromedp.Call(b.ctx, emulation.ClearDeviceMetricsOverride, cdp.Empty{}); err != nil {
			b.t.Fatal(err)
		}
		b.media("")
		b.Wait(fmt.Sprintf("innerWidth === %d", width)) // the window takes its size again by and by
	}
}

// printed makes sure that a page prints, with what is read and without what is pressed.
func (b *Browser) printed(t *testing.T) {
	t.Helper()
	defer b.OnPaper()()
	if n := Eval[int](b, `[...document.querySelectorAll("button, input, select, nav, .readout")].filter((e) => e.checkVisibility() && !e.closest("th")).length`); n > 0 {
		t.Errorf("%d controls are printed", n)
	}
	if n := Eval[int](b, `[...document.querySelectorAll("figure, table, dl, h2")].filter((e) => !e.checkVisibility() && !e.closest("details")).length`); n > 0 {
		t.Errorf("%d figures, tables and headings are not printed", n)
	}
	if wide := Eval[[]string](b, `[...document.querySelectorAll(".scroll, figure, dl, pre")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.getAttribute("aria-label") || e.dataset.name || e.tagName)`); len(wide) > 0 {
		t.Errorf("wider than the paper: %q", wide)
	}
}
