package scenario_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"detgen/record"
	"detgen/scenario"
)

// one opens a catalogue of scenarios given by their text; every script is tasks/t.sh.
func one(t *testing.T, texts map[string]string) *scenario.Catalogue {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range texts {
		files["scenarios/"+name+"/scenario.yaml"] = &fstest.MapFile{Data: []byte("scenario: " + name + "\ntitle: T\nclass: benign\n" + text)}
		files["scenarios/"+name+"/tasks/t.sh"] = &fstest.MapFile{Data: []byte("outcome x=1\n")}
	}
	c, err := scenario.Open(scenario.Source{Name: "test", FS: files})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const peers = `
parameters:
  peers: {type: int, default: 3, min: 1, max: 8}
hosts:
  peer:
    image: base
    count: "{{.params.peers}}"
    files:
      - path: /etc/peers
        text: '{{range hosts "peer"}}{{.name}}={{.address}} {{end}}self={{.self.index}}'
      - {path: "/data/{{.self.name}}-{{.i}}", repeat: 2, generate: {kind: bytes, size: 1kB}}
    services:
      - {name: sync, command: [sync], ready: {exit: true}}
  hub:
    image: base
    services:
      - {name: hub, command: [hub], after: [peer/sync], ready: {log: up}}
tasks:
  t:
    title: T
    scripts: {peer: tasks/t.sh, hub: tasks/t.sh}
    expect: {x: 1}
    set: {link.peer-2.up.delay: 7ms}
  first: {title: T, scripts: {peer-1: tasks/t.sh}, expect: {x: 1}}
`

func TestGroupsOfHosts(t *testing.T) {
	c := one(t, map[string]string{"peers": peers})
	run := resolve(t, c, "peers/t", 1, "link.peer.down.delay=3ms")
	if got := hostNames(run); got != "peer-1 peer-2 peer-3 hub" {
		t.Fatalf("hosts %s", got)
	}
	if n := len(run.Activities[0].Scripts); n != 4 {
		t.Errorf("%d scripts, want one a host", n)
	}
	env := run.Activities[0].Scripts[1].Environment
	if env["HOST"] != "peer-2" || env["INDEX"] != "2" || env["PEER_COUNT"] != "3" || env["PEER_3_ADDRESS"] == "" {
		t.Errorf("environment of the second peer: %v", env)
	}
	if got := run.Hosts[3].Services[0].After; !slices.Equal(got, []string{"peer-1/sync", "peer-2/sync", "peer-3/sync"}) {
		t.Errorf("the hub waits for %v", got)
	}
	if up := run.Hosts[1].Interfaces[0].Up.Delay; up.String() != "7ms" {
		t.Errorf("delay of the second peer %s, want the task's 7ms", up)
	}
	if up := run.Hosts[0].Interfaces[0].Up.Delay; up != 0 {
		t.Errorf("delay of the first peer %s, want 0", up)
	}
	if down := run.Hosts[2].Interfaces[0].Down.Delay; down.String() != "3ms" {
		t.Errorf("delay towards the third peer %s, want the group's 3ms", down)
	}
	files := run.Hosts[0].Files
	if !strings.Contains(files[0].Text, "peer-3="+run.Hosts[2].Interfaces[0].Address.Addr().String()) || !strings.HasSuffix(files[0].Text, "self=1") {
		t.Errorf("file %q", files[0].Text)
	}
	if len(files) != 3 || files[2].Path != "/data/peer-1-2" || files[1].Generate.Seed == files[2].Generate.Seed {
		t.Errorf("repeated files %+v", files[1:])
	}
	if run = resolve(t, c, "peers/first", 1, "params.peers=2"); len(run.Hosts) != 3 || len(run.Activities[0].Scripts) != 1 {
		t.Errorf("%s, %d scripts", hostNames(run), len(run.Activities[0].Scripts))
	}
}

const routed = `
networks: [left, middle, right]
hosts:
  a: {image: base, networks: [left]}
  r1: {image: base, networks: [left, middle], forward: true}
  r2: {image: base, networks: [middle, right], forward: true}
  b: {image: base, networks: [right]}
  outside: {image: base, networks: [middle]}
tasks:
  t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: 1}}
set: {link.r1.middle.both.delay: 40ms}
`

func TestRoutesThroughRouters(t *testing.T) {
	run := resolve(t, one(t, map[string]string{"routed": routed}), "routed/t", 1)
	hosts := map[string]record.Host{}
	for _, h := range run.Hosts {
		hosts[h.Name] = h
	}
	prefixes := map[string]netip.Prefix{}
	for _, n := range run.Networks {
		prefixes[n.Name] = n.Prefix
	}
	address := func(host string, i int) netip.Addr { return hosts[host].Interfaces[i].Address.Addr() }
	for host, want := range map[string]map[string]netip.Addr{
		"a":       {"middle": address("r1", 0), "right": address("r1", 0)},
		"r1":      {"right": address("r2", 0)},
		"r2":      {"left": address("r1", 1)},
		"b":       {"middle": address("r2", 1), "left": address("r2", 1)},
		"outside": {"left": address("r1", 1), "right": address("r2", 0)},
	} {
		got := map[netip.Prefix]netip.Addr{}
		for _, r := range hosts[host].Routes {
			got[r.Destination] = r.Via
		}
		if len(got) != len(want) {
			t.Errorf("%s has routes %v", host, hosts[host].Routes)
		}
		for network, via := range want {
			if got[prefixes[network]] != via {
				t.Errorf("%s reaches %s through %s, want %s", host, network, got[prefixes[network]], via)
			}
		}
	}
	if r1 := hosts["r1"].Interfaces; r1[0].Up.Delay != 0 || r1[1].Up.Delay.String() != "40ms" || r1[1].Network != "middle" {
		t.Errorf("links of r1: %+v", r1)
	}
	if env := run.Activities[0].Scripts[0].Environment; env["R1_MIDDLE_ADDRESS"] != address("r1", 1).String() {
		t.Errorf("R1_MIDDLE_ADDRESS is %q", env["R1_MIDDLE_ADDRESS"])
	}
}

func TestExtendedScenario(t *testing.T) {
	c := one(t, map[string]string{
		"base": `
parameters: {mode: {type: choice, values: [a, b], default: a}, size: {type: bytes, default: 1kB}}
hosts:
  server: {image: base, files: [{path: /mode, text: "{{.params.mode}}"}]}
  client: {image: base}
tasks: {t: {title: T, scripts: {client: tasks/t.sh}, expect: {x: 1}}}
`,
		"attack": `
extends: base
family: dos
technique: T1498.001
parameters: {size: {type: bytes, default: 2kB}}
hosts: {attacker: {image: base}}
tasks: {flood: {title: T, hosts: [server, attacker], scripts: {attacker: tasks/t.sh}, expect: {x: 1}}}
failures: {calm: {title: T, class: benign, expect: {x: 0}}}
`})
	run := resolve(t, c, "attack/flood", 1, "params.mode=b")
	if got := hostNames(run); got != "server attacker" {
		t.Errorf("hosts %s", got)
	}
	if got := run.Hosts[0].Files[0].Text; got != "b" {
		t.Errorf("file %q of the extended scenario, want b", got)
	}
	if got := run.Activities[0].Scripts[0].Environment["SIZE"]; got != "2000" {
		t.Errorf("size %s, want the one declared anew", got)
	}
	if got := run.Activities[0].Labels; got != (record.Labels{Class: "benign", Family: "dos", Technique: "T1498.001"}) {
		t.Errorf("labels %+v", got)
	}
	if _, err := c.Scenario("attack"); err != nil {
		t.Error(err)
	}
	if s, _ := c.Scenario("attack"); slices.Contains(namesOfTasks(s), "t") {
		t.Error("tasks of the extended scenario are taken over")
	}
}

func namesOfTasks(s *scenario.Scenario) []string {
	var names []string
	for _, t := range s.About().Tasks {
		names = append(names, t.Name)
	}
	return names
}

func TestExtendingInACircle(t *testing.T) {
	const tail = "\nhosts: {a: {image: base}}\ntasks: {t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: 1}}}\n"
	c := one(t, map[string]string{"x": "extends: y" + tail, "y": "extends: x" + tail})
	_, err := c.Scenario("x")
	wantError(t, err, "extends", "circle", "x -> y -> x")
}

const material = `
parameters:
  user: {type: string, law: name()}
  password: {type: string, law: alnum(exp(14)+2)}
  rows: {type: int, default: 50}
make:
  ca: {authority: {}}
  cert: {certificate: {authority: ca, names: ["{{.hosts.server.name}}.test", "{{.hosts.server.address}}"]}}
  key: {ssh_key: {type: ecdsa}}
  tries: {table: {rows: "{{.params.rows}}", columns: {password: {type: string, law: letters(2), unique: true, put: {"7": "{{.params.password}}"}}}}}
  pages: {site: {pages: 5, objects: "uniform(1, 3)", page_size: 3kB, object_size: "halfcauchy(5kB, max=50kB)"}}
hosts:
  server:
    image: base
    users: [{name: "{{.params.user}}", password: "{{.params.password}}"}, {name: "u{{.i}}", repeat: 2}]
    files:
      - {path: /cert, text: '{{made "cert" "chain"}}'}
      - {path: /key, base64: '{{made "key" "dropbear"}}', mode: "0600", owner: nobody}
      - {path: /tries, text: '{{made "tries" "text"}}'}
      - {path: /passwd, text: '{{htpasswd .params.user .params.password}}'}
      - {path: /srv, tree: pages}
      - {path: /never, text: x, when: eq .params.rows 1}
      - {path: /known, text: '{{.hosts.server.address}} {{made "key" "blob"}}'}
tasks:
  t: {title: T, scripts: {server: tasks/t.sh}, expect: {x: '{{sha256 "server" "/srv/index.html"}}', y: '{{size "server" "/srv/index.html"}}'}}
`

func TestMadeThings(t *testing.T) {
	run := resolve(t, one(t, map[string]string{"material": material}), "material/t", 1)
	server := run.Hosts[0]
	files := map[string]record.File{}
	for _, f := range server.Files {
		files[f.Path] = f
	}
	if n := strings.Count(files["/cert"].Text, "BEGIN CERTIFICATE"); n != 2 {
		t.Errorf("chain of %d certificates, want 2", n)
	}
	if f := files["/key"]; f.Base64 == "" || f.Mode != 0o600 || f.Owner != "nobody" {
		t.Errorf("key file %+v", f)
	}
	tries := strings.Split(strings.TrimSpace(files["/tries"].Text), "\n")
	password := run.Activities[0].Scripts[0].Environment["PASSWORD"]
	if len(tries) != 50 || tries[6] != password {
		t.Errorf("%d tries, the seventh %q, want 50 with %q", len(tries), tries[6], password)
	}
	slices.Sort(tries)
	if len(slices.Compact(tries)) != 50 {
		t.Error("a password occurs twice")
	}
	if _, there := files["/never"]; there {
		t.Error("a file is there although its condition does not hold")
	}
	objects := 0
	for path, f := range files {
		if f.Generate != nil && strings.HasPrefix(path, "/srv/") {
			objects++
		}
	}
	if objects < 5 || objects > 15 || files["/srv/pages/5.html"].Text == "" {
		t.Errorf("site with %d objects", objects)
	}
	if expect := run.Activities[0].Expect; len(expect["x"]) != 64 || expect["y"] != "3000" {
		t.Errorf("digest %q and size %q of a file", expect["x"], expect["y"])
	}
	if len(server.Users) != 3 || !strings.HasPrefix(server.Users[0].Password, "$6$") || server.Users[2].UID != 1002 || server.Users[2].Password != "" || server.Users[1].Home != "/home/u1" {
		t.Errorf("users %+v", server.Users)
	}
}

func TestEveryValueHasAStreamOfItsOwn(t *testing.T) {
	const tasks = "hosts: {a: {image: base}}\ntasks: {t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: 1}}}\n"
	before := one(t, map[string]string{"s": "parameters: {size: {type: bytes, law: exp(5kB)}}\n" + tasks})
	after := one(t, map[string]string{"s": "parameters: {first: {type: string, law: name()}, size: {type: bytes, law: exp(5kB)}}\n" +
		strings.Replace(tasks, "{a: {", "{new: {image: base}, a: {", 1)})
	old, young := resolve(t, before, "s/t", 3), resolve(t, after, "s/t", 3)
	if valueOf(old, "params.size") != valueOf(young, "params.size") {
		t.Error("a new parameter moves another one's value")
	}
	if old.Hosts[0].Interfaces[0].MAC != young.Hosts[1].Interfaces[0].MAC || old.Networks[0].Prefix != young.Networks[0].Prefix {
		t.Error("a new host moves another one's addresses")
	}
	if other := resolve(t, before, "s/t", 4); valueOf(old, "params.size") == valueOf(other, "params.size") || old.Networks[0] == other.Networks[0] {
		t.Error("another seed gives the same values")
	}
}

func TestAddresses(t *testing.T) {
	c := one(t, map[string]string{"routed": routed})
	private := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}
	blocks := map[netip.Prefix]int{}
	for seed := range uint64(60) {
		run := resolve(t, c, "routed/t", seed)
		for _, n := range run.Networks {
			i := slices.IndexFunc(private, func(p netip.Prefix) bool { return p.Overlaps(n.Prefix) })
			if i < 0 || n.Prefix.Bits() != 24 || n.Prefix != n.Prefix.Masked() {
				t.Fatalf("network %v", n)
			}
			blocks[private[i]]++
		}
		for _, h := range run.Hosts {
			for _, card := range h.Interfaces {
				last := card.Address.Addr().As4()[3]
				if last < 2 || last == 255 || !strings.ContainsAny(card.MAC[1:2], "26ae") {
					t.Fatalf("interface %+v", card)
				}
			}
		}
	}
	if len(blocks) != 3 {
		t.Errorf("blocks %v, want all three", blocks)
	}
	first, second := resolve(t, c, "routed/t", 1, "addresses=fixed"), resolve(t, c, "routed/t", 2, "addresses=fixed")
	for i := range first.Hosts {
		for j, card := range first.Hosts[i].Interfaces {
			if other := second.Hosts[i].Interfaces[j]; card.Address != other.Address || card.MAC != other.MAC {
				t.Errorf("fixed addresses differ: %v and %v", card, other)
			}
		}
	}
}

