package report

import (
	"fmt"
	"slices"
	"time"

	"detgen/plot"
	"detgen/record"
	"detgen/truth"
)

// Packets is what the script of a page knows of a packet figure: where its panels are, and of each packet what is shown
// when the pointer is at it.
type Packets struct {
	Width       float64  `json:"width"`
	Height      float64  `json:"height"`
	Panels      []*panel `json:"panels"`
	ColorNames  []string `json:"color_names"`
	Colors      []string `json:"colors"`
	PhaseNames  []string `json:"phase_names"`
	PhaseColors []string `json:"phase_colors"`
	Whole       bool     `json:"whole"` // all packets are here
}

// panel is one sequence. Its lists have a value for each packet. A value of a list of texts is an index.
type panel struct {
	Name   string  `json:"name"`
	Left   float64 `json:"left"`
	Right  float64 `json:"right"`
	From   int64   `json:"from"` // ns since the main activity's start
	To     int64   `json:"to"`
	Top    float64 `json:"top"`
	Bottom float64 `json:"bottom"`
	Middle float64 `json:"middle"`
	Up     float64 `json:"up"`
	Down   float64 `json:"down"`
	Size   int     `json:"size"`
	Strip  float64 `json:"strip"`
	Axis   bool    `json:"axis"`

	Phases []span `json:"phases,omitempty"`
	Marks  []mark `json:"marks,omitempty"`

	Texts      []string `json:"texts"`      // of flags, phases, fates and labels
	Number     []int    `json:"number"`     // of the frame in its capture
	Time       []int64  `json:"time"`       // ns; the first since the start, each other since the one before
	Length     []int    `json:"length"`     // bytes
	IsUp       []int    `json:"is_up"`      // 1 when it is drawn upwards
	Color      []int    `json:"color"`      // index into colors
	Flags      []int    `json:"flags"`      // index into texts
	Phase      []int    `json:"phase"`      // index into texts
	Fate       []int    `json:"fate"`       // index into texts
	Label      []int    `json:"label"`      // index into texts
	Connection []int    `json:"connection"` // id in connections.csv; 0 for none
	Mark       []int    `json:"mark"`       // 1 lost, 2 retransmission
}

type span struct {
	Name  string `json:"name"`
	Index int    `json:"index"`
	Start int64  `json:"start"`
	End   int64  `json:"end"`
}

type mark struct {
	Time int64  `json:"time"`
	Text string `json:"text"`
}

// frames is a sample of a figure and the frames behind its packets.
type frames struct {
	plot.Sample
	numbers     []int // in the capture, from 1
	flags       []string
	fates       []string
	labels      []string
	connections []int
}

// framesOf gives the packets of a capture of a run, those of one connection when it is not 0, with times from the main
// activity's start.
func framesOf(t *truth.Truth, capture, connection int) *frames {
	c := t.Captures[capture]
	started := t.Record.Result.Started
	s := &frames{Sample: plot.Sample{Name: c.Place(), Phases: phasesAt(t.Record, c.Host)}}
	if several := slices.ContainsFunc(t.Captures, func(o *truth.Capture) bool { return o != c && o.Place() == c.Place() }); several {
		s.Name += " " + c.Interface
	}
	for i := range c.Frames {
		f := &c.Frames[i]
		if connection != 0 && int(f.Connection)+1 != connection {
			continue
		}
		one := plot.Packet{
			Time: time.Unix(0, f.Time).Sub(started), Size: int(f.Length), Up: f.Sent,
			TCP: f.IsTCP(), Flags: uint8(f.Flags), Phase: t.Phases[f.Phase],
			Retransmission: f.Exact == truth.Needed || f.Exact == truth.Spurious, Lost: f.Fate == truth.Lost,
		}
		if connection != 0 || c.IsTap() {
			one.Up = f.FromClient
		}
		s.Packets = append(s.Packets, one)
		s.numbers = append(s.numbers, i+1)
		s.flags = append(s.flags, f.FlagText())
		s.fates = append(s.fates, f.Fate.String())
		s.labels = append(s.labels, t.Class(f))
		s.connections = append(s.connections, int(f.Connection)+1)
	}
	return s
}

// samples gives the captures' packets for a figure: all captures, or those of a host.
func samples(t *truth.Truth, s truth.Selection) []*frames {
	var list []*frames
	for i, c := range t.Captures {
		if s.Host != "" && s.Host != c.Place() {
			continue
		}
		if one := framesOf(t, i, s.Connection); len(one.Packets) > 0 {
			list = append(list, one)
		}
	}
	return list
}

// packetFigure is the figure of a run's packets.
func packetFigure(t *truth.Truth, s truth.Selection, by plot.ColorBy) *plot.Packets {
	main := &t.Record.Run.Activities[0]
	figure := &plot.Packets{Title: main.Scenario + "/" + main.Task, Up: "sent", Down: "received", Color: by}
	if s.Connection != 0 {
		figure.Title += fmt.Sprintf(", connection %d", s.Connection)
		figure.Up, figure.Down = "client", "server"
	}
	return figure
}

