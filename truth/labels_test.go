package truth

import (
	"slices"
	"testing"

	"detgen/record"
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

// A host that several activities share has the programs of each in its labels, not those of the one that brought it.
func TestImplementationIsTheActivitys(t *testing.T) {
	script := func(name string) []record.Script {
		return []record.Script{{Host: "pc-1", Environment: map[string]string{"CLIENT_NAME": "pc-1", "CLIENT_IMPLEMENTATION": name, "SERVER_NAME": "web", "SERVER_IMPLEMENTATION": "nginx"}}}
	}
	truth := &Truth{Record: &record.Record{Run: record.Run{
		Hosts:      []record.Host{{Name: "pc-1", Implementation: "dig"}, {Name: "web", Implementation: "nginx"}},
		Activities: []record.Activity{{Scripts: script("dig")}, {Scripts: script("curl")}, {Scripts: script("")}, {}},
	}}}
	for _, c := range []struct {
		activity   int16
		host, want string
	}{{0, "pc-1", "dig"}, {1, "pc-1", "curl"}, {1, "pc-1", "curl"}, {2, "pc-1", ""}, {3, "pc-1", "dig"}, {-1, "pc-1", "dig"}, {1, "web", "nginx"}, {1, "", ""}} {
		if got := truth.implementation(c.activity, c.host); got != c.want {
			t.Errorf("activity %d, host %q: %q, want %q", c.activity, c.host, got, c.want)
		}
	}
}
