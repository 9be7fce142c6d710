package spec

import (
	"strings"

	"detgen/scenario/value"
)

// AboutKey describes a key of "-s" for the documentation.
type AboutKey struct {
	Name    string     `json:"name"` // its last part
	Type    value.Type `json:"type"`
	How     string     `json:"how"` // how a value is written
	Default string     `json:"default"`
	Law     string     `json:"law,omitempty"` // for "~"
	Doc     string     `json:"doc"`
}

// Keys describes the keys that every scenario has, by their beginning: "link.HOST.DIRECTION",
// "transport", "load", "network", "HOST", and "" for those without one.
func Keys() map[string][]AboutKey {
	all := map[string][]AboutKey{}
	for prefix, defs := range map[string][]value.Definition{
		"link.HOST.DIRECTION": definitions(linkKeys), "transport": definitions(transportKeys), "load": definitions(loadKeys),
		"": RunKeys, "HOST": {cpuKey, imageKey, releaseKey}, "network": definitions(networkKeys),
	} {
		for _, d := range defs {
			k := AboutKey{Name: d.Name, Type: d.Type, How: d.Type.How(), Default: d.Normal, Doc: d.Doc}
			if d.Min != "" && d.Max != "" {
				k.How += ", from " + d.Min + " to " + d.Max
			}
			if len(d.Values) > 0 {
				k.How = strings.Join(d.Values, ", ")
			}
			if d.Check == nil {
				k.Law, _ = d.LawText()
			}
			all[prefix] = append(all[prefix], k)
		}
	}
	return all
}

func definitions[T any](controls []control[T]) []value.Definition {
	list := make([]value.Definition, len(controls))
	for i, c := range controls {
		list[i] = c.Definition
	}
	return list
}
