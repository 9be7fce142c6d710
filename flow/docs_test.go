package flow

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"detgen/internal/docs"
	"detgen/packet"
)

// TestDocs compares docs/flow-features.md with the code: its tables, and its counts of columns.
func TestDocs(t *testing.T) {
	const path = "../docs/flow-features.md"
	docs.Compare(t, path, "columns", documentColumns())
	docs.Compare(t, path, "extra columns", documentExtra())
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed} {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^\\| `%v` .* \\| %d \\|$", mode, len(NewLayout(mode, ToolColumns).Columns())))
		if !row.Match(text) {
			t.Errorf("%s does not say that %v has %d columns", path, mode, len(NewLayout(mode, ToolColumns).Columns()))
		}
	}
}

// documentColumns gives a table of CICFlowMeter's columns.
func documentColumns() string {
	var b strings.Builder
	b.WriteString("| # | `tool` in `cic2021`, `cic-fixed` | `tool` in `cic2017` | `cicids2017`, `ml`, and `tool` in `default` | unit | formula | differences |\n|---|---|---|---|---|---|---|\n")
	line := func(number, name, short, cicids, unit, formula, differs string) {
		if short == name {
			short = "="
		}
		if cicids == name {
			cicids = "="
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", number, name, short, cicids, unit, formula, differs)
	}
	for i, c := range identity {
		line(fmt.Sprint(i+1), c.name, c.name, c.cicids, "", c.doc, "")
	}
	for i := range features {
		info := &featureInfos[i]
		switch {
		case info.column != 0:
			line(fmt.Sprint(info.column), info.name, info.short, info.cicids, info.unit, info.formula, info.differs)
		case feature(i) <= connectionTime:
			cicids := info.cicids
			if cicids == "" {
				cicids = "–"
			}
			line("", info.name, "–", cicids, info.unit, info.formula, info.differs)
		}
	}
	line("84", "Label", "Label", "Label", "", "a constant", "`cic2017` No Label, else NeedManualLabel; not in `tool` of `default`")
	return b.String()
}

// documentExtra gives a table of what mode Default has besides, in the order of its columns.
func documentExtra() string {
	var b strings.Builder
	b.WriteString("| column | unit | meaning |\n|---|---|---|\n")
	layout := NewLayout(Default, ToolColumns)
	classes := packet.Classes()
	for i, c := range layout.cells {
		column := &layout.columns[i]
		unit := column.Unit
		if unit == "" {
			unit = column.Kind.String()
		}
		switch {
		case c < cell(features) && feature(c) > connectionTime && feature(c) < fwdClasses:
			fmt.Fprintf(&b, "| %s | %s | %s |\n", column.Name, unit, featureInfos[c].formula)
		case c == cell(fwdClasses), c == cell(bwdClasses):
			last := c + cell(len(classes)) - 1
			fmt.Fprintf(&b, "| %s … %s | packets | %s … |\n", column.Name, featureInfos[last].name, featureInfos[c].formula)
		case c == cellCapture, c == cellHandshake, c == cellClosing, c == cellEnd:
			fmt.Fprintf(&b, "| %s | %s | %s |\n", column.Name, unit, column.Doc)
		}
	}
	return b.String()
}
