package stats

import (
	"errors"
	"math"
)

// Isotonic is the closest trend to values that never falls (least squares with weights; pool adjacent violators, Ayer
// et al. 1955). For one that never rises, give negative values.
func Isotonic(values, weights []float64) []float64 {
	type block struct {
		value, weight float64
		n             int
	}
	var blocks []block
	for i, v := range values {
		blocks = append(blocks, block{v, weights[i], 1})
		for k := len(blocks) - 1; k > 0 && blocks[k-1].value >= blocks[k].value; k-- {
			a, b := blocks[k-1], blocks[k]
			w := a.weight + b.weight
			blocks[k-1] = block{(a.value*a.weight + b.value*b.weight) / w, w, a.n + b.n}
			blocks = blocks[:k]
		}
	}
	var fit []float64
	for _, b := range blocks {
		for range b.n {
			fit = append(fit, b.value)
		}
	}
	return fit
}

// Slope is that of the least-squares line of y on x; 0 when x does not vary.
func Slope(x, y []float64) float64 {
	xx := covariance(x, x)
	if xx == 0 {
		return 0
	}
	return covariance(x, y) / xx
}

// SlopeGiven is the slope of y on x with z held (least squares with both); ok is false when x and z go together so far
// that they cannot be told apart (|r| above 0.999).
func SlopeGiven(x, y, z []float64) (ofX, ofZ float64, ok bool) {
	xx, zz, xz := covariance(x, x), covariance(z, z), covariance(x, z)
	det := xx*zz - xz*xz
	if xx == 0 || zz == 0 || det <= (1-0.999*0.999)*xx*zz {
		return 0, 0, false
	}
	xy, zy := covariance(x, y), covariance(z, y)
	return (zz*xy - xz*zy) / det, (xx*zy - xz*xy) / det, true
}

// LogisticFit is P(y) = 1/(1+exp(-(Intercept + Slope x))).
type LogisticFit struct {
	Intercept float64 `json:"intercept"`
	Slope     float64 `json:"slope"`
	// Covariance of both: of the intercept, of both, of the slope.
	Covariance [3]float64 `json:"covariance"`
}

// ErrSeparated tells that x splits the outcomes completely (or they are all the same): the fit has no finite slope.
var ErrSeparated = errors.New("the outcomes are split completely, or all the same: a logistic curve has no finite fit")

// Logistic fits by maximum likelihood (Newton's method).
func Logistic(x []float64, y []bool) (LogisticFit, error) {
	centre, scale := mean(x), math.Sqrt(covariance(x, x))
	if scale == 0 {
		return LogisticFit{}, errors.New("all values of x are the same")
	}
	var a, b float64
	var haa, hab, hbb float64
	for range 60 {
		var ga, gb float64
		haa, hab, hbb = 0, 0, 0
		for i := range x {
			u := (x[i] - centre) / scale
			p := logistic(a + b*u)
			d, w := -p, p*(1-p)
			if y[i] {
				d++
			}
			ga, gb = ga+d, gb+d*u
			haa, hab, hbb = haa+w, hab+w*u, hbb+w*u*u
		}
		det := haa*hbb - hab*hab
		if det < 1e-9 || math.Abs(b) > 50 || math.Abs(a) > 50 {
			return LogisticFit{}, ErrSeparated
		}
		da, db := (hbb*ga-hab*gb)/det, (haa*gb-hab*ga)/det
		if largest := max(math.Abs(da), math.Abs(db)); largest > 4 { // a long step may not come back
			da, db = da*4/largest, db*4/largest
		}
		a, b = a+da, b+db
		if math.Abs(da)+math.Abs(db) < 1e-12 {
			break
		}
	}
	det := haa*hbb - hab*hab
	va, vab, vb := hbb/det, -hab/det, haa/det
	k := centre / scale
	return LogisticFit{
		Intercept:  a - b*k,
		Slope:      b / scale,
		Covariance: [3]float64{va - 2*k*vab + k*k*vb, (vab - k*vb) / scale, vb / (scale * scale)},
	}, nil
}

// Where is the x at which the probability is p, with its interval by Fieller's method, which is right however steep the
// curve is; the interval is infinite when the slope is not different from 0.
func (f LogisticFit) Where(p float64) (float64, Interval) {
	target := math.Log(p / (1 - p))
	a, b := f.Intercept-target, f.Slope
	// a + b x has the variance va + 2 x vab + x^2 vb; the interval is where it is within z95 of 0.
	va, vab, vb := f.Covariance[0], f.Covariance[1], f.Covariance[2]
	k2, k1, k0 := b*b-z95*z95*vb, 2*(a*b-z95*z95*vab), a*a-z95*z95*va
	x := -a / b
	root := k1*k1 - 4*k2*k0
	if k2 <= 0 || root < 0 {
		return x, Interval{math.Inf(-1), math.Inf(1)}
	}
	return x, Interval{(-k1 - math.Sqrt(root)) / (2 * k2), (-k1 + math.Sqrt(root)) / (2 * k2)}
}
