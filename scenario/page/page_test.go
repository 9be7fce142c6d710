package page

import (
	"slices"
	"testing"

	"detgen/scenario/format"
)

func TestPlain(t *testing.T) {
	for value, want := range map[string]string{
		"443":               "443",
		"{{.params.files}}": "<files>",
		">={{ .params.files }} of {{.implementations.server}}":           ">=<files> of <implementations.server>",
		`{{if eq .params.protocol "https"}}443{{else}}80{{end}}`:         "443 or 80 (by what is set)",
		`{{if .params.scan}}scan{{end}}`:                                 "scan (by what is set)",
		`{{if eq .task "a"}}{{.params.n}}{{else}}1{{end}}`:               "1 or <n> (by what is set)",
		`{{mul .params.users 2}}`:                                        "by what is set",
		`{{if .a}}x{{else if .b}}x{{end}}{{if .c}}{{sub .d 1}}{{end}}  `: "x (by what is set)",
	} {
		if got := plain(value); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestExpectations(t *testing.T) {
	got := expectations([]format.AboutSetting{{Key: "login", Value: "ok"}, {Key: "found", Value: `{{if .a}}none{{else}}x{{end}}`}, {Key: "denied", Value: "{{.params.mistakes}}"}})
	if want := []string{"expects login ok, denied <mistakes>", "expects, by what is set: found"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
