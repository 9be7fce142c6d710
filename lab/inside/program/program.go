// Package program carries the program that labs put into their hosts.
package program

import "embed"

// The Makefile builds it here before the program that carries it.
//
//go:embed all:built
var built embed.FS

// Carried gives the program's file: static, for the machine that this one was built for. It is nil when this program was
// built without it, as "go install" does; then this program plays the parts itself (engines.Role), and hosts take longer
// to start.
func Carried() []byte {
	content, err := built.ReadFile("built/inside")
	if err != nil {
		return nil
	}
	return content
}
