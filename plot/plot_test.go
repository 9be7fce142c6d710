package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestErrors draws what cannot be drawn.
func TestErrors(t *testing.T) {
	draw := map[string]struct {
		draw func() (*Figure, error)
		want string
	}{
		"no sample":        {(&Packets{}).Draw, "there is no sample"},
		"no packet":        {(&Packets{Samples: make([]Sample, 2)}).Draw, "no sample has a packet"},
		"ends early":       {(&Packets{Samples: make([]Sample, 1), From: 2, To: 1}).Draw, "ends at 1ns, not after its start at 2ns"},
		"size below 0":     {(&Packets{Samples: []Sample{{Packets: make([]Packet, 1)}}, Size: -1}).Draw, "must end above 0 bytes, not at -1"},
		"no boxes":         {(&Boxes{}).Draw, "there are no values"},
		"series missing":   {boxes(nil).Draw, "m, g has values for 0 series of 1"},
		"negative":         {boxes([]float64{-1}).Draw, "m, g, s has the value -1"},
		"no number":        {boxes([]float64{math.NaN()}).Draw, "m, g, s has the value NaN"},
		"no lines":         {(&Lines{}).Draw, "there are no values"},
		"uneven":           {(&Lines{Series: []Series{{Name: "s", X: []float64{1}}}}).Draw, "s has 1 values for x and 0 for y"},
		"zero on log axis": {(&Lines{LogX: true, Series: []Series{{Name: "s", X: []float64{0}, Y: []float64{1}}}}).Draw, "s has the value 0 for x, which a logarithmic axis"},
	}
	for name, c := range draw {
		t.Run(name, func(t *testing.T) {
			_, err := c.draw()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func boxes(values []float64) *Boxes {
	group := BoxGroup{Name: "g"}
	if values != nil {
		group.Values = [][]float64{values}
	}
	return &Boxes{Series: []string{"s"}, Panels: []BoxPanel{{Name: "m", Groups: []BoxGroup{group}}}}
}

// TestWriteFile writes by suffix, and leaves nothing of what it cannot write.
func TestWriteFile(t *testing.T) {
	figure, err := transfer().Draw()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := figure.WriteFile(filepath.Join(folder, "a.pdf")); err == nil || !strings.Contains(err.Error(), ".svg or .png") {
		t.Errorf("a.pdf: error %v", err)
	}
	if err := figure.WriteFile(filepath.Join(folder, "none", "a.svg")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a folder that is not there: error %v", err)
	}
	for _, name := range []string{"a.svg", "b.PNG"} {
		if err := figure.WriteFile(filepath.Join(folder, name)); err != nil {
			t.Error(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("%d files, want 2", len(entries))
	}
	svg, err := os.Open(filepath.Join(folder, "a.svg"))
	if err != nil {
		t.Fatal(err)
	}
	defer svg.Close()
	decoder := xml.NewDecoder(svg)
	for {
		if _, err := decoder.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	picture, err := os.ReadFile(filepath.Join(folder, "b.PNG"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	if want := 2126; config.Width != want { // 180 mm
		t.Errorf("%d dots wide, want %d", config.Width, want)
	}
	if !bytes.Contains(picture[:100], []byte("pHYs\x00\x00\x2e\x23\x00\x00\x2e\x23\x01")) { // 11811 a metre
		t.Error("the density is not in the file")
	}
}

// TestSVGEscapes has letters in names that mean something in XML.
func TestSVGEscapes(t *testing.T) {
	s := download(4, 1)
	s.Name = `a < "b" & c`
	figure, err := (&Packets{Title: "<t>", Samples: []Sample{s}}).Draw()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := figure.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "<title>&lt;t&gt;</title>") {
		t.Error("the title is not escaped")
	}
	if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
		t.Error(err)
	}
}

func TestSummarise(t *testing.T) {
	s := summarise([]float64{9, 1, 2, 3, 4, 5, 6, 7, 8, 100})
	if s.quarter != 3.25 || s.median != 5.5 || s.threeQuarters != 7.75 || s.low != 1 || s.high != 9 || math.Abs(s.mean-14.5) > 1e-12 {
		t.Errorf("summary %+v", s)
	}
	if len(s.beyond) != 1 || s.beyond[0] != 100 {
		t.Errorf("beyond the whiskers: %v", s.beyond)
	}
}

func TestDistribution(t *testing.T) {
	s := Distribution("", []float64{3, 1, 1, 2})
	wantX, wantY := []float64{1, 1, 2, 2, 3, 3}, []float64{0, .5, .5, .75, .75, 1}
	for i := range wantX {
		if i >= len(s.X) || s.X[i] != wantX[i] || s.Y[i] != wantY[i] {
			t.Fatalf("steps %v %v, want %v %v", s.X, s.Y, wantX, wantY)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		ticks []tick
		want  string
	}{
		{linearTicks(0, 1514, 3), "0 1000"},
		{linearTicks(0, 1500, 3), "0 500 1000 1500"},
		{linearTicks(-0.3, 0.61, 4), "0.0 0.5"},
		{linearTicks(0, 0.003, 3), "0.000 0.001 0.002 0.003"},
		{linearTicks(5, 5, 3), "5"},
		{logTicks(0.01, 100, 7), "0.01 0.1 1 10 100"},
		{logTicks(1e-9, 1e9, 6), "1e-9 1e-5 0.1 1000 1e7"},
	} {
		var texts []string
		for _, one := range c.ticks {
			if one.text != "" {
				texts = append(texts, one.text)
			}
		}
		if got := strings.Join(texts, " "); got != c.want {
			t.Errorf("ticks %q, want %q", got, c.want)
		}
	}
}

func TestTimeUnit(t *testing.T) {
	for span, want := range map[time.Duration]string{
		time.Microsecond: "ns", time.Millisecond: "µs", 33 * time.Millisecond: "ms", 5 * time.Second: "s", time.Hour: "min", 24 * time.Hour: "h",
	} {
		if _, got := timeUnit(span); got != want {
			t.Errorf("%v in %s, want %s", span, got, want)
		}
	}
}

// TestLinksGoBesideHosts draws more hosts than a row takes: no line goes over a host.
func TestLinksGoBesideHosts(t *testing.T) {
	h := Hosts{Networks: []string{"lan", "dmz"}}
	for i := range 13 {
		h.Hosts = append(h.Hosts, HostBox{Name: fmt.Sprintf("host-%d", i), Lines: []string{"image"}, Networks: []int{0, 1}})
	}
	f, err := h.Draw()
	if err != nil {
		t.Fatal(err)
	}
	bounds := func(p path) (x0, y0, x1, y1 float64) {
		x0, y0 = math.Inf(1), math.Inf(1)
		x1, y1 = math.Inf(-1), math.Inf(-1)
		for _, s := range p.steps {
			if s.op == 'M' || s.op == 'L' {
				x0, x1, y0, y1 = min(x0, s.points[0].x), max(x1, s.points[0].x), min(y0, s.points[0].y), max(y1, s.points[0].y)
			}
		}
		return
	}
	var lines, boxes []path
	for _, i := range f.items {
		switch {
		case i.fill == rgb(0xffffff):
			boxes = append(boxes, i.path)
		case len(i.path.steps) == 2:
			lines = append(lines, i.path)
		}
	}
	if len(boxes) != 13 || len(lines) != 6*2+7*2*3 {
		t.Fatalf("%d boxes, %d lines", len(boxes), len(lines))
	}
	for _, l := range lines {
		lx0, ly0, lx1, ly1 := bounds(l)
		if lx0 < 0 || lx1 > f.width {
			t.Errorf("a line from x %.1f to %.1f is outside", lx0, lx1)
		}
		for _, b := range boxes {
			if x0, y0, x1, y1 := bounds(b); lx1 > x0 && lx0 < x1 && ly1 > y0 && ly0 < y1 {
				t.Errorf("the line %.1f,%.1f to %.1f,%.1f goes over the host at %.1f,%.1f", lx0, ly0, lx1, ly1, x0, y0)
			}
		}
	}
}

// TestLongTextIsCut draws a text of 10 MB: its begin, and not for long.
func TestLongTextIsCut(t *testing.T) {
	long := strings.Repeat("a", 10<<20)
	f, err := (&Lines{Title: long, XLabel: long, Series: []Series{{Name: long, X: []float64{1, 2}, Y: []float64{1, 2}}}}).Draw()
	if err != nil {
		t.Fatal(err)
	}
	var drawing bytes.Buffer
	if err := f.WriteDrawing(&drawing); err != nil || drawing.Len() > 1<<20 {
		t.Errorf("%d bytes, %v", drawing.Len(), err)
	}
	if s := shortened(long, 50); len(s) > 50 {
		t.Errorf("shortened to %d bytes", len(s))
	}
}
