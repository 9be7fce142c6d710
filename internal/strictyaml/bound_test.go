package strictyaml

import (
	"fmt"
	"strings"
	"testing"

	"detgen/internal/problem"
)

// nested is a file whose aliases double with every line.
func nested(lines int) string {
	text := "a0: &a0 [x]\n"
	for i := 1; i < lines; i++ {
		text += fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i, i, i-1, i-1)
	}
	return text
}

func TestFilesHaveBounds(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"aliases of aliases", nested(60), "x.yaml:"},
		{"an alias within its anchor", "a: &a [*a]\n", "x.yaml:1: the anchor &a holds an alias of itself"},
		{"an alias within its anchor, further in", "a: &a\n  b: {c: [1, *a]}\n", "x.yaml:1: the anchor &a holds an alias of itself"},
		{"depth", strings.Repeat("[", 200) + strings.Repeat("]", 200), "more than 100 deep"},
		{"size", "a: " + strings.Repeat("x", MaxSize), "at most 16777216"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ps := &problem.List{}
			if n := Parse("x.yaml", []byte(c.text), ps); n != nil {
				t.Errorf("is read")
			}
			if err := ps.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func TestAliasesAreRead(t *testing.T) {
	ps := &problem.List{}
	var m map[string][]Text
	Read("x.yaml", []byte("a: &a [x, y]\nb: *a\n"), &m, ps)
	if err := ps.Err(); err != nil || len(m["b"]) != 2 {
		t.Errorf("%v, %v", m, err)
	}
}

// FuzzRead reads any bytes: problems, but no panic, and little memory.
func FuzzRead(f *testing.F) {
	for _, text := range []string{
		"a: 1\nb: [x, {y: ~}]\n", "a: &a [*a]\n", nested(30), "<<: *a\n", "a: |\n  x\n", "- - - -\n", "\t", "a: !!binary x\n", "{", "&a a: *a",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var out struct {
			A []Text                     `yaml:"a"`
			B map[string]map[string]Text `yaml:"b"`
			C *struct {
				D [2]float64 `yaml:"d"`
				E bool       `yaml:"e"`
				F uint64     `yaml:"f"`
			} `yaml:"c"`
		}
		Read("x.yaml", data, &out, &problem.List{})
	})
}
