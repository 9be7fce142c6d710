package probe

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"detgen/model"
	"detgen/model/items"
	"detgen/packet"
	"detgen/probe/correct"
)

// counter is a model of packets that forgets: its output goes up with each new payload of the server and halves with
// each segment without news. It tells segments by the recipe's columns only, as any model does.
type counter struct{ steps bool }

func (c *counter) Describe() model.Description {
	return model.Description{Name: "counter", Kind: model.Packets, Recipe: "numbers1", StepScores: c.steps}
}
func (c *counter) Close() error { return nil }
func (c *counter) Score(_ context.Context, list []model.Item) ([]model.Score, error) {
	var out []model.Score
	for _, item := range list {
		x := 0.
		var steps []float64
		for _, row := range item.Steps {
			if row[1] > 0 {
				x += 0.1
			} else {
				x /= 2
			}
			steps = append(steps, x)
		}
		s := model.Score{ID: item.ID, Score: x}
		if c.steps {
			s.Steps = steps
		}
		out = append(out, s)
	}
	return out, nil
}

// connection makes a trace of a request and an answer of n segments; with lost, the third is sent again after two
// duplicate acknowledgements.
func connection(id string, n int, lost bool) *items.Trace {
	t := &items.Trace{ID: id}
	add := func(p items.Packet) {
		p.Protocol, p.Number, p.Time = packet.ProtocolTCP, uint64(len(t.Packets)+1), int64(len(t.Packets))*1e6
		p.Length = 54 + p.Payload
		t.Packets = append(t.Packets, p)
	}
	add(items.Packet{FromClient: true, Flags: packet.SYN, Seq: 0, Phase: "connect"})
	add(items.Packet{Flags: packet.SYN | packet.ACK, Seq: 0, Ack: 1, Phase: "connect"})
	add(items.Packet{FromClient: true, Flags: packet.ACK | packet.PSH, Seq: 1, Ack: 1, Payload: 100, Phase: "request"})
	for i := range n {
		add(items.Packet{Flags: packet.ACK, Seq: uint32(1 + 1000*i), Ack: 101, Payload: 1000, Phase: "answer"})
		if lost && i == 4 {
			for range 3 {
				add(items.Packet{FromClient: true, Flags: packet.ACK, Seq: 101, Ack: 2001, Classes: packet.DuplicateAck, Phase: "answer"})
			}
			add(items.Packet{Flags: packet.ACK, Seq: 2001, Ack: 101, Payload: 1000, Seen: packet.SeenAll, Classes: packet.FastRetransmission, Phase: "answer"})
			add(items.Packet{FromClient: true, Flags: packet.ACK, Seq: 101, Ack: 5001, Phase: "answer"})
		}
	}
	return t
}

func twins(t *testing.T, m model.Model, a, b *items.Trace) *TwinReport {
	t.Helper()
	recipe, err := items.RecipeOf(model.Packets, "numbers1")
	if err != nil {
		t.Fatal(err)
	}
	r := &TwinReport{Model: m.Describe(), Differ: []string{"link.all.both.loss: 0%, 3%"}}
	for i, side := range []*TwinSide{&r.A, &r.B} {
		side.trace = []*items.Trace{a, b}[i]
		scores, err := scoreTraces(context.Background(), m, recipe, true, side.trace)
		if err != nil {
			t.Fatal(err)
		}
		side.rows(scores[0])
	}
	return r
}

// TestTwinFindsTheEpisode follows an output that an episode of retransmissions depletes: it parts right after, at the
// same bytes, and comes back when the episode is deleted. A model without scores of steps gives the same by prefixes.
func TestTwinFindsTheEpisode(t *testing.T) {
	for _, steps := range []bool{true, false} {
		m := &counter{steps}
		r := twins(t, m, connection("r/1", 10, false), connection("r/1", 10, true))
		episodes := correct.Episodes(r.B.trace)
		r.compare(0, episodes)
		if err := r.withoutEach(context.Background(), m, episodes); err != nil {
			t.Fatal(err)
		}
		u := r.Outputs
		// Packets 1 to 8 are the same; 9 to 13 are the episode; 14 is the sixth segment of the answer.
		if u.First != 14 || u.FirstPhase != "answer" || !u.InEpisode || u.Recovered || u.Matched != 13 {
			t.Errorf("steps %v: %+v", steps, u)
		}
		if r.B.Steps[11].Match != 0 || !r.B.Steps[11].Again || r.B.Again != 1 {
			t.Errorf("the segment sent again is matched: %+v", r.B.Steps[11])
		}
		if got := r.B.Steps[13]; got.Match != 9 || got.Offset != 6000 {
			t.Errorf("step 14 matches %d at %d bytes, want 9 at 6000", got.Match, got.Offset)
		}
		if len(r.Episodes) != 1 || r.Episodes[0].From != 9 || r.Episodes[0].To != 13 || math.Abs(r.Episodes[0].Restored-1) > 1e-9 {
			t.Errorf("episodes %+v", r.Episodes)
		}
		fig, err := r.Draw()
		if err != nil {
			t.Fatal(err)
		}
		var svg bytes.Buffer
		if err := fig.WriteSVG(&svg); err != nil || !strings.Contains(svg.String(), `aria-label="retransmission episode"`) {
			t.Errorf("%v: the figure does not shade the episode", err)
		}
	}
	// A placebo: nothing differs.
	r := twins(t, &counter{true}, connection("r/1", 10, true), connection("r/1", 10, true))
	r.compare(0, nil)
	if u := r.Outputs; u.First != 0 || u.Area != 0 || u.Largest != 0 {
		t.Errorf("the same connection twice: %+v", u)
	}
}

// TestTwinIgnoresSegmentation matches by bytes, however they are cut into segments.
func TestTwinIgnoresSegmentation(t *testing.T) {
	a, b := connection("r/1", 10, false), connection("r/1", 10, false)
	p := b.Packets[5]
	p.Payload, b.Packets[5].Payload = 400, 600
	p.Seq += 600
	b.Packets = append(b.Packets[:6:6], append([]items.Packet{p}, b.Packets[6:]...)...)
	r := twins(t, &counter{true}, a, b)
	r.compare(0, nil)
	if r.B.Steps[5].Match != 0 || r.B.Steps[6].Match != 6 || r.B.Steps[7].Match != 7 {
		t.Errorf("matches %d, %d, %d; want none, 6, 7", r.B.Steps[5].Match, r.B.Steps[6].Match, r.B.Steps[7].Match)
	}
}

// TestTwinRefuses what it cannot answer.
func TestTwinRefuses(t *testing.T) {
	dir, scores := world{runs: 30, each: 2, score: depleted}.write(t)
	m, err := model.Open(scores, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Twin(context.Background(), dir, m, TwinOptions{}); err == nil || !strings.Contains(err.Error(), "score for each step") {
		t.Errorf("a file of scores: %v", err)
	}
	if _, err := Twin(context.Background(), dir, &counter{true}, TwinOptions{}); err == nil || !strings.Contains(err.Error(), "no folder of twins") {
		t.Errorf("a dataset: %v", err)
	}
}
