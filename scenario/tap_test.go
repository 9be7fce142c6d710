package scenario_test

import (
	"slices"
	"testing"

	"detgen/record"
	"detgen/scenario"
)

const twoNetworks = `
networks: [lan, {name: wan, tap: true}]
hosts:
  a: {image: base}
  b: {image: base, networks: [wan]}
  r: {image: base, networks: [lan, wan], forward: true}
tasks:
  t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: "1"}}
`

// A tap comes from the scenario, from a key for one network, or from one for all; a background activity's own networks get
// what is said for all.
func TestTaps(t *testing.T) {
	c := one(t, map[string]string{"nets": twoNetworks, "other": `
networks: [far]
hosts:
  a: {image: base}
tasks:
  t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: "1"}}
`})
	background := []*scenario.Background{{Task: "other/t"}}
	for _, test := range []struct {
		set  []string
		want []string
	}{
		{nil, []string{"wan"}},
		{[]string{"lan.tap=true"}, []string{"lan", "wan"}},
		{[]string{"network.tap=true"}, []string{"background-1-far", "lan", "wan"}},
		{[]string{"network.tap=true", "lan.tap=false"}, []string{"background-1-far", "wan"}},
		{[]string{"wan.tap=false"}, nil},
	} {
		settings, err := scenario.ParseSettings(test.set...)
		if err != nil {
			t.Fatal(err)
		}
		run, err := c.Resolve(&scenario.Spec{Task: "nets/t", Set: settings, Background: background}, 1, func(string) (string, error) { return "sha256:0", nil })
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, n := range run.Networks {
			if n.Tap {
				got = append(got, n.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: taps of %v, want %v", test.set, got, test.want)
		}
		if i := slices.IndexFunc(run.Values, func(v record.Value) bool { return v.Name == "lan.tap" && v.Origin == record.Given }); (i >= 0) != slices.ContainsFunc(test.set, func(s string) bool { return s[:3] == "lan" }) {
			t.Errorf("%v: values %v", test.set, run.Values)
		}
	}
}