// thin gives at most budget frames: those that were lost or sent again, and of the others every so many.
func (s *frames) thin(budget int) *frames {
	n := len(s.Packets)
	if n <= budget {
		return s
	}
	special := func(i int) bool { return s.Packets[i].Lost || s.Packets[i].Retransmission }
	specials := 0
	for i := range n {
		if special(i) {
			specials++
		}
	}
	keepSpecial := specials <= budget/2
	rest, of := budget, n
	if keepSpecial {
		rest, of = budget-specials, n-specials
	}
	out := &frames{Sample: plot.Sample{Name: s.Name, Phases: s.Phases, Marks: s.Marks}}
	seen := 0
	for i := range n {
		keep := keepSpecial && special(i)
		if !keep {
			keep = (seen+1)*rest/of > seen*rest/of
			seen++
		}
		if !keep {
			continue
		}
		out.Packets = append(out.Packets, s.Packets[i])
		out.numbers = append(out.numbers, s.numbers[i])
		out.flags = append(out.flags, s.flags[i])
		out.fates = append(out.fates, s.fates[i])
		out.labels = append(out.labels, s.labels[i])
		out.connections = append(out.connections, s.connections[i])
	}
	return out
}

// drawPackets draws a figure of frames and gives what the script needs of it. At most limit frames are drawn; dropped is
// how many are not.
func drawPackets(id, caption string, figure *plot.Packets, list []*frames, limit int) (f *Figure, dropped int, err error) {
	total := 0
	for _, s := range list {
		total += len(s.Packets)
	}
	var shown []*frames
	figure.Samples = nil
	for _, s := range list {
		thinned := s
		if total > limit {
			thinned = s.thin(max(1, limit*len(s.Packets)/total))
		}
		dropped += len(s.Packets) - len(thinned.Packets)
		shown = append(shown, thinned)
		figure.Samples = append(figure.Samples, thinned.Sample)
	}
	drawing, err := figure.Draw()
	if err != nil {
		return nil, 0, err
	}
	f, err = draw(id, caption, sequenceAlt(figure, list), drawing)
	if err != nil {
		return nil, 0, err
	}
	f.Packets = underPointer(figure, drawing, shown)
	f.Packets.Whole = dropped == 0
	return f, dropped, nil
}

// sequenceAlt says what a packet figure shows.
func sequenceAlt(figure *plot.Packets, list []*frames) string {
	text := "Packet sequence: a stem a packet, as high as it is large."
	for _, s := range list {
		up, lost, again := 0, 0, 0
		for i := range s.Packets {
			p := &s.Packets[i]
			if p.Up {
				up++
			}
			if p.Lost {
				lost++
			}
			if p.Retransmission {
				again++
			}
		}
		text += fmt.Sprintf(" %s: %d packets, %d upwards (%s), %d downwards (%s), %d lost, %d retransmissions.",
			s.Name, len(s.Packets), up, figure.Up, len(s.Packets)-up, figure.Down, lost, again)
	}
	return text
}

// underPointer gives the packets of a figure for the script.
func underPointer(figure *plot.Packets, drawing *plot.Figure, list []*frames) *Packets {
	out := &Packets{}
	out.Width, out.Height = drawing.Size()
	var color func(*plot.Packet) int
	out.ColorNames, out.Colors, color = figure.Colors()
	out.PhaseNames, out.PhaseColors = figure.PhaseColors()
	for i, at := range drawing.Panels() {
		s := list[i]
		p := &panel{
			Name: s.Name, Left: at.Left, Right: at.Right, From: int64(at.From), To: int64(at.To), Top: at.Top, Bottom: at.Bottom,
			Middle: at.Middle, Up: at.Up, Down: at.Down, Size: at.Size, Strip: at.Phases, Axis: at.Labelled, Texts: []string{},
		}
		for _, one := range s.Phases {
			p.Phases = append(p.Phases, span{one.Name, slices.Index(out.PhaseNames, one.Name), int64(one.Start), int64(one.End)})
		}
		for _, m := range s.Marks {
			p.Marks = append(p.Marks, mark{int64(m.Time), m.Text})
		}
		known := map[string]int{}
		text := func(value string) int {
			n, ok := known[value]
			if !ok {
				n = len(p.Texts)
				known[value] = n
				p.Texts = append(p.Texts, value)
			}
			return n
		}
		var before time.Duration
		for j := range s.Packets {
			one := &s.Packets[j]
			p.Number = append(p.Number, s.numbers[j])
			p.Time = append(p.Time, int64(one.Time-before))
			before = one.Time
			p.Length = append(p.Length, one.Size)
			p.IsUp = append(p.IsUp, bit(one.Up, 1))
			p.Color = append(p.Color, color(one))
			p.Flags = append(p.Flags, text(s.flags[j]))
			p.Phase = append(p.Phase, text(one.Phase))
			p.Fate = append(p.Fate, text(s.fates[j]))
			p.Label = append(p.Label, text(s.labels[j]))
			p.Connection = append(p.Connection, s.connections[j])
			p.Mark = append(p.Mark, bit(one.Lost, 1)|bit(one.Retransmission, 2))
		}
		out.Panels = append(out.Panels, p)
	}
	return out
}

func bit(set bool, value int) int {
	if set {
		return value
	}
	return 0
}

// phasesAt is the phases of the main activity that a host marked, or those of the first host that marked any.
func phasesAt(rec *record.Record, host string) []plot.Phase {
	if len(rec.Result.Activities) == 0 {
		return nil
	}
	all := rec.Result.Activities[0].Phases
	own := func(p record.Phase) bool { return p.Host == host }
	if !slices.ContainsFunc(all, own) && len(all) > 0 {
		host = all[0].Host
	}
	var phases []plot.Phase
	for _, p := range all {
		if own(p) {
			phases = append(phases, plot.Phase{Name: p.Name, Start: p.Start.Sub(rec.Result.Started), End: p.End.Sub(rec.Result.Started)})
		}
	}
	return phases
}
