package serve

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"

	"detgen/model"
	"detgen/model/items"
	"detgen/plot"
	"detgen/record"
	"detgen/report"
)

// Model is the model whose output pages show. One page uses it at a time.
type Model struct {
	Model model.Model
	mu    sync.Mutex
}

// scored is the scores of a run's connections, by their ids.
func (m *Model) scored(ctx context.Context, dir string) (map[string]model.Score, []string, error) {
	d, err := items.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	made, err := d.Make(ctx, m.Model.Describe(), nil)
	if err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	list, err := m.Model.Score(ctx, made.Items)
	if err != nil {
		return nil, nil, err
	}
	scores, order := map[string]model.Score{}, []string{}
	for _, s := range list {
		id := filepath.Base(s.ID) // RUN/CONNECTION
		scores[id] = s
		order = append(order, id)
	}
	return scores, order, nil
}

// addScores adds a model's output to the page of a run, or of twins: both outputs.
func (s *Server) addScores(ctx context.Context, p *report.Page, dir string) error {
	if s.o.Model == nil {
		return nil
	}
	about := s.o.Model.Model.Describe()
	section := &report.Section{ID: "model", Title: "Model: " + about.Name, Text: []string{"Higher scores are more like an attack."}}
	if about.Threshold != nil {
		section.Facts = append(section.Facts, report.Fact{Name: "Threshold", Value: fmt.Sprint(*about.Threshold)})
	}
	p.Insert("packets", section)
	sides := []string{"."}
	if p.Kind == "twin" {
		sides = []string{record.TwinA, record.TwinB}
	}
	table := &report.Table{ID: "scores", Caption: "The model's score of each connection", Columns: []report.Column{{Name: "connection", Number: true}}}
	var order []string
	var all []map[string]model.Score
	for _, side := range sides {
		scores, ids, err := s.o.Model.scored(ctx, filepath.Join(dir, side))
		if err != nil {
			section.Text = append(section.Text, "The model gives no scores here: "+err.Error())
			return nil
		}
		all = append(all, scores)
		for _, id := range ids {
			if len(all) == 1 || all[0][id].ID == "" {
				order = append(order, id)
			}
		}
		name := "score"
		if side != "." {
			name += "_" + side
		}
		table.Columns = append(table.Columns, report.Column{Name: name, Number: true})
	}
	if len(sides) == 2 {
		table.Columns = append(table.Columns, report.Column{Name: "b_minus_a", Number: true})
	}
	steps := &plot.Lines{XLabel: "step", YLabel: "score"}
	for _, id := range order {
		row := []string{id}
		for i, scores := range all {
			one, ok := scores[id]
			if !ok {
				row = append(row, "")
				continue
			}
			row = append(row, fmt.Sprintf("%.6g", one.Score))
			if len(one.Steps) > 0 && len(steps.Series) < 8 {
				line := plot.Series{Name: fmt.Sprintf("connection %s %s", id, sides[i])}
				for k, v := range one.Steps {
					line.X, line.Y = append(line.X, float64(k+1)), append(line.Y, v)
				}
				steps.Series = append(steps.Series, line)
			}
		}
		if len(all) == 2 {
			difference := ""
			if all[0][id].ID != "" && all[1][id].ID != "" {
				difference = fmt.Sprintf("%.6g", all[1][id].Score-all[0][id].Score)
			}
			row = append(row, difference)
		}
		table.Rows = append(table.Rows, row)
	}
	section.Tables = append(section.Tables, table)
	if len(steps.Series) == 0 {
		return nil
	}
	f, err := report.Curves("steps", "The model's output, step by step", steps)
	if err == nil {
		section.Figures = append(section.Figures, f)
	}
	return err
}
