package record

import (
	"math"
	"testing"
	"time"
)

func TestLinkCheckNamesWhatIsWrong(t *testing.T) {
	nan := math.NaN()
	for want, l := range map[string]Link{
		"loss 1.5: must be from 0 to 1 (0% to 100%)":                                                                           {Loss: 1.5},
		"corrupt -0.1: must be from 0 to 1 (0% to 100%)":                                                                       {Corrupt: -0.1},
		"reorder_correlation NaN: must be from 0 to 1 (0% to 100%)":                                                            {ReorderCorrelation: nan},
		"gilbert_elliott r 2: must be from 0 to 1 (0% to 100%)":                                                                {GilbertElliott: &GilbertElliott{R: 2}},
		"both loss and loss_model, or two loss models: only one of a probability, gilbert_elliott and four_state can be given": {Loss: 0.1, FourState: &FourState{}},
		"four_state: p13 + p14 is 1.5, must not exceed 1":                                                                      {FourState: &FourState{P13: 1, P14: 0.5}},
		"delay -1ms: must be from 0 to 1h0m0s":                                                                                 {Delay: Duration(-time.Millisecond)},
		"jitter 3s: must be from 0 to 2.147483647s":                                                                            {Jitter: Duration(3 * time.Second)},
		"reorder without a delay: only frames that are not delayed overtake others, so give a delay":                           {Reorder: 0.1},
		"limit -1: must be from 0 to 2147483647 frames":                                                                        {Limit: -1},
		"rate 7 bit/s: must be 0 (unlimited) or at least 8":                                                                    {Rate: 7},
		"reorder_gap without reorder: give reorder, too":                                                                       {Delay: 1, ReorderGap: 3},
		"reorder_gap -1: must be from 0 to 2147483647 frames":                                                                  {ReorderGap: -1},
		"schedule entry 2: at 1s comes after 2s":                                                                               {Schedule: []LinkChange{{At: Duration(2 * time.Second)}, {At: Duration(time.Second)}}},
		"schedule entry 1: loss 2: must be from 0 to 1 (0% to 100%)":                                                           {Schedule: []LinkChange{{Link: Link{Loss: 2}}}},
		`distribution "gamma": must be uniform, normal, pareto or paretonormal`:                                                {Distribution: "gamma"},
	} {
		if err := l.Check(); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestLinkTellsItsSettings(t *testing.T) {
	l := Link{Delay: Duration(20 * time.Millisecond), Rate: 5e6, GilbertElliott: &GilbertElliott{P: 0.1, R: 0.5}, Corrupt: 0.001, Limit: 50}
	if got, want := l.String(), "rate=5000000bit/s delay=20ms loss_model=gilbert_elliott corrupt=0.1% limit=50"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := (&Link{}).String(); got != "perfect" {
		t.Errorf("got %s for a link without settings", got)
	}
}
