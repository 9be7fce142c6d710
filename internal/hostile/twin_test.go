package hostile

import (
	"os"
	"path/filepath"
	"testing"

	"detgen/internal/labtest"
	"detgen/record"
	pages "detgen/report"
	"detgen/twin"
)

// FuzzTwin reads folders of twins whose twin.json or pairs.csv is anything: a page, or an error.
func FuzzTwin(f *testing.F) {
	parent := f.TempDir()
	dir := filepath.Join(parent, "twins")
	if err := os.Mkdir(dir, 0o755); err != nil {
		f.Fatal(err)
	}
	for _, side := range []string{record.TwinA, record.TwinB} {
		made := filepath.Join(parent, side)
		if err := os.Mkdir(made, 0o755); err != nil {
			f.Fatal(err)
		}
		if err := os.Rename(labtest.Run(f, made), filepath.Join(dir, side)); err != nil {
			f.Fatal(err)
		}
	}
	t, err := twin.Compare(filepath.Join(dir, record.TwinA), filepath.Join(dir, record.TwinB))
	if err != nil {
		f.Fatal(err)
	}
	pairs := filepath.Join(dir, "pairs.csv")
	if err := t.WritePairs(pairs); err != nil {
		f.Fatal(err)
	}
	table, err := os.ReadFile(pairs)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"a":{"dir":"a","task":"test/talk","seed":1,"engine":"live"},"b":{},"differ":[],"exact":true,"captures":[]}`), table)
	f.Add([]byte(`{"differ":[{"name":"link.all.both.delay","a":"","b":"1ms"}],"captures":[{"host":"client","interface":"eth0","frames_a":-1}],"first":{"number_a":18446744073709551615,"after_a_ns":-9223372036854775808}}`), table)
	f.Add([]byte(`{"captures":[{}],"cause":{"run":"a"}}`), []byte("host,interface\n\"\x1b[2J"))
	f.Fuzz(func(t *testing.T, description, pairs []byte) {
		for name, content := range map[string][]byte{pages.TwinFile: description, "pairs.csv": pairs} {
			if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		page, err := pages.Twin(dir, pages.Options{})
		if (page == nil) == (err == nil) {
			t.Errorf("page %v, error %v", page, err)
		}
	})
}