func TestLaterLayersAndNarrowerKeysCount(t *testing.T) {
	c := folder(t, "networks: [lan, wan]", "networks: [lan, wan]\nset: {link.all.both.delay: 1ms, link.client.both.delay: 2ms}",
		"    phases: [connect, transfer]", "    phases: [connect, transfer]\n    set: {link.server.up.delay: 3ms}",
		"    set: {params.mode: slow}", "    set: {params.mode: slow, link.client.both.delay: 9ms}")
	delays := func(settings ...string) string {
		spec := &scenario.Spec{Task: "sound/get"}
		for _, text := range settings {
			s, err := scenario.ParseSetting(text)
			if err != nil {
				t.Fatal(err)
			}
			spec.Set = append(spec.Set, s)
		}
		run, err := c.Resolve(spec, 1, images)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, h := range run.Hosts[:2] {
			out = append(out, h.Interfaces[0].Up.Delay.String()+"/"+h.Interfaces[0].Down.Delay.String())
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		settings []string
		want     string // server up/down, client up/down
	}{
		{nil, "3ms/1ms 2ms/2ms"},
		{[]string{"link.all.both.delay=5ms"}, "5ms/5ms 5ms/5ms"},
		{[]string{"link.client.up.delay=6ms", "link.all.both.delay=5ms"}, "5ms/5ms 6ms/5ms"},
		{[]string{"link.all.both.delay=5ms", "failure=refused"}, "5ms/5ms 9ms/9ms"},
	} {
		if got := delays(c.settings...); got != c.want {
			t.Errorf("%v: %s, want %s", c.settings, got, c.want)
		}
	}
}

func TestLinkSettings(t *testing.T) {
	run := resolve(t, open(t), "ping/echo", 1,
		"link.client.up.loss_model=gemodel(1%, 10%, 70%, 0.1%)", "link.client.down.loss_model=state(1%)", "link.target.up.rate=10mbit",
		"link.target.down.delay=10ms", "link.target.down.schedule=5s: loss=5% delay=100ms; 10s: loss=0%", "link.target.down.drop=frame:3,conn:any/syn-ack",
		"transport.target.ephemeral_ports=1024-65535", "transport.mtu=1280", "load.client.cpu=3", "target.cpu=0.5")
	client, target := run.Hosts[0], run.Hosts[1]
	if got := client.Interfaces[0].Up.GilbertElliott; *got != (record.GilbertElliott{P: 0.01, R: 0.1, OneMinusH: 0.7, OneMinusK: 0.001}) {
		t.Errorf("Gilbert-Elliott %+v", got)
	}
	if got := client.Interfaces[0].Down.FourState; *got != (record.FourState{P13: 0.01, P31: 0.99, P32: 0, P23: 1, P14: 0}) {
		t.Errorf("four states %+v", got)
	}
	down := target.Interfaces[0].Down
	if len(down.Schedule) != 2 || down.Schedule[0].Link.Loss != 0.05 || down.Schedule[1].Link.Loss != 0 || down.Schedule[1].Link.Delay.String() != "100ms" || down.Schedule[1].At.String() != "10s" {
		t.Errorf("schedule %+v", down.Schedule)
	}
	if len(down.Interventions) != 2 || target.Interfaces[0].Up.Rate != 10_000_000 {
		t.Errorf("link %+v", target.Interfaces[0])
	}
	if client.Transport.MTU != 1280 || target.Transport.EphemeralPorts != [2]int{1024, 65535} || client.Transport.EphemeralPorts != [2]int{32768, 60999} {
		t.Errorf("transport %+v and %+v", client.Transport, target.Transport)
	}
	if client.Load.CPU != 3 || target.Load.CPU != 0 || target.CPU != 0.5 {
		t.Errorf("load %+v, CPU %g", client.Load, target.CPU)
	}
}

func TestOneKeyIsOneDraw(t *testing.T) {
	run := resolve(t, open(t), "ping/echo", 1, "link.all.both.delay=~uniform(1ms, 1s)", "link.target.up.delay=~uniform(1ms, 1s)")
	client, target := run.Hosts[0].Interfaces[0], run.Hosts[1].Interfaces[0]
	if client.Up.Delay != client.Down.Delay || client.Up.Delay != target.Down.Delay {
		t.Error("one draw for all links gives different delays")
	}
	if target.Up.Delay == target.Down.Delay {
		t.Error("a key of its own gives the same draw")
	}
	for _, v := range run.Values {
		if v.Name == "link.all.both.delay" && (v.Origin != record.Drawn || v.Law != "uniform(1ms, 1s)" || v.Value != client.Up.Delay.String()) {
			t.Errorf("recorded as %+v", v)
		}
	}
}

func TestATaskCanBeDrawn(t *testing.T) {
	tasks := map[string]bool{}
	for seed := range uint64(20) {
		tasks[resolve(t, open(t), "ping/~", seed).Activities[0].Task] = true
	}
	if !tasks["echo"] || !tasks["name"] {
		t.Errorf("drew %v", tasks)
	}
}

func TestTextFromAFile(t *testing.T) {
	c := one(t, map[string]string{"s": "parameters: {body: {type: text, default: x}}\nhosts: {a: {image: base}}\ntasks: {t: {title: T, scripts: {a: tasks/t.sh}, expect: {x: 1}}}\n"})
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "body"), []byte("two\nlines\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, err := scenario.ReadSpec(filepath.Join(dir, "spec.yaml"), []byte("task: s/t\nset: {params.body: \"@body\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	run, err := c.Resolve(spec, 1, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	if got := run.Activities[0].Scripts[0].Environment["BODY"]; got != "two\nlines\n" {
		t.Errorf("text %q", got)
	}
}

func TestCommandLineOverridesTheSpecFile(t *testing.T) {
	spec, err := scenario.ReadSpec("my.yaml", []byte("task: ping/echo\nset: {params: {count: 2, interval: 1s}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	count, err := scenario.ParseSetting("params.count=9")
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Override(count); err != nil {
		t.Fatal(err)
	}
	run, err := open(t).Resolve(spec, 1, anyImage)
	if err != nil {
		t.Fatal(err)
	}
	if valueOf(run, "params.count") != "9" || valueOf(run, "params.interval") != "1s" {
		t.Errorf("values %+v", run.Values)
	}
	wantError(t, spec.Override(count, count), "-s: params.count", "given twice")
}

func TestMadeThingsOfEachHost(t *testing.T) {
	c := one(t, map[string]string{"s": `
parameters: {peers: {type: int, default: 2}}
make:
  ca: {authority: {}}
  device: {repeat: "{{.params.peers}}", certificate: {authority: ca, names: ["peer-{{.i}}.test"]}}
hosts:
  peer:
    image: base
    count: "{{.params.peers}}"
    files: [{path: /id, text: '{{made (printf "device-%d" .self.index) "fingerprint"}}'}]
tasks: {t: {title: T, scripts: {peer: tasks/t.sh}, expect: {x: 1}}}
failures: {more: {title: T, set: {params.peers: 1}, expect: {x: '{{made "device-2" "cert"}}'}}}
`})
	run := resolve(t, c, "s/t", 1)
	first, second := run.Hosts[0].Files[0].Text, run.Hosts[1].Files[0].Text
	if len(first) != 64 || first == second {
		t.Errorf("fingerprints %q and %q, want two of their own", first, second)
	}
	_, err := c.Resolve(&scenario.Spec{Task: "s/t", Set: scenario.Settings{{Key: "failure", Value: "more"}}}, 1, anyImage)
	wantError(t, err, "there are device-1 to device-1, not device-2")
}

func TestABenignScriptBesideAnAttack(t *testing.T) {
	c := one(t, map[string]string{"s": `
hosts: {server: {image: base}, client: {image: base}, other: {image: base}}
tasks:
  t:
    title: T
    class: attack
    family: dos
    hosts: [server, client]
    scripts: {server: tasks/t.sh, client: {file: tasks/t.sh, class: benign}}
    expect: {x: 1}
failures: {more: {title: T, hosts: [server, client, other], expect: {x: 0}}}
`})
	run := resolve(t, c, "s/t", 1)
	if got := run.Activities[0].Labels; got.Class != "attack" || got.Family != "dos" {
		t.Errorf("labels of the activity %+v", got)
	}
	if s := run.Activities[0].Scripts; s[0].Labels != nil || *s[1].Labels != (record.Labels{Class: "benign"}) {
		t.Errorf("labels of the scripts %+v and %+v", s[0].Labels, s[1].Labels)
	}
	if got := hostNames(resolve(t, c, "s/t", 1, "failure=more")); got != "server client other" {
		t.Errorf("hosts %s, want those of the failure", got)
	}
}

// A run lists which programs play each part, once, however that was decided.
func TestImplementationsAreListed(t *testing.T) {
	c := open(t)
	for setting, want := range map[string]record.Value{
		"params.size=5kB":                      {Name: "server.implementation", Value: "nginx", Origin: record.Default},
		"server.implementation=apache2":        {Name: "server.implementation", Value: "apache2", Origin: record.Given},
		"server.implementation=~choice(caddy)": {Name: "server.implementation", Value: "caddy", Origin: record.Drawn, Law: "choice(caddy)"},
	} {
		var found []record.Value
		for _, v := range resolve(t, c, "web/get", 1, setting).Values {
			if v.Name == want.Name {
				found = append(found, v)
			}
		}
		if len(found) != 1 || found[0] != want {
			t.Errorf("%s: %v, want %v", setting, found, want)
		}
	}
}

// A host's release chooses among the images of its programs, and moves nothing else.
func TestReleasesOfHosts(t *testing.T) {
	c := open(t)
	plain, same := resolve(t, c, "web/get", 1), resolve(t, c, "web/get", 1, "server.release=12")
	for i, h := range resolve(t, c, "web/get", 1, "server.release=13", "server.implementation=nginx").Hosts {
		want := plain.Hosts[i].Image
		if h.Name == "server" {
			want = "nginx@13"
		}
		if h.Image != want || same.Hosts[i].Image != plain.Hosts[i].Image || h.Interfaces[0].MAC != plain.Hosts[i].Interfaces[0].MAC {
			t.Errorf("host %s has image %s, want %s; of the own release %s", h.Name, h.Image, want, same.Hosts[i].Image)
		}
	}
	s, err := scenario.ParseSetting("server.release=10")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Resolve(&scenario.Spec{Task: "web/get", Set: []scenario.Setting{s}}, 1, anyImage); err == nil || !strings.Contains(err.Error(), `server.release: "10": must be one of 11, 12, 13`) {
		t.Errorf("release 10: %v", err)
	}
}

func TestAWayOverHosts(t *testing.T) {
	c := one(t, map[string]string{"s": `
hosts: {server: {image: base}, stone: {image: base, count: 2}, attacker: {image: base}, other: {image: base}}
tasks:
  t:
    title: T
    class: benign
    hosts: [attacker, stone, server]
    scripts: {attacker: tasks/t.sh}
    chain: {way: [attacker, stone, server], relayed: true}
    expect: {x: 1}
`})
	chain := resolve(t, c, "s/t", 1).Activities[0].Chain
	if chain == nil || !chain.Relayed || strings.Join(chain.Way, " ") != "attacker stone-1 stone-2 server" {
		t.Errorf("chain %+v", chain)
	}
}

// Each family has streams of its own: with IPv4 nothing moves, and with both the IPv4 part is the same.
func TestFamilies(t *testing.T) {
	c := one(t, map[string]string{"routed": routed})
	unique := netip.MustParsePrefix("fd00::/8")
	for seed := range uint64(10) {
		plain := resolve(t, c, "routed/t", seed)
		given, six, dual := resolve(t, c, "routed/t", seed, "network.family=ipv4"), resolve(t, c, "routed/t", seed, "network.family=ipv6"), resolve(t, c, "routed/t", seed, "network.family=dual")
		if valueOf(given, "network.family") != "ipv4" || valueOf(plain, "network.family") != "" || !reflect.DeepEqual(plain.Hosts, given.Hosts) || !reflect.DeepEqual(plain.Networks, given.Networks) {
			t.Fatal("asking for the default changes the hosts")
		}
		if plain.Family() != record.IPv4 || six.Family() != record.IPv6 || dual.Family() != record.Dual {
			t.Fatalf("families %s, %s, %s", plain.Family(), six.Family(), dual.Family())
		}
		taken := map[netip.Prefix]bool{}
		for i, n := range six.Networks {
			if n.Prefix.Bits() != 64 || n.Prefix != n.Prefix.Masked() || !unique.Contains(n.Prefix.Addr()) || n.Prefix6.IsValid() || taken[n.Prefix] {
				t.Fatalf("network %v", n)
			}
			taken[n.Prefix] = true
			if site := netip.PrefixFrom(six.Networks[0].Prefix.Addr(), 48); !site.Masked().Contains(n.Prefix.Addr()) {
				t.Errorf("network %v is not of the site %v", n, site)
			}
			if d := dual.Networks[i]; d.Prefix != plain.Networks[i].Prefix || d.Prefix6 != n.Prefix {
				t.Errorf("of both families: %v; alone %v and %v", d, plain.Networks[i], n)
			}
		}
		for i, h := range six.Hosts {
			if !h.Transport.IPv6 || !dual.Hosts[i].Transport.IPv6 || plain.Hosts[i].Transport.IPv6 {
				t.Errorf("transport.ipv6 of %s", h.Name)
			}
			for j, card := range h.Interfaces {
				old, both := plain.Hosts[i].Interfaces[j], dual.Hosts[i].Interfaces[j]
				if card.MAC != old.MAC || both.MAC != old.MAC || both.Address != old.Address || both.Address6 != card.Address || card.Address6.IsValid() || taken[card.Address] {
					t.Errorf("interfaces %+v, %+v and %+v", old, card, both)
				}
				taken[card.Address] = true
			}
			if len(dual.Hosts[i].Routes) != len(plain.Hosts[i].Routes)+len(h.Routes) {
				t.Errorf("%s has routes %v", h.Name, dual.Hosts[i].Routes)
			}
			for _, r := range h.Routes {
				if r.Destination.Bits() != 64 || !r.Via.Is6() {
					t.Errorf("%s has the route %v", h.Name, r)
				}
			}
		}
		if env := six.Activities[0].Scripts[0].Environment; env["B_URLHOST"] != "["+env["B_ADDRESS"]+"]" || env["NETWORK_FAMILY"] != "ipv6" {
			t.Errorf("environment %v", env)
		}
		if env := dual.Activities[0].Scripts[0].Environment; env["B_URLHOST"] != env["B_ADDRESS"] || env["R1_MIDDLE_ADDRESS6"] == "" {
			t.Errorf("environment %v", env)
		}
	}
	first, second := resolve(t, c, "routed/t", 1, "addresses=fixed", "network.family=ipv6"), resolve(t, c, "routed/t", 2, "addresses=fixed", "network.family=ipv6")
	if a := first.Hosts[1].Interfaces[1]; a.Address.String() != "fd00:0:0:1::a/64" || a.MAC != "02:00:00:01:00:0a" || a.Address != second.Hosts[1].Interfaces[1].Address {
		t.Errorf("fixed %+v", a)
	}
}

const picky = `
hosts:
  server:
    implementations:
      old: {title: Old Server 1.0, image: base, no_family: {ipv6: it asks for IPv4 sockets}}
      new: {image: base}
  client: {image: base}
tasks:
  t: {title: T, scripts: {client: tasks/t.sh}, expect: {x: 1}}
  only: {title: T, hosts: [client], no_family: {ipv6: &why it is about ARP, dual: *why}, scripts: {client: tasks/t.sh}, expect: {x: 1}}
failures:
  f: {title: F, no_family: {dual: one address is enough}, expect: {x: 1}}
`

func TestFamiliesThatCannotBe(t *testing.T) {
	c := one(t, map[string]string{"picky": picky})
	for _, test := range []struct{ task, settings, want string }{
		{"picky/t", "network.family=ipv6", `-s: network.family: "ipv6": is not possible here: Old Server 1.0 (server.implementation=old): it asks for IPv4 sockets; it works with network.family=ipv4 or dual, and ipv6 with server.implementation=new`},
		{"picky/t", "network.family=ipv6 server.implementation=new", ""},
		{"picky/t", "network.family=dual", ""},
		{"picky/t", "network.family=dual failure=f", `-s: network.family: "dual": is not possible here: failure=f: one address is enough; it works with network.family=ipv4 or ipv6`},
		{"picky/only", "network.family=dual", `-s: network.family: "dual": is not possible here: task picky/only: it is about ARP; it works with network.family=ipv4`},
		{"picky/only", "network.family=ipv5", `-s: network.family: "ipv5": must be one of ipv4, ipv6, dual`},
		{"picky/only", "", ""},
		{"picky/t", "network.family=dual transport.mtu=1200", `transport.mtu: "1200": is not possible with network.family=dual: IPv6 needs 1280 bytes or more (RFC 8200)`},
		{"picky/t", "network.family=dual transport.client.ipv6=false", `network.family: "dual": host "client" has transport.ipv6=false: leave that out`},
	} {
		s := &scenario.Spec{Task: test.task}
		for _, text := range strings.Fields(test.settings) {
			setting, err := scenario.ParseSetting(text)
			if err != nil {
				t.Fatal(err)
			}
			s.Set = append(s.Set, setting)
		}
		_, err := c.Resolve(s, 1, anyImage)
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("%s %s:\n%s\nwant\n%s", test.task, test.settings, got, test.want)
		}
	}
}
