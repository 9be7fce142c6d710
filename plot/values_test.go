package plot

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestValues makes sure that each kind of figure tells what its values are, where they are drawn, and that its SVG file gives
// them back.
func TestValues(t *testing.T) {
	effects := &Effects{Label: "r", Series: []string{"all", "within"}, Rows: []Effect{{Name: "loss", Values: []EffectValue{{0.5, 0.25, 0.75}, {math.NaN(), 0, 0}}}}}
	bars := &Bars{XLabel: "bytes", YLabel: "connections", Names: []string{"1", "2"}, Series: []BarSeries{{Name: "benign", Values: []float64{3, 4}}}}
	steps := &Steps{Up: "sent", Down: "received", Label: "output", Packets: []StepPacket{{100, true, false, 0.25}, {1448, false, true, 0.5}}, First: -1}
	banded := &Lines{XLabel: "loss", YLabel: "score", XNames: []string{"0%", "1%"}, Series: []Series{{Name: "a", X: []float64{0, 1}, Y: []float64{0.5, 0.25}, Low: []float64{0.125, 0}, High: []float64{1, 1}}}}
	packets := &Packets{Up: "sent", Down: "received", Samples: []Sample{{Name: "run 1", Packets: []Packet{{Time: 1500000, Size: 74, Up: true, TCP: true, Flags: syn | ack, Phase: "connect", Lost: true}}}}}
	boxes := &Boxes{Label: "share", Series: []string{"live"}, Panels: []BoxPanel{{Name: "packet", Groups: []BoxGroup{{Name: "HTTP", Values: [][]float64{{1, 2, 3, 4, 5}}}}}}}
	for name, test := range map[string]struct {
		draw    func() (*Figure, error)
		columns string
		last    string // row
	}{
		"effects": {effects.Draw, "name|series|r|low|high", "loss|all|0.5|0.25|0.75"},
		"bars":    {bars.Draw, "bytes|series|connections", "2|benign|4"},
		"steps":   {steps.Draw, "packet|payload (bytes)|direction|sent again|output", "2|1448|received|yes|0.5"},
		"lines":   {banded.Draw, "series|loss|score|low|high", "a|1%|0.25|0|1"},
		"packets": {packets.Draw, "sequence|packet|time (s)|size (bytes)|direction|flags|phase|sent again|lost", "run 1|1|0.001500|74|sent|SA|connect||yes"},
		"boxes":   {boxes.Draw, "panel|group|series|values|mean|low|lower quartile|median|upper quartile|high", "packet|HTTP|live|5|3|1|2|3|4|5"},
		"together": {func() (*Figure, error) {
			one, err := banded.Draw()
			if err != nil {
				return nil, err
			}
			two, err := bars.Draw()
			return Below(one, two), err
		}, "figure|series|loss|score|low|high|bytes|connections", "connections|benign|||||2|4"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := test.draw()
			if err != nil {
				t.Fatal(err)
			}
			v := f.Values()
			if got := strings.Join(v.Columns, "|"); got != test.columns {
				t.Errorf("columns %s, not %s", got, test.columns)
			}
			if got := strings.Join(v.Rows[len(v.Rows)-1], "|"); got != test.last {
				t.Errorf("the last value is %s, not %s", got, test.last)
			}
			for i := range v.X {
				if v.X[i] < 0 || v.X[i] > f.width || v.Y[i] < 0 || v.Y[i] > f.height {
					t.Errorf("value %d is at %g, %g: not in the figure", i, v.X[i], v.Y[i])
				}
			}
			var svg bytes.Buffer
			if err := f.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			back, err := ReadFile(&svg)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(back.Values, v) || math.Abs(back.Width-f.width) > 0.01 || math.Abs(back.Height-f.height) > 0.01 || back.Title != f.title {
				t.Errorf("the file gives %+v", back)
			}
		})
	}
}

// TestManyValues makes sure that a figure of many values gives an even share of them.
func TestManyValues(t *testing.T) {
	one := Series{Dots: true}
	for i := range 10 * maxValues {
		one.X, one.Y = append(one.X, float64(i)), append(one.Y, 1)
	}
	f, err := (&Lines{Series: []Series{one}}).Draw()
	if err != nil {
		t.Fatal(err)
	}
	v := f.Values()
	if len(v.Rows) != maxValues || v.Rows[0][1] != "0" || v.Rows[maxValues-1][1] != fmt.Sprint(10*maxValues-1) || !slices.IsSorted(v.X) {
		t.Errorf("%d values, from %q to %q", len(v.Rows), v.Rows[0], v.Rows[len(v.Rows)-1])
	}
}

// TestReadFile makes sure that what is no figure's file is refused, and that values must fit together.
func TestReadFile(t *testing.T) {
	const head = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 20"><title>x</title><metadata>`
	for text, want := range map[string]string{
		`<svg viewBox="0 0 10 20"><title>a</title></svg>`:                          "",
		`<svg viewBox="0 0 10 20"></svg>`:                                          "",
		head + `{"columns":["a"],"rows":[["b"]],"x":[1],"y":[2]}</metadata></svg>`: "",
		``:                              "EOF",
		`<html><title>a</title></html>`: "does not begin with svg",
		`<title>a</title>`:              "does not begin with svg",
		`<svg viewBox="0 0 10"/>`:       "no view box",
		`<svg viewBox="0 0 10 -1"/>`:    "view box",
		`<svg viewBox="0 0 1e9 1"/>`:    "view box",
		`<svg/>`:                        "no view box",
		head + `[`:                      "EOF",
		head + `[1]</metadata></svg>`:   "values",
		head + `{"columns":["a"],"rows":[["b","c"]],"x":[1],"y":[2]}</metadata></svg>`:                       "2 texts for 1 columns",
		head + `{"columns":["a"],"rows":[["b"]],"x":[1],"y":[]}</metadata></svg>`:                            "1 rows",
		head + `{"columns":["a"],"rows":[["b"]],"x":[1],"y":[2],"wide":[1,2],"high":[1,2]}</metadata></svg>`: "2 sizes",
	} {
		f, err := ReadFile(strings.NewReader(text))
		if want == "" && (err != nil || f.Width != 10 || f.Height != 20) || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %+v, %v, want %q", text, f, err, want)
		}
	}
}
