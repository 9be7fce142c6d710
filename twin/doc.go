// Package twin aligns the captures of two runs packet by packet and says where they part. A
// twin is a pair of runs that differ in exactly one factor; what differs between its captures
// is that factor's doing. It reads run directories and makes none.
package twin
