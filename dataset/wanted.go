package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"detgen/dataset/plan"
	"detgen/internal/beneath"
	"detgen/runner"
	"detgen/table"
	"detgen/truth"
)

// idle is after how many runs that give nothing an entry is given up.
const idle = 50

// makeWanted makes runs until every entry that wants a number of connections or packets has it. How many runs that takes
// is the least number of repetitions, in the plan's order, whose complete runs that no filter leaves out come to it: it
// follows from what came out, not from the order in which runs were made.
func (d *Dataset) makeWanted(ctx context.Context, o Options) (runner.Tally, error) {
	var all runner.Tally
	counted := map[string]amount{} // by id
	for {
		tally, err := d.makeRuns(ctx, o)
		all.Made += tally.Made
		all.There, all.Failed, all.Last = max(0, tally.Made+tally.There-all.Made), tally.Failed, tally.Last
		if err != nil || ctx.Err() != nil {
			return all, err
		}
		enough := true
		for _, e := range d.Plan.Entries {
			if _, wanted := e.Wanted(); wanted == 0 {
				continue
			}
			done, err := d.extend(e, counted)
			if err != nil {
				return all, err
			}
			enough = enough && done
		}
		if enough {
			return all, nil
		}
	}
}

// amount is what a run gives to the tables.
type amount struct{ connections, packets int }

// extend sets how many repetitions an entry has: as many as it takes, when those that are made come to what is wanted, or
// about as many more as are missing.
func (d *Dataset) extend(e *plan.Entry, counted map[string]amount) (done bool, err error) {
	what, wanted := e.Wanted()
	points := e.Count() / e.Runs
	sum, index, barren := 0, 0, 0
	seen := map[string]bool{} // a run that comes out as another is in the tables once
	for r := range d.Plan.RunsOf(e) {
		a, err := d.amount(r, counted, seen)
		if err != nil {
			return false, err
		}
		n := a.connections
		if what == "packets" {
			n = a.packets
		}
		if barren++; n > 0 {
			barren = 0
		}
		sum += n
		index++
		if index%points == 0 && sum >= wanted {
			e.Runs = index / points
			return true, nil
		}
	}
	if barren >= max(idle, points) {
		return false, fmt.Errorf("entry %s wants %d %s, but its last %d runs gave none to the tables: they failed, or its filter left them out", e.Name, wanted, what, barren)
	}
	each := max(1, float64(sum)/float64(e.Runs)) // of a repetition
	more := int(math.Ceil(0.9 * float64(wanted-sum) / each))
	if sum == 0 {
		more = e.Runs
	}
	e.Runs += min(max(1, more), max(8, 4*e.Runs))
	if e.Count() > plan.MaxRuns {
		return false, fmt.Errorf("entry %s wants %d %s: that takes more than %d runs", e.Name, wanted, what, plan.MaxRuns)
	}
	return false, nil
}

// amount gives what a run gives to the tables: nothing when it failed or a filter leaves it out.
func (d *Dataset) amount(r *plan.Run, counted map[string]amount, seen map[string]bool) (amount, error) {
	_, id, err := d.resolve(r)
	if err != nil {
		return amount{}, err
	}
	if seen[id] {
		return amount{}, nil
	}
	seen[id] = true
	if a, ok := counted[id]; ok {
		return a, nil
	}
	if !d.has(RunsFolder, id) {
		return amount{}, nil
	}
	out, err := d.leftOut(&member{run: r, id: id})
	if err != nil || out != "" {
		return amount{}, err
	}
	a, err := countConnections(d.Dir, filepath.Join(RunsFolder, id, truth.ConnectionsFile))
	counted[id] = a
	return a, err
}

// countConnections counts the rows of connections.csv, and the packets that their ends sent.
func countConnections(dir, name string) (a amount, err error) {
	f, err := beneath.Open(dir, name)
	if err != nil {
		return a, err
	}
	defer f.Close()
	path := filepath.Join(dir, name)
	rows := table.ReadRows(f)
	rows.ReuseRecord = true
	head, err := rows.Read()
	if err != nil {
		return a, fmt.Errorf("%s: %w", path, err)
	}
	up, down := slices.Index(head, "client_packets"), slices.Index(head, "server_packets")
	if min(up, down) < 0 {
		return a, fmt.Errorf("%s lacks the columns client_packets and server_packets", path)
	}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return a, fmt.Errorf("%s: %w", path, err)
		}
		n, err1 := strconv.Atoi(row[up])
		m, err2 := strconv.Atoi(row[down])
		if err := errors.Join(err1, err2); err != nil {
			return a, fmt.Errorf("%s: %w", path, err)
		}
		a.connections++
		a.packets += n + m
	}
}

// fix sets how many repetitions the entries have that want something, as a recipe says.
func (d *Dataset) fix(repetitions map[string]int) error {
	for i, e := range d.Plan.Entries {
		_, wanted := e.Wanted()
		n, ok := repetitions[e.Name]
		switch {
		case wanted == 0:
			continue
		case !ok || n < 1 || n > plan.MaxRuns:
			return fmt.Errorf("the recipe does not say how many runs entry %s took (entries[%d] of its plan)", e.Name, i)
		}
		if e.Runs = n; e.Count() > plan.MaxRuns {
			return fmt.Errorf("entry %s: the recipe says %d repetitions, which are more than %d runs", e.Name, n, plan.MaxRuns)
		}
	}
	d.fixed = true
	return nil
}
