package probe

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"detgen/probe/stats"
)

// Gate is a bound on a figure of a report, for guarding a build: "auc=0.9" below which, or "fpr=0.01" above which, the
// probe fails.
type Gate struct {
	name  string
	bound float64
	above bool // fails above the bound
}

// gated are the figures that can be bounded.
var gated = map[string]func(p *Performance) (float64, error){
	"auc":            func(p *Performance) (float64, error) { return p.Area.AUC, nil },
	"auc-low":        func(p *Performance) (float64, error) { return p.OverRuns.Low, nil },
	"detection":      func(p *Performance) (float64, error) { return p.Operating.Detection.Share, nil },
	"fpr":            func(p *Performance) (float64, error) { return p.Operating.FalsePositive.Share, nil },
	"detection@1e-2": func(p *Performance) (float64, error) { return p.at(0) },
	"detection@1e-3": func(p *Performance) (float64, error) { return p.at(1) },
	"detection@1e-4": func(p *Performance) (float64, error) { return p.at(2) },
	"ece": func(p *Performance) (float64, error) {
		if p.Calibration == nil {
			return 0, errors.New("its scores are not probabilities")
		}
		return p.Calibration.ECE, nil
	},
}

func (p *Performance) at(i int) (float64, error) {
	if i >= len(p.AtRates) {
		return 0, stats.CheckRate(rates[i], p.Area.Benign)
	}
	return p.AtRates[i].Detection.Share, nil
}

// Gated lists the figures that can be bounded.
func Gated() []string { return slices.Sorted(maps.Keys(gated)) }

// ParseGates reads bounds, "NAME=NUMBER" each: below which, and above which, a probe fails.
func ParseGates(below, above []string) ([]Gate, error) {
	var gates []Gate
	for i, text := range slices.Concat(below, above) {
		flag := "fail-below"
		if i >= len(below) {
			flag = "fail-above"
		}
		g, err := parseGate(flag, text, i >= len(below))
		if err != nil {
			return nil, err
		}
		gates = append(gates, g)
	}
	return gates, nil
}

func parseGate(flag, text string, above bool) (Gate, error) {
	name, number, _ := strings.Cut(text, "=")
	bound, err := strconv.ParseFloat(number, 64)
	if gated[name] == nil || err != nil {
		return Gate{}, request("--%s %q: want NAME=NUMBER, with one of %s", flag, text, strings.Join(Gated(), ", "))
	}
	return Gate{name, bound, above}, nil
}

// Pass gives an error for each bound that the report breaks.
func (r *Report) Pass(gates []Gate) error {
	var broken []error
	for _, g := range gates {
		x, err := gated[g.name](&r.Performance)
		switch {
		case err != nil:
			broken = append(broken, fmt.Errorf("%s cannot be compared: %w", g.name, err))
		case g.above && x > g.bound:
			broken = append(broken, fmt.Errorf("%s is %.4g, above %g", g.name, x, g.bound))
		case !g.above && x < g.bound:
			broken = append(broken, fmt.Errorf("%s is %.4g, below %g", g.name, x, g.bound))
		}
	}
	return errors.Join(broken...)
}
