package resolve

import (
	"fmt"
	"net/netip"
	"strconv"

	"detgen/internal/problem"
	"detgen/internal/strictyaml"
	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/spec"
	"detgen/scenario/value"
)

// scope is what the settings and templates of an activity see: what the stages have decided so
// far, and, while something is made for one host or as one of many, that host and number.
type scope struct {
	*factors
	evaluated map[evaluation]value.Value // settings, see evaluate
	params    map[string]any             // values of parameters
	written   map[string]string          // the same with units
	lab       *lab                       // nil before hosts are plugged in
	parts     []*part
	made      *made
	self      *part // whose files are being rendered
	i         int   // number of the repeated thing being rendered; 0: none
}

func newScope(f *factors) *scope {
	sc := &scope{factors: f, evaluated: map[evaluation]value.Value{}, params: map[string]any{}, written: map[string]string{}}
	sc.made = &made{scope: sc, parts: map[string]map[string]any{}}
	return sc
}

// of is the scope for what is made for one host.
func (sc *scope) of(p *part) *scope {
	inner := *sc
	inner.self = p
	return &inner
}

// numbered is the scope for one of many.
func (sc *scope) numbered(i int) *scope {
	inner := *sc
	inner.i = i
	return &inner
}

// orNone is a name, or "none" for "".
func orNone(name string) string {
	if name == "" {
		return spec.None
	}
	return name
}

// data is what templates see.
func (sc *scope) data() map[string]any {
	d := map[string]any{
		"params":   sc.params,
		"written":  sc.written,
		"scenario": sc.scenario.Name,
		"task":     sc.taskName,
		"failure":  orNone(sc.failure),
		"caching":  orNone(sc.caching),
		"network":  sc.familyView(),
	}
	implementations := map[string]any{}
	for name := range sc.scenario.Hosts {
		implementations[name], _ = sc.implementation(name, name)
	}
	d["implementations"] = implementations
	if sc.parts != nil {
		hosts, groups := map[string]any{}, map[string]any{}
		for _, p := range sc.parts {
			view := p.view()
			hosts[p.name] = view
			if p.index > 0 {
				members, _ := groups[p.group].([]map[string]any)
				groups[p.group] = append(members, view)
			}
		}
		networks := map[string]any{}
		for _, name := range sc.scenario.NetworkNames() {
			if n, ok := sc.lab.network(sc.choice, name); ok {
				networks[name] = map[string]any{"prefix": n.Prefix.String(), "netmask": netmask(n.Prefix), "prefix6": prefix6(n)}
			}
		}
		d["hosts"], d["groups"], d["networks"] = hosts, groups, networks
	}
	if sc.self != nil {
		d["self"] = sc.self.view()
	}
	if sc.i > 0 {
		d["i"] = sc.i
	}
	return d
}

// prefix6 is the IPv6 prefix of a network, "" when it has none.
func prefix6(n record.Network) string {
	for _, p := range n.Prefixes() {
		if p.Addr().Is6() {
			return p.String()
		}
	}
	return ""
}

// netmask writes a prefix's mask as four numbers; IPv6 has none.
func netmask(p netip.Prefix) string {
	if p.Addr().Is6() {
		return ""
	}
	bits := uint32(0xffffffff) << (32 - p.Bits())
	return netip.AddrFrom4([4]byte{byte(bits >> 24), byte(bits >> 16), byte(bits >> 8), byte(bits)}).String()
}

// text fills in a template.
func (sc *scope) text(t format.Text, field string) (string, error) {
	if !format.IsTemplate(t.Text) {
		return t.Text, nil
	}
	return format.Render(t, field, sc.data(), sc.functions())
}

// must fills in a template and reports what is wrong with it.
func (sc *scope) must(t format.Text, field string) string {
	s, err := sc.text(t, field)
	sc.report(err, t, field)
	return s
}

// texts fills in a list; empty results are left out.
func (sc *scope) texts(list []format.Text, field string) []string {
	var out []string
	for i, t := range list {
		if s := sc.must(t, fmt.Sprintf("%s[%d]", field, i)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// holds is true when a "when" is, or when there is none.
func (sc *scope) holds(when format.Text, field string) bool {
	if !when.Set() {
		return true
	}
	return sc.isTrue(when, field+".when")
}

// isTrue evaluates an expression of the template language.
func (sc *scope) isTrue(e format.Text, field string) bool {
	return sc.must(format.Text{Text: "{{if " + e.Text + "}}true{{end}}", At: e.At}, field) == "true"
}

// value fills in a template and reads what comes out; fallback when it is not set.
func (sc *scope) value(typ value.Type, t format.Text, field, fallback string) (value.Value, error) {
	if !t.Set() {
		return value.Parse(typ, fallback)
	}
	s, err := sc.text(t, field)
	if err != nil {
		return value.Value{}, err
	}
	v, err := value.Parse(typ, s)
	if err != nil && typ == value.Bytes { // {{.params.size}} gives bytes without a unit
		if plain, plainErr := value.Parse(value.Int, s); plainErr == nil {
			return value.Parse(typ, plain.Plain()+"B")
		}
	}
	if err != nil {
		return v, &problem.Problem{At: t.At, Field: field, Value: s, Message: err.Error()}
	}
	return v, nil
}

// bounded is value for what has bounds.
func (sc *scope) bounded(d value.Definition, t format.Text, field, fallback string) (value.Value, error) {
	v, err := sc.value(d.Type, t, field, fallback)
	if err == nil {
		if wrong := d.Allow(v); wrong != nil {
			err = &problem.Problem{At: t.At, Field: field, Value: v.String(), Message: wrong.Error()}
		}
	}
	return v, err
}

// maxCount bounds the things of one declaration: hosts, files, users, rows, pages.
const maxCount = 100_000

// count fills in a template and reads a whole number of things from it.
func (sc *scope) count(t format.Text, field string) (int, error) {
	v, err := sc.bounded(value.Definition{Type: value.Int, Min: "0", Max: strconv.Itoa(maxCount)}, t, field, "1")
	return int(v.Number()), err
}

// repeated does something once, or as often as repeat says, with the number at hand for templates.
func (sc *scope) repeated(repeat format.Text, field string, do func(*scope)) {
	if !repeat.Set() {
		do(sc)
		return
	}
	n, err := sc.count(repeat, field+".repeat")
	if err != nil {
		sc.problems.Wrap(repeat.At, field+".repeat", repeat.Text, err)
		return
	}
	for i := 1; i <= n && !sc.failed(); i++ {
		do(sc.numbered(i))
	}
}

// environment fills in variables.
func (sc *scope) environment(texts map[string]format.Text, field string) map[string]string {
	env := map[string]string{}
	for _, name := range strictyaml.InOrder(texts) {
		env[name] = sc.must(texts[name], problem.Join(field, name))
	}
	return env
}
