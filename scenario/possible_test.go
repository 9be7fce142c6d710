package scenario_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"detgen/record"
	"detgen/scenario"
)

// choosy has a task that not every implementation can do, and a value that not every
// implementation has.
const choosy = `
scenario: choosy
title: Not everything goes together
class: benign
parameters:
  version:
    type: choice
    values: ["1", "2"]
    default: "1"
    needs:
      "2": {when: ne .implementations.client "old", because: old does not know it}
  manner:
    type: choice
    values: [odd]
    needs:
      odd: {when: ne .implementations.client "even", because: even is never odd}
hosts:
  client:
    implementations:
      old: {image: base}
      new: {image: base}
      odd: {image: base}
      even: {image: base}
tasks:
  all: {title: All can, scripts: {client: s.sh}, expect: {x: 1}}
  some: {title: Some can, scripts: {client: s.sh}, expect: {x: 1}, implementations: {client: [odd, new]}}
`

func resolveChoosy(t *testing.T, task string, seed uint64, settings ...string) (*record.Run, error) {
	t.Helper()
	c, err := scenario.Open(scenario.Source{Name: "test", FS: fstest.MapFS{
		"scenarios/choosy/scenario.yaml": {Data: []byte(choosy)},
		"scenarios/choosy/s.sh":          {Data: []byte("outcome x=1\n")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	spec := &scenario.Spec{Task: "choosy/" + task}
	for _, text := range settings {
		s, err := scenario.ParseSetting(text)
		if err != nil {
			t.Fatal(err)
		}
		spec.Set = append(spec.Set, s)
	}
	return c.Resolve(spec, seed, anyImage)
}

func TestTaskOfSomeImplementations(t *testing.T) {
	run, err := resolveChoosy(t, "some", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := run.Hosts[0].Implementation; got != "odd" {
		t.Errorf("implementation %q by default, want the first that can do it, odd", got)
	}
	if run, err = resolveChoosy(t, "some", 1, "client.implementation=new"); err != nil || run.Hosts[0].Implementation != "new" {
		t.Errorf("new: %v", err)
	}
	if _, err = resolveChoosy(t, "some", 1, "client.implementation=old"); err == nil || !strings.Contains(err.Error(), "in this task") {
		t.Errorf("an implementation that cannot do the task: error %v, want one that speaks of the task", err)
	}
	for seed := range uint64(20) {
		run, err := resolveChoosy(t, "some", seed, "client.implementation=~")
		if err != nil || run.Hosts[0].Implementation == "old" {
			t.Fatalf("seed %d draws %q, %v", seed, run.Hosts[0].Implementation, err)
		}
	}
}

func TestValueThatNeedsSomething(t *testing.T) {
	if _, err := resolveChoosy(t, "all", 1, "client.implementation=new", "params.version=2"); err != nil {
		t.Error(err)
	}
	_, err := resolveChoosy(t, "all", 1, "client.implementation=old", "params.version=2")
	if err == nil || !strings.Contains(err.Error(), "old does not know it") {
		t.Errorf("error %v, want one that says what version 2 needs", err)
	}
	_, err = resolveChoosy(t, "all", 1, "client.implementation=even")
	if err == nil || !strings.Contains(err.Error(), "is not possible here: even is never odd") {
		t.Errorf("error %v, want one that says why no value is possible", err)
	}
	drawn := map[string]bool{}
	for seed := range uint64(20) {
		run, err := resolveChoosy(t, "all", seed, "client.implementation=~choice(old, new)", "params.version=~")
		if err != nil {
			t.Fatal(err)
		}
		drawn[run.Hosts[0].Implementation+run.Activities[0].Scripts[0].Environment["VERSION"]] = true
	}
	if drawn["old2"] || !drawn["new2"] {
		t.Errorf("drew %v", drawn)
	}
}
