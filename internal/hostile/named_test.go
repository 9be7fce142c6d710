package hostile

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"detgen/dataset"
	"detgen/dataset/flowset"
	"detgen/dataset/mirror"
	"detgen/dataset/plan"
	"detgen/dataset/site"
	"detgen/internal/plain"
	"detgen/model"
	"detgen/model/items"
	"detgen/probe"
	pages "detgen/report"
	"detgen/scenario"

	"golang.org/x/sys/unix"
)

// named are the readers of files that a user names, or that are in a folder that a user names, by the file's name.
var named = map[string]func(path string) error{
	"spec.yaml":    func(path string) error { _, err := scenario.ReadSpecFile(path); return err },
	"plan.yaml":    func(path string) error { _, _, err := plan.ReadFile(path); return err },
	"site.yaml":    func(path string) error { _, err := site.ReadFile(path, nil); return err },
	"recipe.json":  func(path string) error { _, _, err := dataset.ReadRecipe(path); return err },
	"profile.json": func(path string) error { _, err := mirror.ReadProfile(path); return err },
	"flows.csv":    func(path string) error { _, err := flowset.Read(context.Background(), path); return err },
	"items.csv":    func(path string) error { _, err := items.Open(path); return err },
	"scores.csv":   openModel,
	"saved.model":  openModel,
	"m.yaml":       func(path string) error { _, err := model.ReadManifest(path); return err },
	"card.json":    func(path string) error { _, err := probe.ReadCard(filepath.Dir(path)); return err },
	"dataset.json": func(path string) error {
		_, err := dataset.Check(context.Background(), filepath.Dir(path))
		_, pageErr := pages.Dataset(filepath.Dir(path), pages.Options{})
		if err == nil || pageErr == nil {
			return nil
		}
		return errors.Join(err, pageErr)
	},
	"twin.json": func(path string) error { _, err := pages.Twin(filepath.Dir(path), pages.Options{}); return err },
}

func openModel(path string) error {
	m, err := model.Open(path, model.Options{})
	if err == nil {
		return m.Close()
	}
	return err
}

// TestNoReaderTakesWhatIsNoFile puts a pipe, a device, a socket, a folder and an endless file in the place of each.
func TestNoReaderTakesWhatIsNoFile(t *testing.T) {
	socket := func(path string) error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	}
	for kind, put := range map[string]func(string) error{"pipe": fifo, "device": device, "socket": socket, "folder": folder, "endless": sparse(5 << 30)} {
		for name := range named {
			t.Run(kind+" "+name, func(t *testing.T) {
				dir, err := os.MkdirTemp("", "h") // a socket's path is short
				if err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(dir)
				path := filepath.Join(dir, name)
				if err := put(path); err != nil {
					t.Fatal(err)
				}
				refusedNamed(t, name, path)
			})
		}
	}
}

// refusedNamed lets the reader of a file read it, and wants an error that names what is wrong.
func refusedNamed(t *testing.T, kind, path string) {
	t.Helper()
	text := limited(t, readerNamed+"="+path, readerKind+"="+kind)
	if strings.HasPrefix(text, "<nil>") || strings.Contains(text, "panic") || text == "" {
		t.Errorf("it is read: %q", text[:min(len(text), 500)])
	}
	if shown := plain.Text(text); len(shown) > 20_000 {
		t.Errorf("the error has %d bytes", len(shown))
	}
}

// TestNoReaderTakesWhatIsTooMuch reads texts that are small, or of the size that is read, and mean much.
func TestNoReaderTakesWhatIsTooMuch(t *testing.T) {
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 12 {
		a, b := string(rune('a'+i)), string(rune('a'+i+1))
		if i == 0 {
			a = "a0"
		}
		bomb += b + ": &" + b + " [" + strings.TrimSuffix(strings.Repeat("*"+a+",", 10), ",") + "]\n"
	}
	yaml := map[string]string{
		"aliases of aliases": bomb,
		"an endless alias":   "a: &a [*a]\n",
		"deep lists":         strings.Repeat("[", 100_000),
		"deep mappings":      strings.Repeat("{a: ", 100_000),
	}
	json := map[string]string{
		"deep lists":     strings.Repeat("[", 1<<20),
		"deep objects":   strings.Repeat(`{"a":`, 1<<20),
		"ends early":     `{"format": 1, "images": [`,
		"a NaN":          `{"format": NaN}`,
		"a large number": `{"format": 1e400}`,
		"many images":    `{"format": 1, "images": [` + strings.Repeat("{},", 5_000_000) + `{}]}`,
		"many captures":  `{"captures": [` + strings.Repeat("{},", 5_000_000) + `{}]}`,
		"many services":  `{"format": 1, "services": [` + strings.Repeat("{},", 5_000_000) + `{}]}`,
	}
	table := map[string]string{
		"one row without an end": strings.Repeat("x", 8<<20),
		"a quote without an end": "id,score\n\"" + strings.Repeat("x\n", 4<<20),
		"columns without an end": strings.Repeat("a,", 8<<20),
		"many columns":           strings.Repeat("a,", 1<<20) + "b\n" + strings.Repeat("1,", 1<<20) + "2\n",
		"a long name":            strings.Repeat("x", 3<<20) + "\n1\n",
		"a zstd window of 2 GiB": "\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00",
		"bytes that are no text": "id,\xff\xfe\n1,2\n",
	}
	for file, texts := range map[string]map[string]string{
		"spec.yaml": yaml, "plan.yaml": yaml, "site.yaml": yaml, "m.yaml": yaml,
		"recipe.json": json, "profile.json": json, "card.json": json, "dataset.json": json, "twin.json": json, "saved.model": json,
		"flows.csv": table, "items.csv": table, "scores.csv": table,
	} {
		for what, text := range texts {
			t.Run(file+": "+what, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), file)
				write(path, text)(t, "")
				refusedNamed(t, file, path)
			})
		}
	}
}
