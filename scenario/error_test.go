package scenario_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"detgen/scenario"
)

// sound is a scenario without mistakes. Tests replace a piece of it.
const sound = `scenario: sound
title: A sound scenario
class: benign
parameters:
  size:
    type: bytes
    default: 10kB
    law: exp(5kB)
    min: 1B
    max: 1GB
  mode: {type: choice, values: [fast, slow], default: fast}
  user: {type: string, law: letters(exp(10)+2)}
  pause: {type: law, of: duration, default: exp(1s)}
networks: [lan, wan]
make:
  ca: {authority: {name: Lab}}
  cert: {certificate: {authority: ca, names: [www.test]}}
hosts:
  server:
    implementations:
      one:
        image: one
        services:
          - name: daemon
            command: [daemon, --user, "{{.params.user}}"]
            ready: {listen: [tcp/80]}
      two: {image: two}
    default: one
    files:
      - path: /etc/daemon.conf
        template: files/daemon.conf
      - path: /etc/cert.pem
        text: |
          {{made "cert" "cert"}}
          {{made "cert" "key"}}
  client:
    image: client
    networks: [wan]
  router:
    image: base
    networks: [lan, wan]
    forward: true
tasks:
  get:
    title: Get
    scripts: {client: tasks/get.sh}
    phases: [connect, transfer]
    expect: {status: "200"}
  put:
    title: Put
    hosts: [server, client, router]
    scripts: {client: tasks/get.sh}
    expect: {status: ">=200"}
failures:
  refused:
    title: Refused
    tasks: [get]
    without: [server/daemon]
    set: {params.mode: slow}
    expect: {status: "000"}
caching:
  warm:
    title: Warm
    warmup: {client: tasks/get.sh}
`

const daemonConf = `# configuration
size {{.params.size}}
user {{.params.user}}
`

