package value

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"detgen/internal/problem"
)

// Law is a probability law that values of one type are drawn from. It is written as a function
// of its arguments, which carry the type's units, with an optional constant added at the end:
//
//	constant(10kB)              always the same
//	uniform(5ms, 50ms)          whole types include both ends
//	normal(100ms, 10ms)         mean, standard deviation
//	exp(100ms)                  mean
//	halfcauchy(5kB)             scale (the median)
//	pareto(1s, 1.5)             smallest value, shape
//	lognormal(20kB, 1.2)        median, standard deviation of the logarithm
//	weibull(60ms, 1.5)          scale, shape
//	choice(http:3, https:1)     one of the values, with weights (1 when left out)
//	letters(exp(10)+2)          a to z, as many as the law in brackets says; also alnum(), hex()
//	words(uniform(3, 8))        made-up words with a space between
//	name()                      a made-up user name
//
// Laws of numbers take min= and max= as further arguments; together with the bounds of the
// parameter they truncate the law. Truncation is by the inverse of the distribution function
// over the bounds, so a draw takes exactly one uniform number. Values of whole types (bytes,
// int, rate) are rounded down after that.
type Law struct {
	text string
	draw func(r *rand.Rand, lo, hi float64) (Value, error)
}

// String is the law as it was written.
func (l Law) String() string { return l.text }

// Draw takes a value from the law, truncated to [lo, hi] in base units when its type is
// numeric. The error says that no value of the law is within the bounds.
func (l Law) Draw(r *rand.Rand, lo, hi float64) (Value, error) {
	v, err := l.draw(r, lo, hi)
	switch {
	case err != nil || !v.Type.Numeric():
		return v, err
	case math.IsNaN(v.number):
		return Value{}, errNoValue
	case v.number < lo || v.number > hi:
		return Value{}, fmt.Errorf("the law gives %s, which is not within its bounds", v)
	}
	most := limits[v.Type].most
	v.number = max(-most, min(v.number, most)) // laws with long tails
	return v, nil
}

var errNoValue = errors.New("the law gives no value between its bounds")

// Call is a parsed function call: name(args..., key=value...) + plus.
type Call struct {
	Name  string
	Args  []string
	Named map[string]string // min and max
	Plus  string            // "" for none
}

// ParseCall reads a function call as laws are written.
func ParseCall(s string) (Call, error) {
	c := Call{Named: map[string]string{}}
	open := strings.IndexByte(s, '(')
	end := strings.LastIndexByte(s, ')')
	if open <= 0 || end < open {
		return c, fmt.Errorf("must be a law like exp(100ms) or uniform(1, 5)")
	}
	c.Name = strings.TrimSpace(s[:open])
	if rest := strings.TrimSpace(s[end+1:]); rest != "" {
		plus, ok := strings.CutPrefix(rest, "+")
		if !ok {
			return c, fmt.Errorf("has %q after its last bracket: only \"+ constant\" may follow", rest)
		}
		c.Plus = strings.TrimSpace(plus)
	}
	for _, arg := range splitArguments(s[open+1 : end]) {
		if key, value, ok := strings.Cut(arg, "="); ok && (strings.TrimSpace(key) == "min" || strings.TrimSpace(key) == "max") {
			c.Named[strings.TrimSpace(key)] = strings.TrimSpace(value)
			continue
		}
		c.Args = append(c.Args, arg)
	}
	return c, nil
}

// splitArguments splits at commas that are not within brackets.
func splitArguments(s string) []string {
	if strings.TrimSpace(s) == "" {
		return nil
	}
	var args []string
	depth, start := 0, 0
	for i, c := range s {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				args = append(args, strings.TrimSpace(s[start:i]))
				start = i + 1
			}
		}
	}
	return append(args, strings.TrimSpace(s[start:]))
}

// continuous is a law of numbers by its distribution function and that one's inverse.
type continuous struct {
	arguments []string                 // "x": in the parameter's unit; "n": a plain number
	check     func(a []float64) string // what is wrong with the arguments, or ""
	cdf       func(x float64, a []float64) float64
	quantile  func(p float64, a []float64) float64
}

func positive(names ...string) func([]float64) string {
	return func(a []float64) string {
		for i, x := range a {
			if x <= 0 && names[i] != "" {
				return "its " + names[i] + " must be above 0"
			}
		}
		return ""
	}
}

