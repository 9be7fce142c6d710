package plot

import (
	"bytes"
	"flag"
	"image"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// update makes the golden images anew: go test ./plot -run TestGolden -update. Look at them before a commit.
var update = flag.Bool("update", false, "write the golden images")

// TestGolden compares each kind of figure with the images in testdata, which this test made and a person looked
// at: SVG byte for byte, PNG dot for dot (its compression is the Go version's).
func TestGolden(t *testing.T) {
	figures := map[string]func() (*Figure, error){
		"packets-flags":  transfer().Draw,
		"packets-phases": byPhase().Draw,
		"packets-beside": beside().Draw,
		"boxes":          determinism().Draw,
		"lines":          scores().Draw,
		"distribution":   delays().Draw,
	}
	for name, draw := range figures {
		t.Run(name, func(t *testing.T) {
			figure, err := draw()
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name)
			if *update {
				for _, suffix := range []string{".svg", ".png"} {
					if err := figure.WriteFile(path + suffix); err != nil {
						t.Fatal(err)
					}
				}
			}
			var svg, pixels bytes.Buffer
			if err := figure.WriteSVG(&svg); err != nil {
				t.Fatal(err)
			}
			golden, err := os.ReadFile(path + ".svg")
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(svg.Bytes(), golden) {
				t.Errorf("%s.svg is not what is drawn now", path)
			}
			if err := figure.WritePNG(&pixels); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path + ".png")
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			was, err := png.Decode(file)
			if err != nil {
				t.Fatal(err)
			}
			is, err := png.Decode(&pixels)
			if err != nil {
				t.Fatal(err)
			}
			if n := differing(is, was); n > 0 {
				t.Errorf("%s.png differs from what is drawn now in %d dots", path, n)
			}
		})
	}
}

// differing counts the dots that two pictures do not share.
func differing(a, b image.Image) (n int) {
	if a.Bounds() != b.Bounds() {
		return max(a.Bounds().Dx()*a.Bounds().Dy(), b.Bounds().Dx()*b.Bounds().Dy())
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				n++
			}
		}
	}
	return n
}

// download is a made-up transfer of n segments with some loss.
func download(n int, seed uint64) Sample {
	random := rand.New(rand.NewPCG(seed, 1))
	var s Sample
	var at time.Duration
	add := func(wait time.Duration, one Packet) {
		at += wait
		one.Time, one.TCP = at, true
		s.Packets = append(s.Packets, one)
	}
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	add(0, Packet{Size: 74, Up: true, Flags: syn, Phase: "connect"})
	add(ms(20), Packet{Size: 74, Flags: syn | ack, Phase: "connect"})
	add(ms(.1), Packet{Size: 66, Up: true, Flags: ack, Phase: "connect"})
	connected := at
	add(ms(1), Packet{Size: 210, Up: true, Flags: psh | ack, Phase: "request"})
	requested := at
	for i := range n {
		wait := random.ExpFloat64() * .3
		if i%8 == 0 {
			wait += 18
		}
		flags := uint8(ack)
		if i%4 == 3 {
			flags |= psh
		}
		add(ms(wait), Packet{Size: 1514 - i%4/3*random.IntN(900), Flags: flags, Lost: i == 9, Retransmission: i == 14, Phase: "transfer"})
		if i%2 == 1 {
			add(ms(.05), Packet{Size: 66, Up: true, Flags: ack, Phase: "transfer"})
		}
	}
	transferred := at
	add(ms(3), Packet{Size: 66, Up: true, Flags: fin | ack, Phase: "close"})
	add(ms(20), Packet{Size: 66, Flags: fin | ack, Phase: "close"})
	add(ms(.1), Packet{Size: 54, Up: true, Flags: rst, Phase: "close"})
	s.Phases = []Phase{
		{"connect", 0, connected}, {"request", connected, requested + ms(9)},
		{"transfer", requested + ms(9), transferred}, {"close", transferred, at},
	}
	return s
}

// transfer is two samples under each other, with all marks.
func transfer() *Packets {
	one, two := download(40, 1), download(40, 2)
	one.Name, two.Name = "loss 0 %", "loss 1 %"
	two.Marks = []Mark{{Time: two.Packets[12].Time, Text: "first difference"}}
	two.Packets = append(two.Packets, Packet{Time: 30 * time.Millisecond, Size: 90, Up: true}, Packet{Time: 140 * time.Millisecond, Size: 300, TCP: true})
	return &Packets{Title: "A download twice", Up: "client", Down: "server", Samples: []Sample{one, two}}
}

func byPhase() *Packets {
	return &Packets{Up: "client", Down: "server", Samples: []Sample{download(30, 3)}, Color: ColorByPhase}
}

// beside is six samples in two rows, part of their time.
func beside() *Packets {
	p := &Packets{Title: "HTTP on two engines", Up: "up", Down: "down", Columns: 3, To: 90 * time.Millisecond}
	for i := range 6 {
		s := download(40, uint64(i/3*i))
		s.Phases = nil
		s.Name = []string{"live", "vm"}[i/3]
		p.Samples = append(p.Samples, s)
	}
	return p
}

// determinism is made-up dissimilarities; one engine has none.
func determinism() *Boxes {
	random := rand.New(rand.NewPCG(7, 7))
	b := &Boxes{
		Title: "Dissimilarity of two samples of one configuration", Label: "share of the largest (%)",
		Series: []string{"exact", "live", "vm"}, Reference: 1, ReferenceName: "1 %",
	}
	for _, measure := range []string{"connection", "window", "packet"} {
		panel := BoxPanel{Name: measure}
		for i, kind := range []string{"HTTP", "file sync", "C&C"} {
			live, vm := make([]float64, 100), make([]float64, 100)
			for j := range live {
				live[j] = .2 * math.Exp(.5*random.NormFloat64()) / float64(i+1)
				vm[j] = 2 * math.Exp(.7*random.NormFloat64()) / float64(i+1)
			}
			panel.Groups = append(panel.Groups, BoxGroup{Name: kind, Values: [][]float64{make([]float64, 100), live, vm}})
		}
		b.Panels = append(b.Panels, panel)
	}
	return b
}

func scores() *Lines {
	l := &Lines{XLabel: "latency (ms)", YLabel: "score", Title: "Score by latency"}
	for i, name := range []string{"benign", "attack", "attack, corrected model"} {
		s := Series{Name: name}
		for x := range 41 {
			s.X = append(s.X, float64(x)*5)
			s.Y = append(s.Y, float64(i)/2*math.Exp(-float64(x*i)/60)+.1)
		}
		l.Series = append(l.Series, s)
	}
	l.Series = append(l.Series, Series{Name: "runs", X: []float64{10, 60, 120, 180}, Y: []float64{.2, .35, .6, .4}, Dots: true})
	return l
}

func delays() *Lines {
	random := rand.New(rand.NewPCG(5, 5))
	l := &Lines{XLabel: "one-way delay (ms)", YLabel: "share of packets", LogX: true}
	for i, name := range []string{"exact", "live", "vm"} {
		values := make([]float64, 300)
		for j := range values {
			values[j] = 10 + math.Exp(float64(i)*random.NormFloat64())
		}
		l.Series = append(l.Series, Distribution(name, values))
	}
	return l
}
