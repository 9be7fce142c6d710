package flow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"detgen/internal/mix"
	"detgen/packet"
	"detgen/table"
)

// mixture makes the capture file of a small mix.
func mixture(t testing.TB, spec mix.Spec) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := mix.Write(&file, spec); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func reader(t testing.TB, file []byte) *packet.Reader {
	t.Helper()
	r, err := packet.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestJobs writes the same bytes with any number of jobs, in every mode and format, with flows that end in every way.
func TestJobs(t *testing.T) {
	file := mixture(t, mix.Spec{Connections: 800, Packets: 16_000, Span: 4 * time.Second, Seed: 3})
	for _, mode := range []Mode{Default, CIC2017, CIC2021, CICFixed, CNS2022} {
		o := NewOptions(mode)
		o.FlowTimeout, o.ActivityTimeout, o.IdleTimeout, o.LingerTimeout = 700*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond
		for _, format := range []table.Format{table.CSV, table.Parquet} {
			want := write(t, reader(t, file), o, 1, ToolColumns, format)
			if len(want) < 100_000 {
				t.Fatalf("%v: only %d bytes", mode, len(want))
			}
			for _, jobs := range []int{2, 5, 16} {
				if got := write(t, reader(t, file), o, jobs, ToolColumns, format); !bytes.Equal(got, want) {
					t.Errorf("%v, %v: %d jobs write something else than 1", mode, format, jobs)
				}
			}
		}
	}
}

// TestEveryEnd has TestJobs' mix end flows in every way that mode Default has.
func TestEveryEnd(t *testing.T) {
	file := mixture(t, mix.Spec{Connections: 800, Packets: 16_000, Span: 4 * time.Second, Seed: 3})
	o := NewOptions(Default)
	o.FlowTimeout, o.ActivityTimeout, o.IdleTimeout, o.LingerTimeout = 700*time.Millisecond, 100*time.Millisecond, 300*time.Millisecond, 100*time.Millisecond
	ends := map[End]int{}
	packets := uint64(0)
	err := Extract(t.Context(), reader(t, file), o, 3, func(f *Flow) error {
		ends[f.Reason()]++
		packets += f.Packets(Forward) + f.Packets(Backward)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []End{EndOfCapture, EndTimeout, EndIdle} {
		if ends[end] < 5 {
			t.Errorf("%d flows end with %v", ends[end], end)
		}
	}
	frames := uint64(0)
	var f packet.Frame
	for r := reader(t, file); r.Next(&f) == nil; {
		frames++
	}
	if packets != frames {
		t.Errorf("%d packets in flows, %d in the capture", packets, frames)
	}
}

// broken is a source that fails after some frames.
type broken struct {
	capture
	err error
}

func (b *broken) Next(f *packet.Frame) error {
	if err := b.capture.Next(f); err != io.EOF {
		return err
	}
	return b.err
}

// TestExtractFails returns what went wrong, with the flows until then where there are some.
func TestExtractFails(t *testing.T) {
	damage := errors.New("damaged")
	full := errors.New("the disk is full")
	some := craftTimeout()
	several := &capture{} // more than one portion, of one-packet flows
	for i := range 3000 {
		several.add(time.Duration(i), ethernet(0x0800, ip(hostA, hostB, 17, udp(uint16(i), 1, 1))))
	}
	short := NewOptions(Default)
	short.IdleTimeout = time.Nanosecond
	unknown := craftUDP()
	unknown.frames[2].LinkType, unknown.frames[4].LinkType = 230, 147
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, jobs := range []int{1, 3} {
		cases := []struct {
			name  string
			ctx   context.Context
			src   Source
			o     Options
			emit  error
			want  string
			flows int // -1: any number
		}{
			{"the source fails", t.Context(), &broken{*some.again(), damage}, NewOptions(Default), nil, "damaged", 2},
			{"the caller fails", t.Context(), several.again(), short, full, "the disk is full", 1},
			{"cancelled", canceled, several.again(), short, nil, "context canceled", -1},
			{"frames of unknown links", t.Context(), unknown.again(), NewOptions(Default), nil, "link type 147, link type 230: the headers of 2 frames cannot be read", 3},
		}
		for _, c := range cases {
			t.Run(fmt.Sprintf("%s/%d", c.name, jobs), func(t *testing.T) {
				flows := 0
				err := Extract(c.ctx, c.src, c.o, jobs, func(*Flow) error {
					flows++
					return c.emit
				})
				if err == nil || err.Error() != c.want {
					t.Errorf("%v, want %s", err, c.want)
				}
				if c.flows >= 0 && flows != c.flows {
					t.Errorf("%d flows, want %d", flows, c.flows)
				}
			})
		}
	}
	if err := Extract(t.Context(), some.again(), NewOptions(Default), 0, nil); err == nil || err.Error() != "0 jobs: there must be at least 1" {
		t.Errorf("0 jobs: %v", err)
	}
	for _, mode := range []Mode{CIC2017, CIC2021, CICFixed} { // take every link for Ethernet
		if err := Extract(t.Context(), unknown.again(), NewOptions(mode), 1, func(*Flow) error { return nil }); err != nil {
			t.Errorf("%v: %v", mode, err)
		}
	}
}

// TestWriteFails stops when the table cannot be written, however many goroutines work.
func TestWriteFails(t *testing.T) {
	file := mixture(t, mix.Spec{Connections: 2000, Packets: 20_000, Span: time.Second, Seed: 3})
	o := NewOptions(Default)
	o.IdleTimeout = 20 * time.Millisecond
	for _, jobs := range []int{1, 3} {
		layout := NewLayout(Default, ToolColumns)
		out, err := table.New(&small{left: 30_000}, table.CSV, layout.Columns())
		if err != nil {
			t.Fatal(err)
		}
		err = Write(t.Context(), reader(t, file), o, jobs, layout, out, []string{""})
		if err = errors.Join(err, out.Close()); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("%d jobs: %v", jobs, err)
		}
	}
}

// small is a writer for that many bytes.
type small struct{ left int }

func (s *small) Write(b []byte) (int, error) {
	if len(b) > s.left {
		return 0, io.ErrShortWrite
	}
	s.left -= len(b)
	return len(b), nil
}