var continuousLaws = map[string]continuous{
	"normal": {[]string{"x", "x"}, positive("", "standard deviation"),
		func(x float64, a []float64) float64 { return 0.5 * math.Erfc((a[0]-x)/(a[1]*math.Sqrt2)) },
		func(p float64, a []float64) float64 { return a[0] - a[1]*math.Sqrt2*math.Erfcinv(2*p) }},
	"exp": {[]string{"x"}, positive("mean"),
		func(x float64, a []float64) float64 { return -math.Expm1(-max(x, 0) / a[0]) },
		func(p float64, a []float64) float64 { return -a[0] * math.Log1p(-p) }},
	"halfcauchy": {[]string{"x"}, positive("scale"),
		func(x float64, a []float64) float64 { return 2 / math.Pi * math.Atan(max(x, 0)/a[0]) },
		func(p float64, a []float64) float64 { return a[0] * math.Tan(p*math.Pi/2) }},
	"pareto": {[]string{"x", "n"}, positive("smallest value", "shape"),
		func(x float64, a []float64) float64 { return 1 - math.Pow(a[0]/max(x, a[0]), a[1]) },
		func(p float64, a []float64) float64 { return a[0] * math.Pow(1-p, -1/a[1]) }},
	"lognormal": {[]string{"x", "n"}, positive("median", "standard deviation"),
		func(x float64, a []float64) float64 {
			if x <= 0 {
				return 0
			}
			return 0.5 * math.Erfc(-math.Log(x/a[0])/(a[1]*math.Sqrt2))
		},
		func(p float64, a []float64) float64 { return a[0] * math.Exp(-a[1]*math.Sqrt2*math.Erfcinv(2*p)) }},
	"weibull": {[]string{"x", "n"}, positive("scale", "shape"),
		func(x float64, a []float64) float64 { return -math.Expm1(-math.Pow(max(x, 0)/a[0], a[1])) },
		func(p float64, a []float64) float64 { return a[0] * math.Pow(-math.Log1p(-p), 1/a[1]) }},
}

// numberLaws and textLaws are the names for messages, in the order of the documentation.
var (
	numberLaws = []string{"constant", "uniform", "normal", "exp", "halfcauchy", "pareto", "lognormal", "weibull", "choice"}
	textLaws   = []string{"constant", "choice", "letters", "alnum", "hex", "words", "name"}
)

// ParseLaw reads a law of values of type t.
func ParseLaw(t Type, s string) (Law, error) {
	c, err := ParseCall(s)
	if err != nil {
		return Law{}, err
	}
	law := Law{text: s}
	switch {
	case c.Name == "constant":
		law.draw, err = constantLaw(t, c)
	case c.Name == "choice":
		law.draw, err = choiceLaw(t, c)
	case t.Numeric():
		law.draw, err = numberLaw(t, c)
	case t == String || t == TextType:
		law.draw, err = textLaw(t, c)
	default:
		err = fmt.Errorf("unknown law %q for type %s: known: constant, choice", c.Name, t)
	}
	return law, err
}

func (c Call) arity(n int) error {
	if len(c.Args) != n {
		return fmt.Errorf("%s takes %d arguments, not %d", c.Name, n, len(c.Args))
	}
	return nil
}

// plainCall refuses what only laws of numbers take.
func (c Call) plainCall() error {
	if c.Plus != "" || len(c.Named) > 0 {
		return fmt.Errorf("%s takes no bounds and no added constant", c.Name)
	}
	return nil
}

type drawFunc = func(r *rand.Rand, lo, hi float64) (Value, error)

func constantLaw(t Type, c Call) (drawFunc, error) {
	if err := c.arity(1); err != nil {
		return nil, err
	}
	v, err := Parse(t, c.Args[0])
	if err != nil {
		return nil, fmt.Errorf("constant: %q %w", c.Args[0], err)
	}
	return func(*rand.Rand, float64, float64) (Value, error) { return v, nil }, c.plainCall()
}

// maxWeight bounds the weights of a choice.
const maxWeight = 1_000_000_000

