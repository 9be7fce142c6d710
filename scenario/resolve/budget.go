package resolve

import (
	"fmt"

	"detgen/internal/problem"
	"detgen/record"
)

// What a run may hold, so that a product of parameters, each within its bounds, fills neither memory
// nor disk.
const (
	maxHosts     = 1000
	maxFiles     = 50_000
	maxText      = 128e6 // bytes of the files and scripts that run.json holds
	maxMade      = 128e6 // bytes of the pages and tables that are made
	maxGenerated = 100e9 // bytes of content that a host generates for itself
	maxUsers     = 5000  // of a host: each password takes milliseconds
)

// budget is what is spent of that.
type budget struct {
	files      int
	text, made int64
}

const fewer = "ask for fewer or smaller things: their numbers and sizes multiply"

// spendMade counts what is made from the seed. It is asked before the bytes are there.
func (b *budget) spendMade(bytes int64) error {
	if b.made += bytes; b.made > maxMade {
		return fmt.Errorf("makes more than %d MB of pages and tables: %s", int(maxMade)/1_000_000, fewer)
	}
	return nil
}

// spendText counts what run.json holds.
func (b *budget) spendText(bytes int) error {
	if b.text += int64(bytes); b.text > maxText {
		return fmt.Errorf("puts more than %d MB of text into the run: %s", int(maxText)/1_000_000, fewer)
	}
	return nil
}

// spend counts a file of a host; false when that is too much.
func (d *draft) spend(h *host, f *record.File, at problem.Position, field string) bool {
	d.budget.files++
	err := d.budget.spendText(len(f.Text) + len(f.Base64))
	if f.Generate != nil {
		h.generated += f.Generate.Size
	}
	switch {
	case d.budget.files > maxFiles:
		err = fmt.Errorf("makes more than %d files: %s", maxFiles, fewer)
	case h.generated > maxGenerated:
		err = fmt.Errorf("generates more than %d GB on host %q: %s", int(maxGenerated)/1_000_000_000, h.Name, fewer)
	}
	if err != nil {
		d.problems.Add(at, field, "", "%v", err)
	}
	return err == nil
}
