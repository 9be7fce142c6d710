package format

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"

	"detgen/internal/problem"
)

// IsTemplate is true for a text that needs rendering.
func IsTemplate(s string) bool { return strings.Contains(s, "{{") }

// Functions are the functions of templates that need the run. Their zero value is enough to check
// a template's syntax.
type Functions struct {
	Made   func(name, part string) (any, error)         // a part of a made thing
	Host   func(name string) (map[string]any, error)    // one host
	Hosts  func(group string) ([]map[string]any, error) // the hosts of a group
	SHA256 func(host, path string) (string, error)      // of a file, in hexadecimal
	Size   func(host, path string) (int64, error)       // of a file, in bytes
	// Password hashes: a line of htpasswd, bcrypt, /etc/shadow.
	HTPasswd func(user, password string) string
	Bcrypt   func(password string) (string, error)
	Shadow   func(password string) string
}

func (f Functions) named() template.FuncMap {
	return template.FuncMap{
		"made": f.Made, "host": f.Host, "hosts": f.Hosts, "sha256": f.SHA256, "size": f.Size,
		"htpasswd": f.HTPasswd, "bcrypt": f.Bcrypt, "shadow": f.Shadow,
	}
}

// baseFuncs are the functions of templates that need nothing of the run.
// docs/adding-a-scenario.md lists them with those of Functions.
var baseFuncs = template.FuncMap{
	"add":      func(a ...int) int { return sum(a) },
	"sub":      func(a, b int) int { return a - b },
	"mul":      func(a, b int) int { return a * b },
	"div":      func(a, b int) (int, error) { return quotient(a, b) },
	"mod":      func(a, b int) (int, error) { q, err := quotient(a, b); return a - q*b, err },
	"count":    counting,
	"join":     func(sep string, list []string) (string, error) { return bounded(strings.Join(list, sep)) },
	"split":    func(sep, s string) []string { return strings.Split(s, sep) },
	"upper":    strings.ToUpper,
	"lower":    strings.ToLower,
	"replace":  func(old, with, s string) (string, error) { return bounded(strings.ReplaceAll(s, old, with)) },
	"contains": func(part, s string) bool { return strings.Contains(s, part) },
	"quote":    func(s string) (string, error) { return bounded(shellQuote(s)) },
	"indent":   indent,
	"records":  records,
	"list":     func(items ...string) []string { return items },
	// The template language's own, with bounds.
	"print":   func(a ...any) (string, error) { return bounded(fmt.Sprint(a...)) },
	"println": func(a ...any) (string, error) { return bounded(fmt.Sprintln(a...)) },
	"printf":  func(form string, a ...any) (string, error) { return bounded(fmt.Sprintf(form, a...)) },

	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"hash":   func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) },
}

// records gives the lines of a DNS zone for the addresses of a host: A, AAAA, or both. name may have a time to live
// after it.
func records(name string, host map[string]any) (string, error) {
	var lines []string
	seen := ""
	for _, key := range []string{"address", "address6"} {
		a, err := netip.ParseAddr(fmt.Sprint(host[key]))
		if err != nil || a.String() == seen {
			continue
		}
		kind := "A"
		if a.Is6() {
			kind = "AAAA"
		}
		seen = a.String()
		lines = append(lines, fmt.Sprintf("%s IN %s %s", name, kind, a))
	}
	if lines == nil {
		return "", fmt.Errorf("records: it takes a name and a host, like .hosts.server")
	}
	return strings.Join(lines, "\n"), nil
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
func indent(n int, s string) (string, error) {
	if n < 0 || n > 1000 {
		return "", fmt.Errorf("indent: %d must be from 0 to 1000", n)
	}
	return bounded(strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n"+strings.Repeat(" ", n)))
}

// maxRendered bounds what a template makes, in bytes, and what its functions give on the way.
const maxRendered = 64 << 20

func bounded(s string) (string, error) {
	if len(s) > maxRendered {
		return "", fmt.Errorf("makes more than %d MiB", maxRendered>>20)
	}
	return s, nil
}

// output is what a template makes.
type output struct{ strings.Builder }

func (o *output) Write(p []byte) (int, error) {
	if o.Len()+len(p) > maxRendered {
		return 0, fmt.Errorf("makes more than %d MiB", maxRendered>>20)
	}
	return o.Builder.Write(p)
}

// ParseTemplate reads a template whose first line is at a place.
func ParseTemplate(at problem.Position, field, text string, funcs Functions) (*template.Template, error) {
	t, err := template.New("t").Option("missingkey=error").Funcs(baseFuncs).Funcs(funcs.named()).Parse(text)
	if err != nil {
		return nil, templateProblem(at, field, err)
	}
	return t, nil
}

// Render fills in a text.
func Render(t Text, field string, data map[string]any, funcs Functions) (string, error) {
	if !IsTemplate(t.Text) {
		return t.Text, nil
	}
	parsed, err := ParseTemplate(t.At, field, t.Text, funcs)
	if err != nil {
		return "", err
	}
	var b output
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
func templateProblem(at problem.Position, field string, err error) *problem.Problem {
	p := &problem.Problem{At: at, Field: field, Message: err.Error()}
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

// knownEntries names what a template could have meant where it named something missing.
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
			return ": " + problem.Nearest(m[2], slices.Sorted(maps.Keys(inner)))
		}
	}
	return ": " + problem.Nearest(m[2], slices.Sorted(maps.Keys(level)))
}