// folder is a catalogue with one scenario, its text changed by old and new pairs.
func folder(t testing.TB, replacements ...string) *scenario.Catalogue {
	t.Helper()
	files := map[string]string{
		"scenarios/sound/scenario.yaml":     sound,
		"scenarios/sound/files/daemon.conf": daemonConf,
		"scenarios/sound/tasks/get.sh":      "outcome status=200\n",
	}
	for i := 0; i < len(replacements); i += 2 {
		found := false
		for name, text := range files {
			if strings.Contains(text, replacements[i]) {
				files[name], found = strings.Replace(text, replacements[i], replacements[i+1], 1), true
			}
		}
		if !found {
			t.Fatalf("nothing to replace: %q", replacements[i])
		}
	}
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	c, err := scenario.Open(scenario.Source{Name: "own", FS: fsys})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// lineOf is the line of the sound scenario, with replacements made, that holds a text.
func lineOf(t *testing.T, text string, replacements ...string) int {
	t.Helper()
	all := sound
	for i := 0; i < len(replacements); i += 2 {
		all = strings.Replace(all, replacements[i], replacements[i+1], 1)
	}
	before, _, ok := strings.Cut(all, text)
	if !ok {
		t.Fatalf("no line with %q", text)
	}
	return strings.Count(before, "\n") + 1
}

func images(name string) (string, error) {
	switch name {
	case "one", "two", "client", "base":
		return "sha256:" + name, nil
	}
	return "", errors.New("no such image: known: base, client, one, two")
}

func TestSoundScenario(t *testing.T) {
	c := folder(t)
	for _, settings := range [][]string{nil, {"failure=refused"}, {"caching=warm"}, {"server.implementation=two"}} {
		spec := &scenario.Spec{Task: "sound/get"}
		for _, s := range settings {
			setting, err := scenario.ParseSetting(s)
			if err != nil {
				t.Fatal(err)
			}
			spec.Set = append(spec.Set, setting)
		}
		if _, err := c.Resolve(spec, 1, images); err != nil {
			t.Errorf("%v: %v", settings, err)
		}
	}
}

func TestMistakesInAScenario(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string
		line     string // a text on the line that the message must name; "" for none
		want     []string
	}{
		{"not YAML", "class: benign", "class: [benign", "", []string{"own/scenarios/sound/scenario.yaml:", "not YAML"}},
		{"unknown field", "    default: one", "    defualt: one", "defualt", []string{"hosts.server.defualt", `did you mean "default"?`}},
		{"wrong type", "    forward: true", "    forward: maybe", "maybe", []string{`hosts.router.forward: "maybe"`, "true or false"}},
		{"a list where a mapping belongs", "tasks:\n  get:", "tasks:\n - a\nold:\n  get:", " - a", []string{"tasks", "mapping", "a list"}},
		{"a mapping where a text belongs", "title: A sound scenario", "title: {a: b}", "title", []string{"title", "must be text"}},
		{"duplicate name", "  client:\n    image: client", "  client:\n    image: base\n  client:\n    image: client", "  client:\n    image: client", []string{"hosts.client", "given twice", "first on line"}},
		{"wrong folder", "scenario: sound", "scenario: silence", "silence", []string{`"silence"`, `name of its folder, "sound"`}},
		{"a way over an unknown host", "    phases: [connect, transfer]", "    phases: [connect, transfer]\n    chain: {way: [client, sevrer]}", "sevrer", []string{"tasks.get.chain.way", `did you mean "server"?`}},
		{"a way of one host", "    phases: [connect, transfer]", "    phases: [connect, transfer]\n    chain: {way: [client]}", "way: [client]", []string{"tasks.get.chain.way", "two hosts or more"}},
		{"a way over a host without a part", "    hosts: [server, client, router]", "    hosts: [server, client]\n    chain: {way: [client, router]}", "way: [client, router]", []string{"tasks.put.chain.way", `"router"`, "does not take part"}},
		{"wrong class", "class: benign", "class: evil", "class: evil", []string{"class", `"evil"`, "benign or attack"}},
		{"attack without family", "class: benign", "class: attack", "", []string{"family", "missing"}},
		{"no title", "title: Get", "description: x", "  get:", []string{"tasks.get.title", "missing"}},
		{"unknown type", "type: bytes", "type: byte", "type: byte", []string{"parameters.size.type", `"byte"`, "bytes, duration"}},
		{"unknown unit", "default: 10kB", "default: 10kb", "default: 10kb", []string{"parameters.size.default", `"kb"`, "kB"}},
		{"missing unit", "default: 10kB", "default: 10", "default: 10", []string{"no unit", "10kB"}},
		{"default out of range", "default: 10kB", "default: 2GB", "default: 2GB", []string{"must be from 1B to 1GB"}},
		{"default not a value", "default: fast", "default: faster", "faster", []string{`"faster"`, "fast, slow"}},
		{"bounds crossed", "min: 1B", "min: 2GB", "min: 2GB", []string{"above max"}},
		{"law of nothing", "type: law, of: duration", "type: law", "type: law", []string{"parameters.pause.of", "of a type of values"}},
		{"unknown law", "law: exp(5kB)", "law: expo(5kB)", "law: expo", []string{`"expo"`, `did you mean "exp"`}},
		{"law of another type", "law: exp(5kB)", "law: exp(5ms)", "law: exp(5ms)", []string{`unknown unit "ms"`}},
		{"law with too few arguments", "law: exp(5kB)", "law: normal(5kB)", "law: normal", []string{"takes 2 arguments, not 1"}},
		{"reserved variable", "  mode: {", "  path: {", "  path: {", []string{"parameters.path", "PATH", "another name"}},
		{"bad parameter name", "  mode: {", "  Mode-1: {", "Mode-1", []string{"small letters"}},
		{"unknown network", "    networks: [wan]", "    networks: [wam]", "wam", []string{`"wam"`, `did you mean "wan"?`}},
		{"unknown default implementation", "    default: one", "    default: oen", "oen", []string{"no such implementation", `"one"`}},
		{"image and implementations", "    default: one", "    image: x\n    default: one", "  server:", []string{"either an image or implementations"}},
		{"script that does not exist", "scripts: {client: tasks/get.sh}\n    phases", "scripts: {client: tasks/gte.sh}\n    phases", "gte.sh", []string{"there is no file own/scenarios/sound/tasks/gte.sh", "tasks/get.sh"}},
		{"template file that does not exist", "template: files/daemon.conf", "template: files/x.conf", "files/x.conf", []string{"there is no file", "files/daemon.conf"}},
		{"script of an unknown host", "scripts: {client: tasks/get.sh}\n    phases", "scripts: {clinet: tasks/get.sh}\n    phases", "clinet", []string{`"clinet"`, `did you mean "client"`}},
		{"file with two sources", "template: files/daemon.conf", "template: files/daemon.conf\n        text: x", "- path: /etc/daemon", []string{"exactly one of"}},
		{"file without a source", "        template: files/daemon.conf\n", "", "- path: /etc/daemon", []string{"exactly one of"}},
		{"service never ready", "            ready: {listen: [tcp/80]}\n", "", "- name: daemon", []string{"ready", "missing"}},
		{"twin of a benign task", "title: Get", "title: Get\n    twin: put", "twin: put", []string{"tasks.get.twin", "only an attack has a benign twin"}},
		{"unknown twin", "title: Get", "title: Get\n    class: attack\n    family: x\n    twin: putt", "putt", []string{"tasks.get.twin", `no such task of sound: did you mean "put"`}},
		{"twin that is an attack", "title: Get", "title: Get\n    class: attack\n    family: x\n    twin: get", "twin: get", []string{"is an attack itself"}},
		{"twin in an unknown scenario", "title: Get", "title: Get\n    class: attack\n    family: x\n    twin: sounds/put", "sounds/put", []string{"no such scenario"}},
		{"twin of no attack", "class: benign", "class: benign\ntwin: put", "twin: put", []string{"no attack of this scenario takes it"}},
		{"unknown device", "    default: one", "    devices: [kvm]\n    default: one", "[kvm]", []string{"hosts.server.devices[0]", `"kvm"`, "want one of net/tun"}},
		{"task without expectation", "    expect: {status: \"200\"}\n", "", "  get:", []string{"tasks.get.expect", "missing"}},
		{"failure without expectation", "    expect: {status: \"000\"}\n", "", "  refused:", []string{"failures.refused.expect", "missing"}},
		{"malformed expectation", `expect: {status: ">=200"}`, `expect: {status: ">=many"}`, ">=many", []string{"tasks.put.expect.status", "number"}},
		{"failure of an unknown task", "tasks: [get]", "tasks: [got]", "[got]", []string{`"got"`, `did you mean "get"`}},
		{"failure without an unknown service", "without: [server/daemon]", "without: [server/demon]", "demon", []string{`"server" has no such service`, `"daemon"`}},
		{"setting with an unknown key", "set: {params.mode: slow}", "set: {params.mood: slow}", "mood", []string{"failures.refused.set.params.mood", `did you mean "mode"`}},
		{"setting with a wrong value", "set: {params.mode: slow}", "set: {params.mode: slower}", "slower", []string{"fast, slow"}},
		{"made of no kind", "ca: {authority: {name: Lab}}", "ca: {}", "  ca:", []string{"make.ca", "exactly one kind"}},
		{"template syntax", `"{{.params.user}}"`, `"{{.params.user}"`, "daemon, --user", []string{"template"}},
		{"template function", `"{{.params.user}}"`, `"{{shout .params.user}}"`, "shout", []string{"template", "shout"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := folder(t, c.old, c.new).Scenario("sound")
			wantError(t, err, c.want...)
			if c.line != "" {
				wantError(t, err, "own/scenarios/sound/scenario.yaml:"+strconv.Itoa(lineOf(t, c.line, c.old, c.new))+": ")
			}
		})
	}
}

