package spec

import (
	"detgen/record"
	"detgen/scenario/value"
)

// loadKeys are the last parts of load.KEY and load.HOST.KEY.
var loadKeys = []control[record.Load]{
	{value.Definition{Name: "cpu", Type: value.Int, Min: "0", Max: "256", Law: "exp(2)", Normal: "0", Doc: "stress-ng CPU workers on the host"},
		func(l *record.Load, v value.Value) { l.CPU = int(v.Number()) }},
	{value.Definition{Name: "memory", Type: value.Int, Min: "0", Max: "64", Law: "exp(1)", Normal: "0", Doc: "stress-ng memory workers on the host, 32 MiB each; a quarter of the host's memory must be left"},
		func(l *record.Load, v value.Value) { l.Memory = int(v.Number()) }},
}
