// Package stats is the statistics of probing: how well scores separate two classes, how errors go with labels, how much
// of it is chance. Each function names where its method is from; tests compare them with SciPy and scikit-learn.
// Functions do not change what they are given; samples hold no NaN.
package stats
