package flow_test

import (
	"fmt"
	"log"

	"detgen/flow"
	"detgen/packet"
)

// A meter takes frames and gives each flow when it ends.
func ExampleMeter() {
	m, err := flow.NewMeter(flow.NewOptions(flow.Default), func(f *flow.Flow) {
		fmt.Println(f.ID(), f.Packets(flow.Forward), f.Packets(flow.Backward), f.Duration())
	})
	if err != nil {
		log.Fatal(err)
	}
	request := []byte{0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 3, 232, 0, 53, 0, 8, 0, 0}
	answer := []byte{0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1, 0, 53, 3, 232, 0, 8, 0, 0}
	for i, data := range [][]byte{request, answer} {
		m.Add(&packet.Frame{Number: uint64(i + 1), Time: int64(i) * 1e6, Data: data, WireLen: len(data), LinkType: packet.LinkRaw})
	}
	m.Flush()
	// Output: 10.0.0.1-10.0.0.2-1000-53-17 1 1 1ms
}