// choiceLaw draws one of some values, with weights.
func choiceLaw(t Type, c Call) (drawFunc, error) {
	if len(c.Args) == 0 {
		return nil, fmt.Errorf("choice has no values")
	}
	var values []Value
	var cumulative []float64
	total := 0.0
	for _, arg := range c.Args {
		text, weight := arg, 1.0
		if i := strings.LastIndexByte(arg, ':'); i >= 0 {
			if w, err := strconv.ParseFloat(arg[i+1:], 64); err == nil || errors.Is(err, strconv.ErrRange) {
				if w < 0 {
					return nil, fmt.Errorf("choice: the weight of %q is below 0", arg[:i])
				}
				if !(w <= maxWeight) {
					return nil, fmt.Errorf("choice: the weight of %q must be from 0 to %d, not %s", arg[:i], maxWeight, arg[i+1:])
				}
				text, weight = arg[:i], w
			}
		}
		v, err := Parse(t, text)
		if err != nil {
			return nil, fmt.Errorf("choice: %q %w", text, err)
		}
		total += weight
		values, cumulative = append(values, v), append(cumulative, total)
	}
	if total <= 0 {
		return nil, fmt.Errorf("choice: all weights are 0")
	}
	return func(r *rand.Rand, _, _ float64) (Value, error) {
		u := r.Float64() * total
		for i, c := range cumulative {
			if u < c {
				return values[i], nil
			}
		}
		return values[len(values)-1], nil
	}, c.plainCall()
}

func numberLaw(t Type, c Call) (drawFunc, error) {
	parse := func(s string) (float64, error) {
		v, err := Parse(t, s)
		if err != nil {
			return 0, fmt.Errorf("%s: %q %w", c.Name, s, err)
		}
		return v.number, nil
	}
	lawMin, lawMax, plus := math.Inf(-1), math.Inf(1), 0.0
	for text, into := range map[string]*float64{c.Named["min"]: &lawMin, c.Named["max"]: &lawMax, c.Plus: &plus} {
		if text == "" {
			continue
		}
		f, err := parse(text)
		if err != nil {
			return nil, err
		}
		*into = f
	}
	if c.Name == "uniform" {
		return uniformLaw(t, c, parse, lawMin, lawMax, plus)
	}
	law, ok := continuousLaws[c.Name]
	if !ok {
		return nil, fmt.Errorf("unknown law %q: %s", c.Name, problem.Nearest(c.Name, numberLaws))
	}
	if err := c.arity(len(law.arguments)); err != nil {
		return nil, err
	}
	args := make([]float64, len(c.Args))
	for i, s := range c.Args {
		var err error
		if law.arguments[i] == "n" || t == Int { // the mean of a law of whole numbers need not be whole
			if args[i], err = plainNumber(s); err != nil {
				return nil, fmt.Errorf("%s: %q must be a number", c.Name, s)
			}
		} else if args[i], err = parse(s); err != nil {
			return nil, err
		}
	}
	if wrong := law.check(args); wrong != "" {
		return nil, fmt.Errorf("%s: %s", c.Name, wrong)
	}
	return func(r *rand.Rand, lo, hi float64) (Value, error) {
		// The bounds of the law hold before the constant is added, those of the parameter after.
		lo, hi = max(lawMin, lo-plus), min(lawMax, hi-plus)
		if t.whole() {
			hi = math.Floor(hi) + 1 // rounded down later, so that hi itself can be drawn
		}
		u := r.Float64()
		from, to := law.cdf(lo, args), law.cdf(hi, args)
		if lo > hi || !(to > from) {
			return Value{}, errNoValue
		}
		x := min(max(law.quantile(from+u*(to-from), args), lo), hi)
		if t.whole() {
			x = math.Min(math.Floor(x), hi-1)
		}
		return Value{Type: t, number: x + plus}, nil
	}, nil
}

func uniformLaw(t Type, c Call, parse func(string) (float64, error), lawMin, lawMax, plus float64) (drawFunc, error) {
	if err := c.arity(2); err != nil {
		return nil, err
	}
	a, err := parse(c.Args[0])
	if err != nil {
		return nil, err
	}
	b, err := parse(c.Args[1])
	if err != nil {
		return nil, err
	}
	if a > b {
		return nil, fmt.Errorf("uniform: its first end is above its second")
	}
	return func(r *rand.Rand, lo, hi float64) (Value, error) {
		lo, hi = max(a, lawMin, lo-plus), min(b, lawMax, hi-plus)
		if lo > hi {
			return Value{}, errNoValue
		}
		if t.whole() {
			return Value{Type: t, number: math.Floor(lo+r.Float64()*(hi-lo+1)) + plus}, nil
		}
		return Value{Type: t, number: lo + r.Float64()*(hi-lo) + plus}, nil
	}, nil
}
