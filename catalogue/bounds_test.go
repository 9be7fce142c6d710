package catalogue_test

import (
	"maps"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"detgen/catalogue"
	"detgen/scenario"
	"detgen/scenario/value"
)

// bounds gives the extreme values that a scenario allows a parameter: its minimum and maximum, the shortest and the
// longest text of its pattern, its first and last value.
func bounds(t *testing.T, p scenario.AboutParameter) []string {
	t.Helper()
	switch {
	case len(p.Values) > 0:
		return []string{p.Values[0], p.Values[len(p.Values)-1]}
	case p.Pattern != "":
		re, err := syntax.Parse(p.Pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		re = re.Simplify()
		return []string{match(re, false), match(re, true)}
	}
	return slices.DeleteFunc([]string{p.Min, p.Max}, func(s string) bool { return s == "" })
}

// match gives a text that an expression matches: the longest when long, else the shortest. What repeats without end is
// repeated once or not at all.
func match(re *syntax.Regexp, long bool) string {
	var text strings.Builder
	switch re.Op {
	case syntax.OpLiteral:
		return string(re.Rune)
	case syntax.OpCharClass:
		return string(re.Rune[0])
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "a"
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			text.WriteString(match(sub, long))
		}
	case syntax.OpPlus:
		return match(re.Sub[0], long)
	case syntax.OpQuest, syntax.OpStar:
		if long {
			return match(re.Sub[0], long)
		}
	case syntax.OpAlternate:
		best := match(re.Sub[0], long)
		for _, sub := range re.Sub[1:] {
			if m := match(sub, long); (len(m) > len(best)) == long && len(m) != len(best) {
				best = m
			}
		}
		return best
	}
	return text.String()
}

func TestMatch(t *testing.T) {
	for _, test := range []struct{ pattern, short, long string }{
		{"[a-z]{2,5}", "aa", "aaaaa"},
		{"x(\\.html?)?", "x", "x.html"},
		{"a|bcd", "a", "bcd"},
		{"^/[0-9]+$", "/0", "/0"},
	} {
		re, err := syntax.Parse(test.pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		re = re.Simplify()
		if short, long := match(re, false), match(re, true); short != test.short || long != test.long {
			t.Errorf("%s: %q and %q, want %q and %q", test.pattern, short, long, test.short, test.long)
		}
	}
}

// boundCase is a case with a parameter at a bound. One that grows makes the run longer or larger.
type boundCase struct {
	testCase
	key, bound   string
	grows, quick bool
}

// boundCases lists the runs of a scenario with each parameter of each task at each of its bounds, the other values
// small; implementations take turns.
func boundCases(t *testing.T, about *scenario.About, p catalogue.Plan, can func(testCase) bool) []boundCase {
	t.Helper()
	var list []boundCase
	for _, task := range about.Tasks {
		values := implementations(about, task, nil)
		sets := combine(values, false, func(set map[string]string) bool { return can(newCase(about, task, p.Set, nil, set)) }, task.Name, "bounds")
		if len(sets) == 0 {
			sets = []map[string]string{{}}
		}
		turn := 0
		parameters := slices.Clone(task.Own)
		for _, q := range about.Parameters {
			own := slices.ContainsFunc(task.Own, func(o scenario.AboutParameter) bool { return o.Name == q.Name })
			if !own && slices.Contains(task.Parameters, q.Name) {
				parameters = append(parameters, q)
			}
		}
		for _, q := range parameters {
			for _, bound := range bounds(t, q) {
				key, grows := "params."+q.Name, len(q.Values) == 0 && q.Pattern == "" && bound == q.Max && bound != "65535"
				quick := quick(q.Type, bound) && !(grows && p.Long[q.Name] != "")
				list = append(list, boundCase{newCase(about, task, p.Set, nil, sets[turn%len(sets)], map[string]string{key: bound}), key, bound, grows, quick})
				turn++
			}
		}
	}
	return list
}

// quick reports whether a run at a bound takes seconds by what it asks for: times and amounts at their maximum can mean
// hours and gigabytes. Texts, choices and rates are quick.
func quick(kind value.Type, bound string) bool {
	v, err := value.Parse(kind, bound)
	switch {
	case err != nil || !kind.Numeric() || kind == value.Rate:
		return true
	case kind == value.Time:
		return v.Duration() <= 20*time.Second
	case kind == value.Bytes:
		return v.Number() < 1e6
	}
	return v.Number() <= 70000
}

// always are bounds whose runs are always made: programs' own limits were found there.
var always = []testCase{
	{"tftp/get", map[string]string{"client.implementation": "tftp-hpa", "params.name": "letters(constant(104))", "params.size": "constant(100B)"}},
	{"tftp/put", map[string]string{"client.implementation": "tftp-hpa", "params.name": "letters(constant(104))", "params.size": "constant(100B)"}},
	{"tftp/get", map[string]string{"client.implementation": "tftp-hpa", "params.files": "200", "params.size": "constant(100B)"}},
	{"syncthing/add-random", map[string]string{"params.port": "1", "params.size": "1kB"}},
	{"ares/command", map[string]string{"params.idle_after": "10ms"}},
}

// together gives fewer cases that have the same bounds: as many of a task in one as can be resolved together, one of them
// a bound that grows, since their product would be large.
func together(c *scenario.Catalogue, list []boundCase) []testCase {
	var out []testCase
	for len(list) > 0 {
		first := list[0]
		pack, taken, grows := first.testCase, map[string]bool{first.key: true}, first.grows
		var rest []boundCase
		for _, b := range list[1:] {
			with := testCase{pack.task, maps.Clone(pack.set)}
			with.set[b.key] = b.bound
			if b.task != pack.task || taken[b.key] || grows && b.grows || resolve(c, with) != nil {
				rest = append(rest, b)
				continue
			}
			pack, grows = with, grows || b.grows
			taken[b.key] = true
		}
		out, list = append(out, pack), rest
	}
	return out
}

// TestBounds makes runs at bounds that programs have failed at. With -full it resolves every task with each of its
// parameters at each bound alone, and makes runs with all bounds that are quick, as many in one as go together.
func TestBounds(t *testing.T) {
	detgen := needLabs(t)
	list := slices.Clone(always)
	if *full {
		list = append(list, quickBounds(t)...)
	}
	t.Run("run", func(t *testing.T) {
		for i, tc := range list {
			t.Run(tc.name(), func(t *testing.T) {
				t.Parallel()
				execute(t, detgen, tc, i+1)
			})
		}
	})
}

// quickBounds resolves all tasks at all bounds, and gives cases of the quick ones.
func quickBounds(t *testing.T) []testCase {
	c := openCatalogue(t)
	var mu sync.Mutex
	var ready []testCase
	t.Run("resolve", func(t *testing.T) {
		for _, name := range c.Names() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := scenarioOf(t, c, name)
				about, p := s.About(), readPlan(t, name)
				var list []boundCase
				for _, tc := range boundCases(t, about, p, func(tc testCase) bool { return resolve(c, tc) == nil }) {
					if err := resolve(c, tc.testCase); err != nil {
						// A product with values that are large without being asked for may be refused.
						if said := err.Error(); !strings.Contains(said, "is not possible here") && !strings.Contains(said, "their numbers and sizes multiply") {
							t.Errorf("%s: %v", tc.name(), err)
						}
					} else if tc.quick {
						list = append(list, tc)
					}
				}
				packs := together(c, list)
				mu.Lock()
				ready = append(ready, packs...)
				mu.Unlock()
			})
		}
	})
	slices.SortFunc(ready, func(a, b testCase) int { return strings.Compare(a.name(), b.name()) })
	return ready
}
