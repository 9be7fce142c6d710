package table

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// number is a table's only column here.
var number = []Column{{Name: "n", Kind: Int}}

// TestOrdered: batches stand in the order in which they were added, however long each takes.
func TestOrdered(t *testing.T) {
	const batches, rows = 200, 3
	want := "n\n"
	for i := range batches * rows {
		want += fmt.Sprintln(i)
	}
	for _, jobs := range []int{1, 2, 7} {
		var out bytes.Buffer
		file, err := New(&out, CSV, number)
		if err != nil {
			t.Fatal(err)
		}
		o := NewOrdered(file, jobs)
		for i := range batches {
			o.Add(func(b *Batch) {
				for range i * 37 % 11 {
					runtime.Gosched() // so that others overtake it
				}
				for j := range rows {
					b.Int(int64(i*rows + j))
					b.EndRow()
				}
			})
		}
		if err := errors.Join(o.Close(), file.Close()); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%d jobs: rows are not in order: %.100q", jobs, out.String())
		}
	}
}

// full is an output that cannot be written to.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

// TestOrderedFails: an output that is full is an error of Close, and does not keep the goroutines waiting.
func TestOrderedFails(t *testing.T) {
	for _, jobs := range []int{1, 3} {
		file, err := New(full{}, CSV, []Column{{Name: "t", Kind: Text}})
		if err != nil {
			t.Fatal(err)
		}
		o := NewOrdered(file, jobs)
		for range 100 {
			o.Add(func(b *Batch) {
				b.Text(strings.Repeat("x", 100_000))
				b.EndRow()
			})
		}
		if err := o.Close(); err == nil || !strings.Contains(err.Error(), "no space") {
			t.Errorf("%d jobs: %v", jobs, err)
		}
	}
}
