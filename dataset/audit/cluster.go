package audit

import (
	"math"
	"math/rand/v2"
)

// maxClusters bounds the search for the number of clusters.
const maxClusters = 10

// clusters groups rows by k-means with k-means++ starts (Arthur and Vassilvitskii 2007). The number of clusters is where
// the curve of the sum of squared distances bends most: farthest from the line between its ends (Satopaa et al. 2011).
func clusters(m *matrix, rows []int, random *rand.Rand) [][]int {
	var groupings [][][]int
	var sums []float64
	for k := 1; k <= min(maxClusters, len(rows)); k++ {
		groups, sum := kMeans(m, rows, k, random)
		groupings = append(groupings, groups)
		sums = append(sums, sum)
		if sum == 0 {
			break
		}
	}
	return groupings[elbow(sums)]
}

// elbow gives the index of the point that is farthest below the line from the first to the last.
func elbow(sums []float64) int {
	last := len(sums) - 1
	if last < 1 || sums[0] == sums[last] {
		return 0
	}
	best, most := 0, 0.0
	for i, s := range sums {
		x, y := float64(i)/float64(last), (s-sums[last])/(sums[0]-sums[last])
		if below := 1 - x - y; below > most+1e-12 {
			best, most = i, below
		}
	}
	if most == 0 {
		return last
	}
	return best
}

// rounds bounds k-means; it ends before when no row changes its cluster.
const rounds = 50

// kMeans gives the rows of each cluster and the sum of squared distances to their centres.
func kMeans(m *matrix, rows []int, k int, random *rand.Rand) ([][]int, float64) {
	centres := starts(m, rows, k, random)
	of := make([]int, len(rows))
	var sum float64
	for range rounds {
		sum = 0
		changed := false
		for i, r := range rows {
			near, least := 0, float32(math.Inf(1))
			for c := range centres {
				if d := distance(m.row(r), centres[c]); d < least {
					near, least = c, d
				}
			}
			changed = changed || of[i] != near
			of[i] = near
			sum += float64(least)
		}
		if !changed && k > 1 {
			break
		}
		means(m, rows, of, centres)
		if k == 1 {
			sum = 0
			for _, r := range rows {
				sum += float64(distance(m.row(r), centres[0]))
			}
			break
		}
	}
	groups := make([][]int, len(centres))
	for i, r := range rows {
		groups[of[i]] = append(groups[of[i]], r)
	}
	return groups, sum
}

// starts chooses rows as first centres: each with a probability that grows with the squared distance to those before.
func starts(m *matrix, rows []int, k int, random *rand.Rand) [][]float32 {
	centres := [][]float32{append([]float32(nil), m.row(rows[random.IntN(len(rows))])...)}
	far := make([]float64, len(rows))
	for len(centres) < k {
		total := 0.0
		for i, r := range rows {
			d := float64(distance(m.row(r), centres[len(centres)-1]))
			if len(centres) == 1 || d < far[i] {
				far[i] = d
			}
			total += far[i]
		}
		if total == 0 {
			break // fewer different rows than clusters
		}
		at := random.Float64() * total
		chosen := len(rows) - 1
		for i, d := range far {
			if at -= d; at < 0 {
				chosen = i
				break
			}
		}
		centres = append(centres, append([]float32(nil), m.row(rows[chosen])...))
	}
	return centres
}

// means moves each centre to the mean of its rows; one without rows stays.
func means(m *matrix, rows, of []int, centres [][]float32) {
	sums := make([][]float64, len(centres))
	counts := make([]int, len(centres))
	for c := range sums {
		sums[c] = make([]float64, m.columns)
	}
	for i, r := range rows {
		counts[of[i]]++
		for k, x := range m.row(r) {
			sums[of[i]][k] += float64(x)
		}
	}
	for c, n := range counts {
		if n == 0 {
			continue
		}
		for k := range centres[c] {
			centres[c][k] = float32(sums[c][k] / float64(n))
		}
	}
}
