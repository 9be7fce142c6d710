package scenario

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// isTemplate says whether a text needs rendering at all.
func isTemplate(s string) bool { return strings.Contains(s, "{{") }

// baseFuncs are the functions of templates that need nothing of the run; those that do are in
// resolver.funcs. docs/scenario-format.md lists both.
var baseFuncs = template.FuncMap{
	"add":      func(a ...int) int { return sum(a) },
	"sub":      func(a, b int) int { return a - b },
	"mul":      func(a, b int) int { return a * b },
	"div":      func(a, b int) (int, error) { return quotient(a, b) },
	"mod":      func(a, b int) (int, error) { q, err := quotient(a, b); return a - q*b, err },
	"count":    counting,
	"join":     func(sep string, list []string) string { return strings.Join(list, sep) },
	"split":    func(sep, s string) []string { return strings.Split(s, sep) },
	"upper":    strings.ToUpper,
	"lower":    strings.ToLower,
	"replace":  func(old, with, s string) string { return strings.ReplaceAll(s, old, with) },
	"contains": func(part, s string) bool { return strings.Contains(s, part) },
	"quote":    shellQuote,
	"indent":   indent,
	"list":     func(items ...string) []string { return items },
	"base64":   func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"hash":     func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}

func quotient(a, b int) (int, error) {
	if b == 0 {
		return 0, fmt.Errorf("division by 0")
	}
	return a / b, nil
}

// counting gives 1 to n, to range over.
func counting(n int) ([]int, error) {
	if n < 0 || n > 1_000_000 {
		return nil, fmt.Errorf("count: %d must be from 0 to 1000000", n)
	}
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers, nil
}

// shellQuote makes one word for a shell of any text.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// indent puts n spaces before every line but the first.
func indent(n int, s string) string {
	return strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", n))
}

// parseTemplate reads a template whose first line is at a place.
func parseTemplate(at Position, field, text string, funcs template.FuncMap) (*template.Template, error) {
	t, err := template.New("t").Option("missingkey=error").Funcs(baseFuncs).Funcs(funcs).Parse(text)
	if err != nil {
		return nil, templateProblem(at, field, err)
	}
	return t, nil
}

// render fills in a text.
func render(t Text, field string, data map[string]any, funcs template.FuncMap) (string, error) {
	if !isTemplate(t.Text) {
		return t.Text, nil
	}
	parsed, err := parseTemplate(t.At, field, t.Text, funcs)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := parsed.Execute(&b, data); err != nil {
		p := templateProblem(t.At, field, err)
		p.Message += knownEntries(err, data)
		return "", p
	}
	return b.String(), nil
}

var (
	templateError = regexp.MustCompile(`(?s)^template: t:(\d+)(?::\d+)?: (.*)$`)
	executeError  = regexp.MustCompile(`(?s)^executing "t" at <(.*?)>: (.*)$`)
	callError     = regexp.MustCompile(`^error calling \w+: `)
	missingEntry  = regexp.MustCompile(`at <\.([\w.]+)>: map has no entry for key "(\w+)"$`)
)

// templateProblem turns an error of text/template into one that names the place in the file.
func templateProblem(at Position, field string, err error) *Problem {
	p := &Problem{At: at, Field: field, Message: err.Error()}
	if m := templateError.FindStringSubmatch(p.Message); m != nil {
		line, _ := strconv.Atoi(m[1])
		if p.At.Line > 0 {
			p.At.Line += line - 1
		}
		p.Message = "template: " + m[2]
		if e := executeError.FindStringSubmatch(m[2]); e != nil {
			p.Message = fmt.Sprintf("template: {{%s}}: %s", e[1], callError.ReplaceAllString(e[2], ""))
		}
	}
	return p
}

// knownEntries says what a template could have meant where it named something missing.
func knownEntries(err error, data map[string]any) string {
	m := missingEntry.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	level := data
	for _, name := range strings.Split(m[1], ".") {
		next, ok := level[name]
		if !ok {
			break
		}
		switch inner := next.(type) {
		case map[string]any:
			level = inner
		case map[string]string:
			return ": " + nearest(m[2], sortedKeys(inner))
		}
	}
	return ": " + nearest(m[2], sortedKeys(level))
}
