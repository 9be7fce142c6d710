package serve

import (
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
	base := start(t, Options{Dir: folder(t), Make: true})
	b := browser.Open(t, base)
	for _, path := range []string{"/", "/at/day/run/", "/job"} {
		b.Go(base + path)
		for _, f := range b.Serious() {
			t.Errorf("%s: %s (%s): %s: %s", path, f.ID, f.Impact, f.Help, f.Where)
		}
	}
	b.Go(base + "/")
	browser.Compare(t, "testdata/pictures/folders.png", b.Picture(450), *update, 0.05)
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
