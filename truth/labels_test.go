package truth

import (
	"slices"
	"testing"

	"detgen/table"
)

func TestEveryTableHasEveryLabel(t *testing.T) {
	for name, columns := range map[string][]table.Column{"packets": PacketColumns(), "connections": ConnectionColumns(), "packets of a run": LabelColumns()} {
		for _, l := range labels {
			if !slices.ContainsFunc(columns, func(c table.Column) bool { return c.Name == l.name && c.Doc == l.doc }) {
				t.Errorf("%s: no column %s", name, l.name)
			}
		}
	}
	for _, l := range labels[1:] {
		if !slices.ContainsFunc(commentColumns, func(c packetColumn) bool { return c.Name == l.name }) {
			t.Errorf("comments of pcapng: no key %s", l.name)
		}
	}
}
