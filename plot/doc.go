// Package plot draws figures for print: packet sequences as stems (Fig. 4 and 7 of the paper), boxes on a
// logarithmic scale (Fig. 6), lines and distributions, each from plain numbers that any caller can bring.
// A figure is written as SVG or PNG (300 dots an inch), the same bytes each time; letters are outlines of the Go
// fonts in both, so that a figure looks the same wherever it is opened. Lengths inside the package are in
// points (1/72 inch), from the upper left corner; colours are those of Okabe and Ito (stems, boxes, lines) and of
// Paul Tol's pale scheme (phases behind them), which people with any kind of colour vision can tell apart.
package plot
