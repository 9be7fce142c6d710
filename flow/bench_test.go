package flow

import (
	"bytes"
	"fmt"
	"testing"

	"detgen/internal/mix"
	"detgen/packet"
	"detgen/table"

	"golang.org/x/sys/unix"
)

// cpuTime is what the process has used, in ns.
func cpuTime(b *testing.B) int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// BenchmarkStages measures the ways through the mix of docs/performance.md, each with what the ones before it do:
// reading, decoding, measuring, and writing every column as CSV. ns/packet, of CPU time, is what counts.
func BenchmarkStages(b *testing.B) {
	var file bytes.Buffer
	summary, err := mix.Write(&file, mix.Bench())
	if err != nil {
		b.Fatal(err)
	}
	stage := func(name string, do func(r *packet.Reader) error) {
		b.Run(name, func(b *testing.B) {
			start := cpuTime(b)
			for b.Loop() {
				if err := do(reader(b, file.Bytes())); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N)/float64(summary.Packets), "ns/packet")
			b.ReportMetric(0, "ns/op")
		})
	}
	var frame packet.Frame
	stage("read", func(r *packet.Reader) error {
		for {
			if err := r.Next(&frame); err != nil {
				return end(err)
			}
		}
	})
	for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed} {
		o := NewOptions(mode)
		stage(fmt.Sprintf("decode/%v", mode), func(r *packet.Reader) error {
			decoder, it := newDecoder(o), &item{}
			for {
				if err := r.Next(&frame); err != nil {
					return end(err)
				}
				decoder.decode(&frame, it)
			}
		})
		stage(fmt.Sprintf("measure/%v", mode), func(r *packet.Reader) error {
			return Extract(b.Context(), r, o, 1, func(*Flow) error { return nil })
		})
		stage(fmt.Sprintf("write/%v", mode), func(r *packet.Reader) error {
			layout := NewLayout(mode, ToolColumns)
			out, err := table.New(discard{}, table.CSV, layout.Columns())
			if err != nil {
				return err
			}
			if err := Write(b.Context(), r, o, 1, layout, out, []string{"mix"}); err != nil {
				return err
			}
			return out.Close()
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
