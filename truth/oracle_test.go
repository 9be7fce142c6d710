package truth_test

import (
	"fmt"
	"testing"

	"detgen/record"
	"detgen/truth"
)

// threeHosts is a run in which a client fetches from a server, and a third host hears the
// broadcasts, all with the same link in both directions.
func threeHosts(link record.Link, bytes, times int) *record.Run {
	run := twoHosts(link, fmt.Sprintf("%s fetch server:7000 %d %d\n", trafficCommand(), bytes, times))
	run.Seed = 7
	run.Hosts = append(run.Hosts, host("third", 0xc4))
	for i := range run.Hosts {
		run.Hosts[i].Interfaces[0].Up = link
		run.Hosts[i].Interfaces[0].Down = link
	}
	return run
}

func TestFatesAgreeWithTheLinksLog(t *testing.T) {
	ms := func(n float64) record.Duration { return record.Duration(n * 1e6) }
	for _, c := range []struct {
		name string
		link record.Link
	}{
		{"perfect", record.Link{}},
		{"delay and jitter", record.Link{Delay: ms(3), Jitter: ms(2)}},
		{"loss 1 %", record.Link{Loss: 0.01}},
		{"loss 10 %", record.Link{Delay: ms(1), Loss: 0.1}},
		{"corruption 1 %", record.Link{Corrupt: 0.01}},
		{"corruption 10 %", record.Link{Delay: ms(1), Corrupt: 0.1}},
		{"duplication 10 %", record.Link{Delay: ms(1), Jitter: ms(0.5), Duplicate: 0.1}},
		{"reordering 10 %", record.Link{Delay: ms(2), Reorder: 0.1}},
		{"rate and queue limit", record.Link{Rate: 20e6, Limit: 20}},
		{"all at 1 %", record.Link{Delay: ms(2), Jitter: ms(1), Loss: 0.01, Corrupt: 0.01, Duplicate: 0.01, Reorder: 0.01}},
		{"all at 5 %", record.Link{Delay: ms(2), Jitter: ms(1), Distribution: "normal", Loss: 0.05, Corrupt: 0.05, Duplicate: 0.05, Reorder: 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, rec := execute(t, threeHosts(c.link, 300_000, 4))
			a, err := truth.Agree(dir, rec)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(a)
			for _, m := range a.Misses {
				t.Log(m)
			}
			checkAgreement(t, a)
		})
	}
}

// Of frames that are equal byte for byte it is known how many were lost. Which ones it was, only their
// delays suggest, and those a busy machine disturbs.
func TestEqualFramesAgreeWithTheLinksLog(t *testing.T) {
	link := record.Link{Delay: record.Duration(4e6), Loss: 0.05}
	dir, rec := execute(t, twoHosts(link, trafficCommand()+" fetch server:7000 100000 1\n"+trafficCommand()+" beat server:9999 200 10ms\n"))
	a, err := truth.Agree(dir, rec)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of %d frames are equal to others: %d lost, the log says %d; pairs %v", a.Equal, a.Frames, a.EqualLost, a.EqualLostKnown, a.EqualPairs)
	if a.Equal < 300 || a.EqualLostKnown == 0 {
		t.Errorf("only %d equal frames, %d of them lost", a.Equal, a.EqualLostKnown)
	}
	if a.EqualLost != a.EqualLostKnown {
		t.Errorf("%d equal frames lost, the log says %d", a.EqualLost, a.EqualLostKnown)
	}
	if a.EqualPairs.Recall() < 0.7 {
		t.Errorf("pairs of equal frames: %v", a.EqualPairs)
	}
	tt, err := truth.Read(dir, rec)
	if err != nil {
		t.Fatal(err)
	}
	if tt.Corrected != a.EqualPairs.Missed {
		t.Errorf("with the log, %d pairs were corrected, want %d", tt.Corrected, a.EqualPairs.Missed)
	}
}
