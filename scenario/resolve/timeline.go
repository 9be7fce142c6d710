package resolve

import (
	"fmt"
	"strconv"
	"strings"

	"detgen/record"
	"detgen/scenario/spec"
)

// timeLine prepares the activities of a time line. Rows that differ in their time only are one activity that starts
// several times. What the spec sets for all hosts, and what concerns the run, goes to the first.
func timeLine(d *draft, asked *spec.Spec) (*lab, wholeRun, []*activity) {
	content, err := readUserFile(asked.Timeline.At, asked.Timeline.Text)
	if err != nil {
		d.problems.Add(asked.Timeline.At, "timeline", asked.Timeline.Text, "%v", err)
		return nil, wholeRun{}, nil
	}
	line, err := spec.ReadTimeline(asked.Timeline.Text, content)
	if err != nil {
		d.problems.Wrap(asked.Timeline.At, "timeline", asked.Timeline.Text, err)
		return nil, wholeRun{}, nil
	}
	var lab *lab
	var whole wholeRun
	var all []*activity
	taken := map[string]bool{}
	for _, rows := range kinds(line) {
		row := rows[0]
		q := request{name: freeName(row, taken), hosts: row.Hosts, task: row.Task, at: row.At, field: "task", set: row.Set}
		if lab == nil {
			q.set = row.Set.Over(asked.Set)
		}
		a, ok := timeLineActivity(d, q, all)
		if !ok {
			return nil, wholeRun{}, nil
		}
		if lab == nil {
			whole = decideRun(a.scope)
			lab = newLab(d.seed, whole, d.family)
			lab.site, lab.first, a.timeout = true, a, whole.timeout
		} else {
			a.ownTime()
		}
		a.parts = plug(a.scope, lab, func(p *part) (*host, error) { return a.siteHost(lab, p), nil })
		a.user = row.User
		for i, r := range rows {
			name := a.name
			if len(rows) > 1 {
				name += "-" + strconv.Itoa(i+1)
			}
			a.starts, a.names = append(a.starts, record.Duration(r.Time)), append(a.names, name)
		}
		if d.failed() {
			return nil, wholeRun{}, nil
		}
		all = append(all, a)
	}
	return lab, whole, all
}

// kinds groups rows that differ in their time only, in the order of their first.
func kinds(line *spec.Timeline) [][]*spec.Row {
	var list [][]*spec.Row
	at := map[string]int{}
	for _, r := range line.Rows {
		kind := r.Kind()
		i, known := at[kind]
		if !known {
			i = len(list)
			at[kind] = i
			list = append(list, nil)
		}
		list[i] = append(list[i], r)
	}
	return list
}

// freeName names the activities of a row: as it says, or by its user and task; another kind's name gets a letter.
func freeName(row *spec.Row, taken map[string]bool) string {
	name := row.Name
	if name == "" {
		name = strings.TrimPrefix(row.User+"-", "-") + strings.NewReplacer("/", "-", "~", "any").Replace(row.Task)
	}
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s-x%d", name, n)
	}
	taken[free] = true
	return free
}

// timeLineActivity decides what an activity does. Its leader is the first one before it of the same scenario, or of one
// that extends it: parameters that the row does not set and what is made are the leader's, as they are on hosts that both
// may use.
func timeLineActivity(d *draft, q request, before []*activity) (*activity, bool) {
	plain, ok := choose(d, q)
	if !ok {
		return nil, false
	}
	for part := range q.hosts {
		if err := plain.scenario.KnowHost(part); err != nil {
			d.problems.Add(q.at, "hosts", part, "%v", err)
		}
	}
	for _, a := range before {
		if plain.main = a; plain.related() {
			q.main = a
			break
		}
	}
	a, ok := decide(d, q)
	if !ok {
		return nil, false
	}
	for _, v := range a.variants() {
		for _, t := range v.Without {
			d.problems.Add(q.at, "set", a.variantText(), "takes %s away, which other activities of the time line may need", t.Text)
		}
	}
	return a, !d.failed()
}

// siteHost gives the host of the lab that plays a part: the one with the name that the row gives, else the leader's.
// nil: the part gets one of its own.
func (sc *scope) siteHost(l *lab, p *part) *host {
	name := sc.hostName(p)
	for _, h := range l.hosts {
		if h.Name == name && !h.absent {
			return h
		}
	}
	_, asked := sc.hosts[p.name]
	_, group := sc.hosts[p.group]
	if sc.main == nil || asked || group {
		return nil
	}
	for _, leaders := range sc.main.parts {
		if leaders.name == p.name && leaders.declared == p.declared && !leaders.absent {
			return leaders.host
		}
	}
	return nil
}
