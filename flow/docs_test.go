package flow

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"detgen/internal/docs"
	"detgen/internal/markdown"
	"detgen/packet"
)

// TestDocs compares docs/flow-features.md with the code: its lists, and their counts of columns.
func TestDocs(t *testing.T) {
	const path = "../docs/flow-features.md"
	docs.Compare(t, path, "columns", documentColumns())
	docs.Compare(t, path, "extra columns", documentExtra())
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed, CNS2022} {
		row := regexp.MustCompile(fmt.Sprintf("(?m)^- `%v`, %d columns: ", mode, len(NewLayout(mode, ToolColumns).Columns())))
		if !row.Match(text) {
			t.Errorf("%s does not say that %v has %d columns", path, mode, len(NewLayout(mode, ToolColumns).Columns()))
		}
	}
}

// documentColumns gives a list of CICFlowMeter's columns.
func documentColumns() string {
	var b strings.Builder
	line := func(number, name, short, cicids, unit, formula, differs string) {
		item := "**" + name + "**"
		if about := strings.Trim(number+", "+unit, ", "); about != "" {
			item += " (" + about + ")"
		}
		item += ": " + formula + "."
		for _, other := range []struct{ in, name string }{{"`tool` of `cic2017`", short}, {"CICIDS-17", cicids}} {
			switch other.name {
			case name:
			case "–":
				item += " Not in " + other.in + "."
			default:
				item += " In " + other.in + ": " + other.name + "."
			}
		}
		if differs != "" {
			item += " Differences: " + differs + "."
		}
		b.WriteString(markdown.Item("", item))
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
			line("", info.name, "–", cmp.Or(info.cicids, "–"), info.unit, info.formula, info.differs)
		}
	}
	line("84", "Label", "Label", "Label", "", "a constant", "`cic2017` No Label, else NeedManualLabel; not in `tool` of `default`")
	return b.String()
}

// documentExtra gives a list of what mode Default has besides, in the order of its columns.
func documentExtra() string {
	var b strings.Builder
	layout := NewLayout(Default, ToolColumns)
	classes := packet.Classes()
	for i, c := range layout.cells {
		column := &layout.columns[i]
		name, unit, meaning := column.Name, cmp.Or(column.Unit, column.Kind.String()), column.Doc
		switch {
		case c < cell(features) && feature(c) > connectionTime && feature(c) < fwdClasses:
			meaning = featureInfos[c].formula
		case c == cell(fwdClasses), c == cell(bwdClasses):
			name += " … " + featureInfos[c+cell(len(classes))-1].name
			unit, meaning = "packets", featureInfos[c].formula+" …"
		case c == cellCapture, c == cellHandshake, c == cellClosing, c == cellEnd:
		default:
			continue
		}
		b.WriteString(markdown.Item("", fmt.Sprintf("**%s** (%s): %s", name, unit, meaning)))
	}
	return b.String()
}
