package scenario_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"detgen/catalogue"
	"detgen/scenario"
)

// FuzzSpec reads any bytes as a spec file and resolves what it asks of a small scenario: an error or
// a run, but no panic.
func FuzzSpec(f *testing.F) {
	for _, text := range []string{
		"task: sound/get\n", "task: sound/get\nseed: 4\ncount: 3\nset: {params: {size: 1kB}, link.all.both.delay: ~exp(20ms)}\n",
		"task: sound/~\nset: {params.size: ~, failure: refused}\n", "task: sound/get\nset: &a {b: *a}\n",
		"task: sound/get\nbackground:\n  - {task: sound/put, schedule: {at: [1e300s, -1s]}}\n  - {task: sound/get, hosts: {server: own}, set: {params.mode: slow}}\n",
		"task: sound/get\nbackground: [{task: sound/get, schedule: {poisson: {mean: 1us, until: 720h}}}]\n",
		"task: sound/get\nset: {link.all.both.loss_model: 'gemodel(1%, 2%)', link.all.both.schedule: '5s: loss=5%', load.cpu: 999999}\n",
		"task: sound/get\nset: {transport.mtu: 1e-2000000, timeout: 1e-2000000s, epoch: 0, transport.ephemeral_ports: 1-0}\n",
	} {
		f.Add([]byte(text))
	}
	c := folder(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, err := scenario.ReadSpec("my.yaml", data)
		if err != nil {
			return
		}
		if _, err := c.Resolve(spec, 1, images); err != nil && err.Error() == "" {
			t.Error("an error without a word")
		}
	})
}

// FuzzScenario reads any bytes as scenario.yaml: problems, but no panic.
func FuzzScenario(f *testing.F) {
	f.Add([]byte(sound))
	names, err := fs.Glob(catalogue.FS, "scenarios/*/scenario.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(catalogue.FS, name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		files := fstest.MapFS{"scenarios/sound/scenario.yaml": {Data: data}, "scenarios/sound/tasks/get.sh": {Data: []byte("outcome x=1\n")}}
		c, err := scenario.Open(scenario.Source{Name: "own", FS: files})
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Scenario("sound")
		if err != nil {
			return
		}
		for _, task := range s.About().Tasks {
			if _, err := s.AboutTask(task.Name); err != nil {
				t.Error(err)
			}
		}
	})
}
