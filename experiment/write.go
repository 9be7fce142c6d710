package experiment

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"detgen/internal/whole"
	"detgen/similarity"
)

// Write writes the result into the experiment's folder: determinism.json, determinism.csv (a row for each configuration,
// engine and measure), pairs.csv (a row for each pair), determinism.md (tables), and figures.
func (d *Determinism) Write(r *Result) error {
	if err := writeResult(d.options.Dir, "determinism", r, r.summaryCSV()); err != nil {
		return err
	}
	if err := whole.WriteFile(filepath.Join(d.options.Dir, "pairs.csv"), r.pairsCSV()); err != nil {
		return err
	}
	return r.writeFigures(d.options.Dir)
}

// writeResult writes a result as JSON, as tables and as CSV.
func writeResult(dir, name string, result interface{ WriteTables(io.Writer) }, rows []byte) error {
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	var tables bytes.Buffer
	result.WriteTables(&tables)
	for extension, content := range map[string][]byte{".json": append(text, '\n'), ".md": tables.Bytes(), ".csv": rows} {
		if err := whole.WriteFile(filepath.Join(dir, name+extension), content); err != nil {
			return err
		}
	}
	return nil
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// csvText gives rows as CSV.
func csvText(rows [][]string) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.WriteAll(rows) // to a buffer, which does not fail
	return b.Bytes()
}

func (r *Result) summaryCSV() []byte {
	rows := [][]string{{"type", "configuration", "engine", "samples", "failed", "distinct", "seconds", "pairs", "identical", "ks_pass",
		"metric", "mean", "min", "q1", "median", "q3", "max", "type_maximum", "normalised_mean"}}
	for _, t := range r.Types {
		for _, c := range t.Configurations {
			for _, e := range c.Engines {
				for _, m := range similarity.Metrics {
					s := e.Pairs.Metrics[m.Name]
					rows = append(rows, []string{t.Name, c.Name, e.Engine, strconv.Itoa(e.Samples), strconv.Itoa(e.Failed), strconv.Itoa(e.Distinct), number(e.Seconds),
						strconv.Itoa(e.Pairs.Pairs), strconv.Itoa(e.Pairs.Identical), strconv.Itoa(e.Pairs.KSPass), m.Name,
						number(s.Mean), number(s.Min), number(s.Q1), number(s.Median), number(s.Q3), number(s.Max), number(t.Maximum[m.Name]), number(e.Normalised[m.Name])})
				}
			}
		}
	}
	return csvText(rows)
}

func (r *Result) pairsCSV() []byte {
	head := []string{"type", "configuration", "engine", "identical", "ks_pass", "size_p", "gap_p"}
	for _, m := range similarity.Metrics {
		head = append(head, m.Name)
	}
	rows := [][]string{head}
	for _, t := range r.Types {
		for _, c := range t.Configurations {
			for _, e := range c.Engines {
				for i := range e.scores {
					s := &e.scores[i]
					row := []string{t.Name, c.Name, e.Engine, strconv.FormatBool(s.Identical), strconv.FormatBool(s.KSPass), number(s.Size.P), number(s.Gap.P)}
					for _, m := range similarity.Metrics {
						row = append(row, number(m.Of(s)))
					}
					rows = append(rows, row)
				}
			}
		}
	}
	return csvText(rows)
}

// table writes a Markdown table.
func table(out io.Writer, head []string, rows [][]string) {
	fmt.Fprintf(out, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		fmt.Fprintf(out, "| %s |\n", strings.Join(row, " | "))
	}
	fmt.Fprintln(out)
}

// percent writes a share in %.
func percent(x float64) string {
	if x == 0 {
		return "0"
	}
	return strconv.FormatFloat(100*x, 'g', 2, 64)
}

// WriteTables writes the tables of the result as Markdown.
func (r *Result) WriteTables(out io.Writer) {
	fmt.Fprintf(out, "Mean dissimilarity of two samples of one configuration, in %% of the type's maximum; pairs with the same bytes; pairs that the Kolmogorov-Smirnov test does not tell apart.\n\n")
	head := []string{"type", "setup"}
	for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
		head = append(head, strings.ToLower(m.Title))
	}
	var rows [][]string
	for _, t := range r.Types {
		for _, e := range t.Engines {
			row := []string{t.Name, e.Engine}
			for _, m := range similarity.Metrics[:similarity.PaperMetrics] {
				row = append(row, percent(e.Normalised[m.Name]))
			}
			rows = append(rows, append(row, fmt.Sprintf("%d of %d", e.Pairs.Identical, e.Pairs.Pairs), fmt.Sprintf("%d of %d", e.Pairs.KSPass, e.Pairs.Pairs)))
		}
		for _, p := range t.Paper {
			row := []string{t.Name, "paper: " + p.Setup}
			for _, x := range p.Means {
				row = append(row, strconv.FormatFloat(x, 'g', 2, 64))
			}
			rows = append(rows, append(row, "", ""))
		}
	}
	table(out, append(head, "same bytes", "KS test passed"), rows)

	fmt.Fprintf(out, "Not normalised: mean (quartiles; maximum) of the paper's measures, mean of the others. \"Across\" are pairs of samples of different configurations.\n\n")
	head = []string{"type", "configuration", "engine", "samples", "failed", "different captures", "seconds a run"}
	rows = nil
	for _, m := range similarity.Metrics {
		head = append(head, strings.ToLower(m.Title))
	}
	for _, t := range r.Types {
		for _, c := range t.Configurations {
			for _, e := range c.Engines {
				row := []string{t.Name, c.Name, e.Engine, strconv.Itoa(e.Samples), strconv.Itoa(e.Failed), strconv.Itoa(e.Distinct), strconv.FormatFloat(e.Seconds, 'f', 1, 64)}
				rows = append(rows, append(row, spreads(&e.Pairs)...))
			}
		}
		rows = append(rows, append([]string{t.Name, "across", "all", "", "", "", ""}, spreads(&t.Across)...))
	}
	table(out, head, rows)
}

// spreads writes the measures of pairs.
func spreads(p *similarity.Pairs) (cells []string) {
	short := func(x float64) string { return strconv.FormatFloat(x, 'g', 2, 64) }
	for i, m := range similarity.Metrics {
		s := p.Metrics[m.Name]
		switch {
		case i >= similarity.PaperMetrics || s.Max == 0:
			cells = append(cells, short(s.Mean))
		default:
			cells = append(cells, fmt.Sprintf("%s (%s, %s, %s; %s)", short(s.Mean), short(s.Q1), short(s.Median), short(s.Q3), short(s.Max)))
		}
	}
	return cells
}