func TestMistakesFoundWhenResolving(t *testing.T) {
	for _, c := range []struct {
		name         string
		task         string
		settings     []string
		replacements []string
		want         []string
	}{
		{"no task", "sound", nil, nil, []string{"names no task", "get, put"}},
		{"unknown scenario", "sond/get", nil, nil, []string{`did you mean "sound"?`}},
		{"unknown task", "sound/gte", nil, nil, []string{`no task "gte"`, `did you mean "get"?`}},
		{"unknown key", "sound/get", []string{"parms.size=1kB"}, nil, []string{"-s: parms.size", `did you mean "params.size"?`}},
		{"parameter without params", "sound/get", []string{"size=1kB"}, nil, []string{`did you mean "params.size"?`}},
		{"unknown parameter", "sound/get", []string{"params.sise=1kB"}, nil, []string{`no parameter "sise"`, `"size"`}},
		{"unknown unit", "sound/get", []string{"params.size=1kb"}, nil, []string{`-s: params.size: "1kb"`, "kB"}},
		{"out of range", "sound/get", []string{"params.size=2GB"}, nil, []string{"must be from 1B to 1GB"}},
		{"not a value", "sound/get", []string{"params.mode=fats"}, nil, []string{"must be one of fast, slow"}},
		{"unknown law", "sound/get", []string{"params.size=~cauchi(1kB)"}, nil, []string{`unknown law "cauchi"`}},
		{"not a law", "sound/get", []string{"params.size=~5kB"}, nil, []string{"must be a law like"}},
		{"law of another unit", "sound/get", []string{"params.pause=exp(1kB)"}, nil, []string{`params.pause: "exp(1kB)"`, `unknown unit "kB"`}},
		{"neither law nor value", "sound/get", []string{"params.pause=long"}, nil, []string{"a time like", "like exp(100ms)"}},
		{"law outside the bounds", "sound/get", []string{"params.size=~uniform(2GB, 3GB)"}, nil, []string{"no value between its bounds"}},
		{"no law", "sound/get", []string{"transport.congestion=~"}, nil, []string{"has no law", "give one"}},
		{"unknown host of a link", "sound/get", []string{"link.cleint.up.delay=1ms"}, nil, []string{`no such host "cleint"`, `"client"`}},
		{"unknown direction", "sound/get", []string{"link.client.upwards.delay=1ms"}, nil, []string{`no such direction "upwards"`, "up (from the host), down"}},
		{"unknown setting of a link", "sound/get", []string{"link.client.up.dely=1ms"}, nil, []string{`"dely"`, `did you mean "delay"?`}},
		{"unknown network of a link", "sound/get", []string{"link.router.lam.up.delay=1ms"}, nil, []string{`no such network "lam"`, `"lan"`}},
		{"a tap on a network that is not there", "sound/get", []string{"lam.tap=true"}, nil, []string{`no such network "lam"`, `"lan"`}},
		{"a tap that is neither on nor off", "sound/get", []string{"lan.tap=maybe"}, nil, []string{"lan.tap", "true or false"}},
		{"unknown setting of networks", "sound/get", []string{"network.tab=true"}, nil, []string{`did you mean "tap"?`}},
		{"a network that the host is not on", "sound/get", []string{"link.client.lan.up.delay=1ms"}, nil, []string{"concerns no interface"}},
		{"loss without a unit", "sound/get", []string{"link.all.both.loss=1"}, nil, []string{"no unit", "1%"}},
		{"loss above all", "sound/get", []string{"link.all.both.loss=101%"}, nil, []string{"from 0 to 100%"}},
		{"negative delay", "sound/get", []string{"link.all.both.delay=-5ms"}, nil, []string{"from 0 to 10min"}},
		{"unknown loss model", "sound/get", []string{"link.all.both.loss_model=gilbert(1%)"}, nil, []string{"gemodel or state"}},
		{"loss twice", "sound/get", []string{"link.all.both.loss_model=gemodel(1%)", "link.all.both.loss=1%"}, nil, []string{"both loss and loss_model"}},
		{"reordering without a delay", "sound/get", []string{"link.all.both.reorder=1%"}, nil, []string{"reorder without a delay"}},
		{"gap without reordering", "sound/get", []string{"link.all.both.reorder_gap=5"}, nil, []string{"reorder_gap without reorder"}},
		{"wrong schedule", "sound/get", []string{"link.all.both.schedule=5s loss=1%"}, nil, []string{"TIME: KEY=VALUE"}},
		{"schedule that goes back", "sound/get", []string{"link.all.both.schedule=5s: loss=1%; 4s: loss=0%"}, nil, []string{"times must rise"}},
		{"wrong intervention", "sound/get", []string{"link.all.both.drop=datas:5"}, nil, []string{"datas"}},
		{"unknown transport", "sound/get", []string{"transport.mut=1400"}, nil, []string{`"mut"`, `did you mean "mtu"?`}},
		{"MTU too small", "sound/get", []string{"transport.mtu=100"}, nil, []string{"from 576 to 65535"}},
		{"ports crossed", "sound/get", []string{"transport.ephemeral_ports=2000-1000"}, nil, []string{"two ports"}},
		{"unknown load", "sound/get", []string{"load.disk=1"}, nil, []string{`"disk"`, "cpu, memory"}},
		{"unknown implementation", "sound/get", []string{"server.implementation=three"}, nil, []string{"one, two"}},
		{"no choice of implementations", "sound/get", []string{"client.implementation=one"}, nil, []string{"no choice"}},
		{"failure not offered", "sound/put", []string{"failure=refused"}, nil, []string{`failure: "refused"`, "none"}},
		{"what a failure sets", "sound/get", []string{"failure=refused", "params.mode=fast"}, nil, []string{"params.mode", "set by failure=refused"}},
		{"wrong epoch", "sound/get", []string{"epoch=yesterday"}, nil, []string{"2026-03-01T12:00:00Z"}},
		{"image that nobody defines", "sound/get", nil, []string{"image: client", "image: clint"}, []string{"scenario.yaml:37: hosts.client.image", `"clint"`, "no such image"}},
		{"missing name in a template file", "sound/get", nil, []string{"size {{.params.size}}", "size {{.params.sise}}"}, []string{"own/scenarios/sound/files/daemon.conf:2: ", ".params.sise", `did you mean "size"?`}},
		{"missing part of a host", "sound/get", nil, []string{"size {{.params.size}}", "size {{.hosts.server.addres}}"}, []string{"daemon.conf:2: ", `did you mean "address"?`}},
		{"missing host", "sound/get", nil, []string{"size {{.params.size}}", "size {{.hosts.serve.address}}"}, []string{"daemon.conf:2: ", `did you mean "server"?`}},
		{"number outside a repetition", "sound/get", nil, []string{"size {{.params.size}}", "size {{.i}}"}, []string{"daemon.conf:2: ", "known: caching, failure"}},
		{"missing name in a block", "sound/get", nil, []string{`{{made "cert" "key"}}`, `{{made "cert" "keys"}}`}, []string{"scenario.yaml:35: hosts.server.files[1].text", `no part "keys"`}},
		{"unknown made thing", "sound/get", nil, []string{`{{made "cert" "key"}}`, `{{made "crt" "key"}}`}, []string{`"crt"`, `did you mean "cert"?`}},
		{"certificate of no authority", "sound/get", nil, []string{"{authority: ca, names", "{authority: cu, names"}, []string{"make.cert.certificate.authority", `"cu"`}},
		{"port that is none", "sound/get", nil, []string{"listen: [tcp/80]", "listen: [http]"}, []string{"ready.listen", `"http"`, "tcp/PORT"}},
		{"services in a circle", "sound/get", nil, []string{"ready: {listen: [tcp/80]}", "ready: {listen: [tcp/80]}\n            after: [server/daemon]"}, []string{"circle", "server/daemon after server/daemon"}},
		{"service after an unknown host", "sound/get", nil, []string{"ready: {listen: [tcp/80]}", "ready: {listen: [tcp/80]}\n            after: [serve/daemon]"}, []string{`no such host "serve"`}},
		{"relative path", "sound/get", nil, []string{"path: /etc/cert.pem", "path: etc/cert.pem"}, []string{"absolute path"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := &scenario.Spec{Task: c.task}
			for _, s := range c.settings {
				setting, err := scenario.ParseSetting(s)
				if err != nil {
					t.Fatal(err)
				}
				spec.Set = append(spec.Set, setting)
			}
			_, err := folder(t, c.replacements...).Resolve(spec, 1, images)
			wantError(t, err, c.want...)
		})
	}
}

