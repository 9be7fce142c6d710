package report

import (
	"fmt"
	"slices"

	"detgen/plot"
	"detgen/truth"
)

// errNoQueue is the error of a figure of queues of a run that has none.
var errNoQueue = nothing("the run has no router with a rate: set path.hops and path.rate")

// DrawQueues draws the fullest queue of each run, side by side: what leaves it, by activity, the frames in it, and the TCP
// segments that were sent again. It reads the run directories, unchecked when the captures are to be taken as they are.
func DrawQueues(path string, dirs []string, unchecked bool) error {
	if err := plot.CheckName(path); err != nil {
		return nothing("--queues " + err.Error())
	}
	var runs []*truth.Truth
	for _, dir := range dirs {
		_, t, err := truth.Open(dir, unchecked)
		if err != nil {
			return err
		}
		runs = append(runs, t)
	}
	return drawQueues(path, runs, dirs)
}

// drawQueues draws the queues of runs, with their names as titles.
func drawQueues(path string, runs []*truth.Truth, names []string) error {
	var columns []*plot.Figure
	views := make([]*queueView, len(runs))
	var rate, frames, again float64
	for i, t := range runs {
		v, err := newQueueView(t)
		if err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
		views[i] = v
		rate, frames, again = max(rate, highest(v.rates)), max(frames, highest([]plot.Series{v.queue})), max(again, highest(v.again))
	}
	for i, v := range views {
		var rows []*plot.Figure
		for _, l := range []plot.Lines{
			{Title: names[i], XLabel: "seconds since the start of the task", YLabel: "Mbit/s through " + v.line, Series: v.rates, Top: 1.05 * rate},
			{XLabel: "seconds since the start of the task", YLabel: "frames in the queue", Series: []plot.Series{v.queue}, Top: 1.05 * max(frames, 1)},
			{XLabel: "seconds since the start of the task", YLabel: "segments sent again", Series: v.again, Top: 1.05 * max(again, 1)},
		} {
			f, err := l.Draw()
			if err != nil {
				return err
			}
			rows = append(rows, f)
		}
		columns = append(columns, plot.Below(rows...))
	}
	return plot.Beside(columns...).WriteFile(path)
}

func highest(list []plot.Series) float64 {
	most := 0.0
	for _, s := range list {
		most = max(most, slices.Max(append(s.Y, 0)))
	}
	return most
}

// queueView is what the figure shows of a run.
type queueView struct {
	line  string
	rates []plot.Series // by activity
	queue plot.Series
	again []plot.Series // by activity
}

// The figure's bins, in seconds.
const (
	rateBin  = 0.25
	queueBin = 0.02
)

func newQueueView(t *truth.Truth) (*queueView, error) {
	queues, err := t.Queues()
	if err != nil {
		return nil, err
	}
	if len(queues) == 0 {
		return nil, errNoQueue
	}
	bytes := func(q truth.Queue) (n int64) {
		for _, e := range q.Events {
			n = max(n, e.Bytes)
		}
		return n
	}
	q := slices.MaxFunc(queues, func(a, b truth.Queue) int { return int(bytes(a) - bytes(b)) })
	start := t.Record.Result.Started.UnixNano()
	since := func(at int64) float64 { return float64(at-start) / 1e9 }
	v := &queueView{line: q.Line, queue: plot.Series{Name: "queue"}}
	activities := t.Record.Run.Activities
	end := 0.0
	for _, e := range q.Events {
		end = max(end, since(e.Time))
	}
	sums := make([][]float64, len(activities))
	for i := range sums {
		sums[i] = make([]float64, int(end/rateBin)+1)
	}
	tops := make([]float64, int(end/queueBin)+1)
	for _, e := range q.Events {
		at := since(e.Time)
		if at < 0 {
			continue
		}
		tops[int(at/queueBin)] = max(tops[int(at/queueBin)], float64(e.Frames))
		if f := t.Frame(e.Frame); e.What == truth.QueueOut && f.Activity >= 0 {
			sums[f.Activity][int(at/rateBin)] += float64(f.Length) * 8 / 1e6 / rateBin
		}
	}
	for i, top := range tops {
		v.queue.X, v.queue.Y = append(v.queue.X, float64(i)*queueBin), append(v.queue.Y, top)
	}
	again := make([]int, len(activities))
	series := make([]plot.Series, len(activities))
	for i := range activities {
		s := plot.Series{Name: activities[i].Name}
		for k, sum := range sums[i] {
			s.X, s.Y = append(s.X, (float64(k)+0.5)*rateBin), append(s.Y, sum)
		}
		v.rates = append(v.rates, s)
		series[i] = plot.Series{Name: activities[i].Name, X: []float64{0}, Y: []float64{0}}
	}
	for _, r := range t.Retransmissions() {
		f := t.Frame(r)
		if at := since(f.Time); f.Activity >= 0 && at >= 0 {
			again[f.Activity]++
			s := &series[f.Activity]
			s.X, s.Y = append(s.X, at, at), append(s.Y, float64(again[f.Activity]-1), float64(again[f.Activity]))
		}
	}
	for i := range series {
		series[i].X, series[i].Y = append(series[i].X, end), append(series[i].Y, float64(again[i]))
	}
	v.again = series
	return v, nil
}
