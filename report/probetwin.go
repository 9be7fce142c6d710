package report

import (
	"fmt"
	"strconv"
	"strings"

	"detgen/internal/plain"
	"detgen/model"
	"detgen/plot"
	"detgen/record"
)

// twinProbed is what a page shows of a model step by step over twins.
type twinProbed struct {
	Dir    string
	Model  model.Description
	Differ []string
	A, B   struct {
		ID           string
		Score        float64
		Steps, Again int
	}
	Outputs struct {
		Matched, First                 int
		Tolerance, Area, Largest, Last float64
		FirstPhase                     string `json:"first_phase"`
		InEpisode                      bool   `json:"in_episode"`
		Recovered                      bool
		Flipped                        *bool
	}
	Noise *struct {
		Pairs                int
		Area, Largest, Ratio float64
	}
	Episodes []struct {
		From, To                         int
		SentAgain                        int `json:"sent_again"`
		Phase                            string
		Before, After, Without, Restored float64
	}
}

// ProbeTwin is the page of a model's output over the packets of twins.
func ProbeTwin(dir string, o Options) (*Page, error) {
	var r twinProbed
	if err := readResult(dir, TwinFile, &r); err != nil {
		return nil, err
	}
	p := &Page{Kind: "probe", Title: fmt.Sprintf("%s over twins, %s", r.Model.Name, strings.Join(r.Differ, "; "))}
	var err error
	if p.Commands, err = commandOf(dir, "detgen probe twin "+plain.Word(r.Dir)+" --model "+plain.Word(r.Model.Name)); err != nil {
		return nil, err
	}
	base := o.dataset(r.Dir)
	s := p.add("overview", "Overview")
	u := &r.Outputs
	parts := fmt.Sprintf("not by more than %.4f at %d steps with the same bytes", u.Tolerance, u.Matched)
	if u.First > 0 {
		parts = fmt.Sprintf("at step %d of b, in phase %q", u.First, u.FirstPhase)
		if u.InEpisode {
			parts += ", in or right after an episode of retransmissions"
		}
		parts += fmt.Sprintf("; %+.4f at the end", u.Last)
		if u.Recovered {
			parts += ", together again"
		}
	}
	s.Facts = append(modelFacts(&r.Model), Fact{Name: "Twins", Value: r.Dir, Link: base})
	for i, side := range []string{record.TwinA, record.TwinB} {
		of := &r.A
		if i == 1 {
			of = &r.B
		}
		fact := Fact{Name: "Score of " + side, Value: fmt.Sprintf("%.4f after %d steps", of.Score, of.Steps)}
		if at := strings.LastIndexByte(of.ID, '/'); base != "" && at >= 0 {
			if n, err := strconv.Atoi(of.ID[at+1:]); err == nil {
				fact.Link = fmt.Sprintf("%s%s/?connection=%d", base, side, n)
			}
		}
		s.Facts = append(s.Facts, fact)
	}
	s.Facts = append(s.Facts, Fact{Name: "The outputs part", Value: parts}, Fact{Name: "Difference", Value: fmt.Sprintf("mean %.4f, largest %.4f", u.Area, u.Largest)})
	if u.Flipped != nil && *u.Flipped {
		s.Facts = append(s.Facts, Fact{Name: "Verdict", Value: "only one of the two is called an attack"})
	}
	if n := r.Noise; n != nil {
		s.Facts = append(s.Facts, Fact{Name: fmt.Sprintf("Noise of %d placebo pairs", n.Pairs), Value: fmt.Sprintf("mean %.4f, largest %.4f; the twins differ by %.3g times that mean", n.Area, n.Largest, n.Ratio)})
	} else {
		p.Notes = append(p.Notes, "No placebo pairs were given: what the same configuration gives twice is not known.")
	}
	steps, err := csvTable(dir, "steps.csv", "steps", "Step by step", &o)
	if err != nil {
		return nil, err
	}
	f, err := stepFigure(&r, steps)
	if err != nil {
		return nil, err
	}
	s = p.add("output", "Output over the packets")
	s.Figures = append(s.Figures, f)
	t := &Table{ID: "episodes", Caption: "Episodes of retransmissions in b, and the score without the packets of each", Columns: []Column{{Name: "from_step", Number: true}, {Name: "to_step", Number: true}, {Name: "sent_again", Number: true}, {Name: "phase"},
		{Name: "output_before", Number: true}, {Name: "output_after", Number: true}, {Name: "score_without", Number: true}, {Name: "restored", Number: true, About: "share of the difference between the scores"}}}
	for _, e := range r.Episodes {
		t.Rows = append(t.Rows, []string{itoa(e.From), itoa(e.To), itoa(e.SentAgain), e.Phase, short(e.Before), short(e.After), short(e.Without), short(e.Restored)})
	}
	s.Tables = append(s.Tables, t, steps)
	resultFiles(p, dir, &o)
	return p, nil
}

// stepFigure draws run b's packets and outputs with a's outputs at the same bytes, from the table of steps.
func stepFigure(r *twinProbed, t *Table) (*Figure, error) {
	side, step, output, match := t.cells("side"), numbers(t.cells("step")), numbers(t.cells("output")), numbers(t.cells("match"))
	payload, from, again, phase := numbers(t.cells("payload")), t.cells("from"), t.cells("sent_again"), t.cells("phase")
	if side == nil || step == nil || output == nil || match == nil || payload == nil || from == nil || again == nil || phase == nil {
		return nil, fmt.Errorf("steps.csv has not the columns that it should have")
	}
	d := plot.Steps{Up: "client to server", Down: "server to client", Name: "run b", TwinName: "run a at the same bytes", Label: "output", Level: r.Model.Threshold, First: r.Outputs.First - 1}
	ofA := map[float64]float64{}
	for i := range side {
		if side[i] == record.TwinA {
			ofA[step[i]] = output[i]
		}
	}
	var rows []int
	for i := range side {
		if side[i] != record.TwinB {
			continue
		}
		n := len(d.Packets)
		if k := len(d.Spans); k > 0 && d.Spans[k-1].Name == phase[i] {
			d.Spans[k-1].To = n + 1
		} else {
			d.Spans = append(d.Spans, plot.StepSpan{Name: phase[i], From: n, To: n + 1})
		}
		d.Packets = append(d.Packets, plot.StepPacket{Size: int(payload[i]), Up: from[i] == "client", Again: again[i] == "true", Output: output[i]})
		if a, ok := ofA[match[i]]; ok && match[i] > 0 {
			d.Twin = append(d.Twin, plot.StepPoint{Step: float64(n), Output: a})
		}
		rows = append(rows, i)
	}
	for _, e := range r.Episodes {
		d.Shaded = append(d.Shaded, plot.StepSpan{From: e.From - 1, To: e.To})
	}
	drawing, err := d.Draw()
	if err != nil {
		return nil, err
	}
	return drawPoints("steps", "Packets of run b and the model's output after each, with that of a at the same bytes", fmt.Sprintf("Output over %d packets.", len(d.Packets)), drawing, t,
		func(_, index int) int { return rows[index] })
}
