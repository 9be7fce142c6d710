package truth

import (
	"strings"

	"detgen/record"
)

// subject is what labels are about: a frame or a connection.
type subject struct {
	activity       int16  // index into the run's activities; -1: none
	client, server string // hosts at the ends of the connection; "" where there is none
}

// label is one of the labels that every table and export has, under the same name.
type label struct {
	name, doc string
	of        func(t *Truth, l subject) string
}

// labels are all of them. What a whole run has in common, every factor's value as asked and as measured, is in
// run.json (run.values, result.links, result.loads); what changes from frame to frame, the phase among it, in the columns
// of each table.
var labels = []label{
	{"class", "`benign` or `attack`; empty when it belongs to no activity.", ofClass(func(l record.Labels) string { return l.Class })},
	{"family", "Attack family.", ofClass(func(l record.Labels) string { return l.Family })},
	{"technique", "ATT&CK technique.", ofClass(func(l record.Labels) string { return l.Technique })},
	{"chain", "Connections with the same one carry one thing from host to host, as a session that stepping stones relay; empty where there is no such way.", func(t *Truth, l subject) string {
		if l.activity < 0 {
			return ""
		}
		return t.Record.Run.Activities[l.activity].ChainOf(l.client, l.server)
	}},
	{"activity", "Activity that it belongs to: `main` or a background one; empty for none.", ofActivity(func(a *record.Activity) string { return a.Name })},
	{"user", "Who does the activity, in a time line.", ofActivity(func(a *record.Activity) string { return a.User })},
	{"scenario", "Scenario of the activity.", ofActivity(func(a *record.Activity) string { return a.Scenario })},
	{"task", "Task of the activity.", ofActivity(func(a *record.Activity) string { return a.Task })},
	{"failure", "Failure option of the activity.", ofActivity(func(a *record.Activity) string { return a.Failure })},
	{"caching", "Caching option of the activity.", ofActivity(func(a *record.Activity) string { return a.Caching })},
	{"client_implementation", "Implementation of the client's host.", func(t *Truth, l subject) string { return t.implementation(l.activity, l.client) }},
	{"server_implementation", "Implementation of the server's host.", func(t *Truth, l subject) string { return t.implementation(l.activity, l.server) }},
}

// Class gives the class of a frame: benign or attack, "" when it belongs to no activity.
func (t *Truth) Class(f *Frame) string {
	return ofClass(func(l record.Labels) string { return l.Class })(t, t.labelledFrame(f))
}

func ofActivity(get func(*record.Activity) string) func(*Truth, subject) string {
	return func(t *Truth, l subject) string {
		if l.activity < 0 {
			return ""
		}
		return get(&t.Record.Run.Activities[l.activity])
	}
}

func ofClass(get func(record.Labels) string) func(*Truth, subject) string {
	return func(t *Truth, l subject) string {
		if l.activity < 0 {
			return ""
		}
		return get(t.Record.Run.Activities[l.activity].LabelsOf(l.client, l.server))
	}
}

// labelledConnection is a connection for its labels.
func labelledConnection(c *Connection) subject {
	return subject{c.Activity, c.Client.Host, c.Server.Host}
}

// labelledFrame is a frame for its labels.
func (t *Truth) labelledFrame(f *Frame) subject {
	if f.Connection < 0 {
		return subject{activity: f.Activity}
	}
	l := labelledConnection(&t.Connections[f.Connection])
	l.activity = f.Activity
	return l
}

// implementation is that of a host in an activity: several activities may use different programs of one host, and tell
// their scripts which. "" when it has none.
func (t *Truth) implementation(activity int16, host string) string {
	if activity < 0 || host == "" {
		return t.hostImplementation(host)
	}
	type place struct {
		activity int16
		host     string
	}
	if known, ok := t.implementations.Load(place{activity, host}); ok {
		return known.(string)
	}
	name := t.hostImplementation(host)
	for i := range t.Record.Run.Activities[activity].Scripts {
		environment := t.Record.Run.Activities[activity].Scripts[i].Environment
		for variable, value := range environment {
			if part, ok := strings.CutSuffix(variable, "_NAME"); ok && value == host {
				if in, ok := environment[part+"_IMPLEMENTATION"]; ok {
					name = in
				}
			}
		}
	}
	t.implementations.Store(place{activity, host}, name)
	return name
}

// hostImplementation is that which the activity that brought a host has there; "" when it has none.
func (t *Truth) hostImplementation(host string) string {
	for i := range t.Record.Run.Hosts {
		if h := &t.Record.Run.Hosts[i]; h.Name == host {
			return h.Implementation
		}
	}
	return ""
}
