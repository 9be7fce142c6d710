package similarity

import (
	"fmt"
	"time"

	"detgen/flow"
)

// Options are the choices that the paper's text leaves open. NewOptions gives the defaults.
type Options struct {
	// Flow says how packets become connections, and whose statistics describe them. The paper says "CICFlowMeter", which is
	// several programs (docs/flow-features.md); the default is the corrected mode. Flow.Mode cic2021 is nearest to what the
	// authors can have used.
	Flow flow.Options

	// Scale says how statistics are made comparable before the cosine is taken. The paper does not say; unscaled, a few rates
	// and times in microseconds carry nearly all of the length of a vector, and the cosine hardly sees the others.
	Scale Scale

	// Pairing says which connection of one sample is compared with which of the other. The paper compares "connections",
	// its samples have one or several.
	Pairing Pairing

	// Window is the length of a window of connections; 0 takes the whole sample as one. The paper speaks of a "retrieval
	// window" without a length, and shows one of 5 s in its Table 1. Windows follow each other from the sample's
	// first packet; a connection belongs to the one in which it starts.
	Window time.Duration

	// Packets is how many packets of a connection make a sequence: the first ones. The paper says 15, and
	// that it is about handshakes.
	Packets int

	// Fit says on what the matrix of transition probabilities is fitted. The paper has one matrix, and does not say of what.
	Fit Fit

	// Smoothing is added to the count of every transition (Laplace), so that one that was never seen is
	// unlikely and not impossible. The paper does not say how it treats those.
	Smoothing float64

	// KSLevel is the p-value from which the Kolmogorov-Smirnov test passes: 0.01 in the authors' paper of 2019
	// (Clausen et al., DYNAMICS 2019).
	KSLevel float64

	// Unchecked takes the captures of run directories as they are, whatever their SHA-256.
	Unchecked bool
}

// NewOptions gives the defaults.
func NewOptions() Options {
	return Options{Flow: flow.NewOptions(flow.Default), Packets: 15, Smoothing: 0.5, KSLevel: 0.01}
}

// Validate finds settings that make no sense.
func (o Options) Validate() error {
	switch {
	case o.Window < 0:
		return fmt.Errorf("window %v: must not be negative", o.Window)
	case o.Packets < 2:
		return fmt.Errorf("sequences of %d packets: must be 2 or more", o.Packets)
	case o.Smoothing <= 0:
		return fmt.Errorf("smoothing %g: must be positive", o.Smoothing)
	case o.KSLevel <= 0 || o.KSLevel >= 1:
		return fmt.Errorf("level %g of the Kolmogorov-Smirnov test: must be between 0 and 1", o.KSLevel)
	}
	return o.Flow.Validate()
}

// Scale says how the numbers that describe a connection or a window are made comparable. Infinite, undefined
// and negative numbers (an absent TCP window is -1 in CICFlowMeter) are 0 in all of them.
type Scale uint8

// The scales. On 90 connections of four public captures the first told pairs within a capture from pairs between captures
// best (area under the ROC curve 0.94, LogMinMax 0.89, Raw 0.77).
const (
	MinMax    Scale = iota // to [0, 1] over the reference; what is constant there is left out
	LogMinMax              // the same of log(1+x)
	Raw                    // as they are: the paper, taken literally
)

var scaleNames = [...]string{MinMax: "minmax", LogMinMax: "log-minmax", Raw: "raw"}

// String gives the name that ParseScale reads.
func (s Scale) String() string { return scaleNames[s] }

// ParseScale gives the scale of a name.
func ParseScale(name string) (Scale, error) { return parse[Scale]("scale", name, scaleNames[:]) }

// Pairing says which connections are compared.
type Pairing uint8

// The pairings. Both pair connections to the same service, in the order of their starts; connections that are left over in one of
// the samples count 1. A service is the protocol and the destination's port, where that is a system port (below 1024,
// RFC 6335); all other ports are one service, as they may be drawn (FTP's data connections).
const (
	// Aligned leaves over those that make the sum of distances smallest, so that one connection more (a poll, a repeated
	// request) does not pair all that follow with the wrong ones.
	Aligned Pairing = iota
	// InOrder pairs the first with the first, the second with the second, and leaves over the last ones.
	InOrder
)

var pairingNames = [...]string{Aligned: "aligned", InOrder: "order"}

// String gives the name that ParsePairing reads.
func (p Pairing) String() string { return pairingNames[p] }

// ParsePairing gives the pairing of a name.
func ParsePairing(name string) (Pairing, error) {
	return parse[Pairing]("pairing", name, pairingNames[:])
}

// Fit says on what the matrix of transition probabilities is fitted.
type Fit uint8

// The fits.
const (
	// Pairwise fits a matrix on each of the two samples, and says how much less likely each makes the other than itself:
	// 0 only for equal counts of transitions.
	Pairwise Fit = iota
	// Group fits one matrix on the whole reference, and compares the average likelihoods of the two samples. This is closest to
	// the paper's words, but can be 0 for samples that differ.
	Group
)

var fitNames = [...]string{Pairwise: "pairwise", Group: "group"}

// String gives the name that ParseFit reads.
func (f Fit) String() string { return fitNames[f] }

// ParseFit gives the fit of a name.
func ParseFit(name string) (Fit, error) { return parse[Fit]("fit", name, fitNames[:]) }

func parse[T ~uint8](what, name string, names []string) (T, error) {
	for i, n := range names {
		if n == name {
			return T(i), nil
		}
	}
	return 0, fmt.Errorf("%s %q: there are %q", what, name, names)
}
