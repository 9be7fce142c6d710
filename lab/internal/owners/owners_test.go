package owners

import (
	"slices"
	"testing"

	"detgen/record"
)

func TestPrograms(t *testing.T) {
	run := &record.Run{Activities: []record.Activity{
		{Name: "main", Scripts: []record.Script{{Host: "client"}, {Host: "server"}}},
		{Name: "elsewhere", Scripts: []record.Script{{Host: "other"}}},
		{Name: "warmed", Scripts: []record.Script{{Host: "client"}}, Warmup: []record.Script{{Host: "server"}}},
	}}
	server := &record.Host{Name: "server", Services: []record.Service{{Name: "web"}}}
	want := []Program{{Name: Load}, {Name: "web"}, {"main", "main"}, {"warmed", "warmed"}}
	if found := Programs(run, server); !slices.Equal(found, want) {
		t.Errorf("programs %v, want %v", found, want)
	}
}
