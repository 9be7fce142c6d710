package record

import "reflect"

// Link is what happens to frames in one direction between a host and its network. Names and
// meaning are those of NetEm (tc-netem(8)); the zero value is a perfect link.
//
// Probabilities and correlations are fractions in [0, 1].
type Link struct {
	Rate                 uint64          `json:"rate,omitempty"` // bits/s; 0: unlimited
	Delay                Duration        `json:"delay,omitempty"`
	Jitter               Duration        `json:"jitter,omitempty"`
	DelayCorrelation     float64         `json:"delay_correlation,omitempty"`
	Distribution         string          `json:"distribution,omitempty"` // "uniform" (also ""), "normal", "pareto", "paretonormal"
	Loss                 float64         `json:"loss,omitempty"`
	LossCorrelation      float64         `json:"loss_correlation,omitempty"`
	GilbertElliott       *GilbertElliott `json:"gilbert_elliott,omitempty"` // instead of Loss
	FourState            *FourState      `json:"four_state,omitempty"`      // instead of Loss
	Corrupt              float64         `json:"corrupt,omitempty"`
	CorruptCorrelation   float64         `json:"corrupt_correlation,omitempty"`
	Duplicate            float64         `json:"duplicate,omitempty"`
	DuplicateCorrelation float64         `json:"duplicate_correlation,omitempty"`
	Reorder              float64         `json:"reorder,omitempty"`
	ReorderCorrelation   float64         `json:"reorder_correlation,omitempty"`
	ReorderGap           int             `json:"reorder_gap,omitempty"`
	Limit                int             `json:"limit,omitempty"` // frames in the queue; 0 means NetEm's default, 1000
	Queue                string          `json:"queue,omitempty"` // its discipline: "fifo" (also ""), "codel", "fq_codel", "red"
	Schedule             []LinkChange    `json:"schedule,omitempty"`
	Period               Duration        `json:"period,omitempty"`        // after which the schedule begins anew; 0: never
	Trace                *Trace          `json:"trace,omitempty"`         // what the schedule was made from
	Interventions        []Intervention  `json:"interventions,omitempty"` // on chosen frames, over the whole run; only the soft driver has them
}

// LinkChange replaces a link's settings At a time after the main activity's start.
type LinkChange struct {
	At   Duration `json:"at"`
	Link Link     `json:"link"` // its own Schedule and Interventions are empty
}

// Trace is a file of measurements that a schedule was made from.
type Trace struct {
	File   string `json:"file"`   // its name, without folders
	Format string `json:"format"` // "csv" or "mahimahi"
	SHA256 string `json:"sha256"`
}

// The disciplines of queues: first in, first out, and those that lose frames before a queue is full (RFC 8289, RFC 8290,
// tc-red(8)).
const (
	FIFO    = "fifo"
	CoDel   = "codel"
	FQCoDel = "fq_codel"
	RED     = "red"
)

// Queues are all disciplines.
var Queues = []string{FIFO, CoDel, FQCoDel, RED}

// Managed reports whether the queue's discipline is another than first in, first out.
func (l *Link) Managed() bool { return l.Queue != "" && l.Queue != FIFO }

// onlyShaped is what a link with a managed queue can have: a rate and a limit.
func (l *Link) onlyShaped() bool {
	shaped := Link{Rate: l.Rate, Limit: l.Limit, Queue: l.Queue}
	return l.Rate > 0 && reflect.DeepEqual(*l, shaped)
}

// MaxChanges is the most changes of a schedule.
const MaxChanges = 20_000

// GilbertElliott is the loss model of NetEm's "loss gemodel".
type GilbertElliott struct {
	P         float64 `json:"p"`           // good to bad
	R         float64 `json:"r"`           // bad to good
	OneMinusH float64 `json:"one_minus_h"` // loss probability in the bad state
	OneMinusK float64 `json:"one_minus_k"` // loss probability in the good state
}

// FourState is the loss model of NetEm's "loss state": 1 good, 2 good within a burst, 3 lost
// within a burst, 4 lost alone.
type FourState struct {
	P13 float64 `json:"p13"`
	P31 float64 `json:"p31"`
	P32 float64 `json:"p32"`
	P23 float64 `json:"p23"`
	P14 float64 `json:"p14"`
}
