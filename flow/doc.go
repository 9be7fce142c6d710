// Package flow finds the connections in a capture and measures them: CICFlowMeter's 84 columns,
// as three versions of that program compute them with all their defects (modes cic2017, cic2021,
// cic-fixed), and corrected and extended in this package's own way (mode default). It works on any
// capture, not only on detgen's. docs/flow-features.md documents every column and what each
// mode does differently.
//
// A Meter takes packets one by one and gives each connection when it ends; Extract runs a whole
// capture through meters on several cores, with the same result at any number of them.
package flow
