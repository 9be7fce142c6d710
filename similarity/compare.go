package similarity

import "slices"

// Reference is what samples are compared by: the scales of all samples of one kind of traffic, and its transition
// probabilities. The paper has one for each traffic type.
type Reference struct {
	options      Options
	connections  scaler
	windows      scaler
	raw          scaler
	group        matrix
	connectionsN int
}

// NewReference makes the reference of samples, which were read with the same options.
func NewReference(samples []*Sample, o Options) *Reference {
	var connections, windows [][]float64
	var all chain
	for _, s := range samples {
		for i := range s.Connections {
			connections = append(connections, s.Connections[i].Statistics[:])
		}
		for i := range s.windows {
			windows = append(windows, s.windows[i].vector[:])
		}
		all.add(&s.chain)
	}
	return &Reference{
		options:      o,
		connections:  newScaler(o.Scale, connections),
		windows:      newScaler(o.Scale, windows),
		raw:          scaler{scale: Raw},
		group:        all.fit(o.Smoothing),
		connectionsN: len(connections),
	}
}

// Connections is the number of connections that the scales come from.
func (r *Reference) Connections() int { return r.connectionsN }

// Scores say how far two samples are from each other. All but the p-values are 0 for equal samples, at most 1, and the same in
// both directions.
type Scores struct {
	Connection float64 `json:"connection"` // mean cosine dissimilarity of the connections' statistics
	Raw        float64 `json:"raw"`        // the same without scaling
	Window     float64 `json:"window"`     // mean cosine dissimilarity of the windows' numbers
	Packet     float64 `json:"packet"`     // how much less likely packets are under the other sample's transition probabilities

	Identical bool    `json:"identical"` // all captures have the same bytes
	Edit      float64 `json:"edit"`      // edit distance of the packet sequences, of the longer one's length
	Size      KS      `json:"size"`      // of the sizes of all frames
	Gap       KS      `json:"gap"`       // of the gaps between all frames
	KSPass    bool    `json:"ks_pass"`   // sizes and gaps, of all frames and of each direction, pass the test
}

// Compare compares two samples that were read with the reference's options.
func (r *Reference) Compare(a, b *Sample) Scores {
	s := Scores{
		Connection: r.connections.connections(a, b, r.options.Pairing),
		Raw:        r.raw.connections(a, b, r.options.Pairing),
		Window:     r.windows.windows(a, b),
		Packet:     sequences(a, b, &r.group, r.options),
		Identical:  slices.Equal(a.Digests, b.Digests),
		Edit:       editDistance(a.sequence, b.sequence),
		KSPass:     true,
	}
	for i := range a.series {
		t := test(a.series[i], b.series[i])
		switch i {
		case seriesSize:
			s.Size = t
		case seriesGap:
			s.Gap = t
		}
		s.KSPass = s.KSPass && t.P >= r.options.KSLevel
	}
	return s
}

// Metric is one number of Scores.
type Metric struct {
	Name  string // as in JSON
	Title string
	Of    func(*Scores) float64 // in [0, 1], 0 for equal samples
}

// Metrics are the numbers of Scores that can be averaged; the first three are the paper's.
var Metrics = []Metric{
	{"connection", "Connections", func(s *Scores) float64 { return s.Connection }},
	{"window", "Connection sequences", func(s *Scores) float64 { return s.Window }},
	{"packet", "Packet sequences", func(s *Scores) float64 { return s.Packet }},
	{"raw", "Connections, not scaled", func(s *Scores) float64 { return s.Raw }},
	{"edit", "Edit distance", func(s *Scores) float64 { return s.Edit }},
	{"size", "Sizes (KS)", func(s *Scores) float64 { return s.Size.D }},
	{"gap", "Gaps (KS)", func(s *Scores) float64 { return s.Gap.D }},
}

// PaperMetrics is how many of Metrics are the paper's.
const PaperMetrics = 3
