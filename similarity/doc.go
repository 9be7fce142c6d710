// Package similarity says how alike two samples of traffic are: by the three dissimilarities of the DetGen
// paper (Clausen et al., SecureComm 2021, section 5: connections, windows of connections, packet sequences), and by exact
// measures (the same bytes, edit distance of packet sequences, Kolmogorov-Smirnov on sizes and gaps).
// The paper gives its measures in one sentence each; what it leaves open is an Option here, with what speaks for the default.
// It works on any capture, not only on detgen's.
package similarity
