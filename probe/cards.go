package probe

import (
	"fmt"
	"io"
	"strings"

	"detgen/plot"
)

// Cards are cards of one battery, to be put side by side.
type Cards []*Card

// ReadCards reads the cards of folders that "detgen probe card" wrote.
func ReadCards(dirs []string) (Cards, error) {
	var list Cards
	for _, dir := range dirs {
		c, err := ReadCard(dir)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if !c.like(list[0]) {
			return nil, request("%s was made with another battery, or for tasks with other factors, than %s: their losses cannot be compared", dir, dirs[0])
		}
	}
	return list, nil
}

// Draw draws them into a file, *.svg or *.png.
func (c Cards) Draw(path string) error {
	if err := plot.CheckName(path); err != nil {
		return request("%v", err)
	}
	f, err := DrawCards(c...)
	if err != nil {
		return err
	}
	return f.WriteFile(path)
}

// WriteText prints the mean loss of each factor, a column for each card.
func (c Cards) WriteText(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "loss by factor, battery %d (mean over severities; 0: none, 1: no better than chance)\n\n  %-18s", c[0].Battery, "")
	for _, card := range c {
		fmt.Fprintf(&b, " %20.20s", card.Model.Name)
	}
	fmt.Fprintf(&b, "\n  %-18s", "clean AUC")
	for _, card := range c {
		fmt.Fprintf(&b, " %20.4f", card.Clean.Area.AUC)
	}
	b.WriteByte('\n')
	for i, f := range c[0].Factors {
		fmt.Fprintf(&b, "  %-18s", f.Name)
		for _, card := range c {
			fmt.Fprintf(&b, " %20s", card.Factors[i].lossText())
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "  %-18s", c[0].meanText())
	for _, card := range c {
		fmt.Fprintf(&b, " %+20.3f", card.Mean)
	}
	b.WriteString("\n" + c[0].notMeasured())
	_, err := io.WriteString(out, b.String())
	return err
}
