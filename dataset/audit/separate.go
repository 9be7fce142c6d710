package audit

import (
	"cmp"
	"slices"
	"sort"
)

// trees is the number of trees in a forest on one feature: odd, so that a vote has a majority.
const trees = 25

// sample is a value of a feature and whether its flow is of the class that is looked for.
type sample struct {
	value    float64
	positive bool
}

// step is a value of the training data, with the votes of all flows that have it.
type step struct {
	value  float64
	vote   int // positive less negative
	middle float64
}

// tree is a fully grown decision tree on one feature. It splits between any two values whose labels differ, in the
// middle, so it gives each value the majority label of the nearest value that it was trained on.
type tree []step

func grow(data []sample) tree {
	slices.SortFunc(data, func(a, b sample) int { return cmp.Compare(a.value, b.value) })
	var t tree
	for _, d := range data {
		vote := -1
		if d.positive {
			vote = 1
		}
		if n := len(t); n > 0 && t[n-1].value == d.value {
			t[n-1].vote += vote
			continue
		}
		t = append(t, step{value: d.value, vote: vote})
	}
	for i := range t[:len(t)-1] {
		t[i].middle = t[i].value/2 + t[i+1].value/2
	}
	return t
}

func (t tree) positive(value float64) bool {
	i := sort.Search(len(t)-1, func(i int) bool { return t[i].middle >= value })
	return t[i].vote > 0
}

// score is how well predictions match: precision and recall of the positive class in one figure (F1).
type score struct{ hits, wrong, missed int }

func (s *score) add(positive, predicted bool) {
	switch {
	case positive && predicted:
		s.hits++
	case predicted:
		s.wrong++
	case positive:
		s.missed++
	}
}

func (s *score) f1() float64 {
	if s.hits == 0 {
		return 0
	}
	return 2 * float64(s.hits) / float64(2*s.hits+s.wrong+s.missed)
}

// separable gives the F1, in cross-validation, of a random forest on one feature alone (bootstrap samples, fully grown
// trees, a vote: Breiman 2001). The data must be in a random order.
func separable(data []sample, folds int, pick func(n int) int) float64 {
	var s score
	for fold := range folds {
		var train, test []sample
		for i, d := range data {
			if i%folds == fold {
				test = append(test, d)
			} else {
				train = append(train, d)
			}
		}
		if len(train) == 0 || len(test) == 0 {
			continue
		}
		forest := make([]tree, trees)
		for k := range forest {
			drawn := make([]sample, len(train))
			for i := range drawn {
				drawn[i] = train[pick(len(train))]
			}
			forest[k] = grow(drawn)
		}
		for _, d := range test {
			votes := 0
			for _, t := range forest {
				if t.positive(d.value) {
					votes++
				}
			}
			s.add(d.positive, 2*votes > trees)
		}
	}
	return s.f1()
}