func TestMistakesInASpecFile(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"unknown field", "task: sound/get\nsead: 4\n", []string{"my.yaml:2: sead", `did you mean "seed"?`}},
		{"wrong seed", "task: sound/get\nseed: x\n", []string{"my.yaml:2: seed", "whole number"}},
		{"wrong engine", "task: sound/get\nengine: fast\n", []string{"engine", "live or exact or vm"}},
		{"key twice", "task: sound/get\nset:\n  params.size: 1kB\n  params: {size: 2kB}\n", []string{"my.yaml:4: ", "params.size", "given twice (first on line 3)"}},
		{"wrong value", "task: sound/get\nset:\n  params:\n    size: big\n", []string{`my.yaml:4: params.size: "big"`, "a size like"}},
		{"unknown key", "task: sound/get\nset: {link.all.both.lost: 1%}\n", []string{"my.yaml:2: link.all.both.lost", `did you mean "loss"`}},
		{"unknown task", "seed: 1\ntask: sound/gett\n", []string{"my.yaml:2: task", `did you mean "get"?`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec, err := scenario.ReadSpec("my.yaml", []byte(c.text))
			if err == nil {
				_, err = folder(t).Resolve(spec, 1, images)
			}
			wantError(t, err, c.want...)
		})
	}
}

// Every mistake is shown at once, in the order of the file.
func TestAllMistakesAreShown(t *testing.T) {
	_, err := folder(t, "min: 1B", "min: 1b", "default: fast", "default: faster", "tasks: [get]", "tasks: [gut]").Scenario("sound")
	wantError(t, err, "scenario.yaml:9:", "scenario.yaml:11:", `"gut"`)
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 3 {
		t.Errorf("%d lines, want 3:\n%v", lines, err)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Error("no error")
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q:\n%v", part, err)
		}
	}
	for _, inner := range []string{"scenario.", "reflect", "yaml.", "map[", "goroutine", "0x"} {
		if strings.Contains(strings.ReplaceAll(err.Error(), "scenario.yaml", ""), inner) {
			t.Errorf("error speaks of the program's inside (%s):\n%v", inner, err)
		}
	}
}
