// Package material makes the things that scenarios build on from a seed: certificates and keys,
// password hashes, words, sites. The same source of random bytes always gives the same bytes,
// on every machine and with every version of Go.
package material
