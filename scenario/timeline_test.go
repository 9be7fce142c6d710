package scenario_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/record"
	"detgen/scenario"
)

// playTimeline resolves a time line of the built-in catalogue.
func playTimeline(t *testing.T, rows string, settings ...scenario.Setting) (*record.Run, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "line.csv")
	if err := os.WriteFile(path, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, err := scenario.ReadSpec("my.yaml", []byte("timeline: "+path+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Override(settings...); err != nil {
		t.Fatal(err)
	}
	return open(t).Resolve(spec, 1, anyImage)
}

func TestTimelineIsOneLab(t *testing.T) {
	run, err := playTimeline(t, `time,task,user,hosts,set
2s,web/get,bob,client=pc-2; server=web,client.image=workstation; params.size=30kB
1.5,web/get,alice,client=pc-1; server=web,client.image=workstation; params.size=30kB
# a comment
5s,web/get,alice,client=pc-1; server=web,client.image=workstation; params.size=30kB
3s,ssh/command,alice,client=pc-1; server=login,
4s,ssh-bruteforce/one-user,mallory,attacker=outside; server=login,
`, scenario.Setting{Key: "link.all.both.delay", Value: "5ms"})
	if err != nil {
		t.Fatal(err)
	}
	if got := hostNames(run); got != "pc-1 web pc-2 login outside" {
		t.Errorf("hosts %s", got)
	}
	var got []string
	for _, a := range run.Activities {
		got = append(got, a.Name+"@"+a.Start.String()+" "+a.User+" "+a.Labels.Class)
	}
	want := "alice-web-get-1@1.5s alice benign, bob-web-get@2s bob benign, alice-ssh-command@3s alice benign, " +
		"mallory-ssh-bruteforce-one-user@4s mallory attack, alice-web-get-2@5s alice benign"
	if strings.Join(got, ", ") != want {
		t.Errorf("activities %s", strings.Join(got, ", "))
	}
	if len(run.Networks) != 1 || run.Networks[0].Name != "lan" {
		t.Errorf("networks %+v", run.Networks)
	}
	for _, h := range run.Hosts {
		if h.Interfaces[0].Up.Delay != record.Duration(5*time.Millisecond) {
			t.Errorf("host %s has no delay: what is set for all hosts is for those of all activities", h.Name)
		}
	}
	a, b := run.Activities[0].Scripts[0].Environment, run.Activities[1].Scripts[0].Environment
	for _, name := range []string{"SERVER_NAME", "SERVER_ADDRESS", "NAME", "DOMAIN", "SIZE"} {
		if a[name] == "" || a[name] != b[name] {
			t.Errorf("%s is %q for alice and %q for bob", name, a[name], b[name])
		}
	}
	if run.Timeout < run.Activities[4].Start {
		t.Errorf("the run's time limit, %s, is before its last activity", run.Timeout)
	}
}

// Two servers of one kind are two hosts with settings of their own.
func TestTimelineWithTwoServers(t *testing.T) {
	run, err := playTimeline(t, `time,task,hosts,set
0s,web/get,client=pc-1; server=web,params.domain=one; params.size=1kB
1s,web/get,client=pc-1; server=intranet,params.domain=two; params.size=1kB
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := hostNames(run); got != "pc-1 web intranet" {
		t.Errorf("hosts %s", got)
	}
	if a, b := run.Hosts[1].Aliases[0], run.Hosts[2].Aliases[0]; a != "www.one.test" || b != "www.two.test" {
		t.Errorf("the servers are %s and %s", a, b)
	}
}

func TestMistakesInATimeline(t *testing.T) {
	for rows, want := range map[string][]string{
		"":                                     {"line.csv", "is empty", "time,task,activity,user,hosts,set"},
		"time,tsk\n":                           {"line.csv:1: tsk", `did you mean "task"?`, "line.csv:1: task: this column is missing"},
		"time,task,time\n":                     {"line.csv:1: time: is there twice"},
		"time,task\n":                          {"line.csv:1", "no activity"},
		"time,task\n1s,web/get\nsoon,web\n":    {`line.csv:3: time: "soon"`, "a time like", `line.csv:3: task: "web": must be SCENARIO/TASK`},
		"time,task\n-1s,web/get\n":             {`line.csv:2: time: "-1s"`},
		"time,task\n1s,web/get,x\n":            {"line.csv:2", "wrong number of fields"},
		"time,task\n1s,\"web/get\n":            {"line.csv", "\""},
		"time,task,user\n1s,web/get,Al ice\n":  {`line.csv:2: user: "Al ice"`, "small letters"},
		"time,task,hosts\n1s,web/get,client\n": {`line.csv:2: hosts: "client": must be PART=HOST`},
		"time,task,hosts\n1s,web/get,client=a;client=b\n":              {"client is given twice"},
		"time,task,hosts\n1s,web/get,client=A\n":                       {`line.csv:2: hosts: "A"`, "small letters"},
		"time,task,hosts\n1s,web/get,clint=a\n":                        {"line.csv:2: hosts", `did you mean "client"?`},
		"time,task,set\n1s,web/get,params.size\n":                      {`line.csv:2: set: "params.size": must be KEY=VALUE`},
		"time,task,set\n1s,web/get,params.sice=1kB\n":                  {"line.csv:2: params.sice", `did you mean "size"?`},
		"time,task\n1s,web/gte\n":                                      {"line.csv:2: task", `did you mean "get"?`},
		"time,task,set\n1s,web/get,failure=refused\n":                  {"line.csv:2: set", "takes server/web away"},
		"time,task,set\n1s,web/get,\n2s,ssh/command,addresses=fixed\n": {"line.csv:3: addresses", "whole run"},
		"time,task,hosts,set\n1s,web/get,client=a;server=b,params.size=1kB\n2s,web/get,client=a;server=b,params.size=2kB\n": {"is not the same as what another activity puts on host"},
	} {
		_, err := playTimeline(t, rows)
		wantError(t, err, want...)
	}
	spec, err := scenario.ReadSpec("my.yaml", []byte("timeline: missing.csv\n"))
	if err == nil {
		_, err = open(t).Resolve(spec, 1, anyImage)
	}
	wantError(t, err, "my.yaml:1: timeline", "missing.csv")
	_, err = scenario.ReadSpec("my.yaml", []byte("task: web/get\ntimeline: a.csv\n"))
	wantError(t, err, "my.yaml:2: timeline", "leave out task")
	_, err = scenario.ReadSpec("my.yaml", []byte("seed: 1\n"))
	wantError(t, err, "task", "is missing")
}
