package table

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

var example = []Column{
	{Name: "time", Kind: Time, Unit: "ns", Doc: "When."},
	{Name: "z", Kind: Int},
	{Name: "a rate/s", Kind: Float, Optional: true},
	{Name: "text", Kind: Text},
	{Name: "address", Kind: Text},
	{Name: "ok", Kind: Bool},
	{Name: "z", Kind: Int},
}

// fill writes two batches of rows.
func fill(t *testing.T, f *File) {
	t.Helper()
	b := f.NewBatch()
	buffer := []byte("bytes")
	for i := range 3 {
		b.Time(1_700_000_000_000_000_001)
		b.Int(int64(-i))
		switch i {
		case 0:
			b.Null()
		case 1:
			b.Float(0.1)
		default:
			b.Float(math.Inf(1))
		}
		if i == 0 {
			b.TextBytes(buffer)
			copy(buffer, "other")
		} else {
			b.Text("a \"b\",\nc")
		}
		if i == 1 {
			b.Addr(netip.Addr{})
		} else {
			b.Addr(netip.MustParseAddr("2001:db8::1"))
		}
		b.Bool(i == 2)
		b.Int(7)
		b.EndRow()
		if i == 1 {
			if err := f.Write(b); err != nil {
				t.Fatal(err)
			}
			b = f.NewBatch()
		}
	}
	if err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

const exampleCSV = `time,z,a rate/s,text,address,ok,z
1700000000000000001,0,,bytes,2001:db8::1,0,7
1700000000000000001,-1,0.1,"a ""b"",
c",,0,7
1700000000000000001,-2,Infinity,"a ""b"",
c",2001:db8::1,1,7
`

func TestCSV(t *testing.T) {
	var out bytes.Buffer
	f, err := New(&out, CSV, example)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out.String() != exampleCSV {
		t.Errorf("wrote\n%s\nwant\n%s", out.String(), exampleCSV)
	}
	if f.Rows() != 3 {
		t.Errorf("%d rows, want 3", f.Rows())
	}
}

func TestParquetReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.parquet")
	f, err := Create(path, Parquet, example)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, f)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range in.Schema().Columns() {
		names = append(names, c[0])
	}
	if got, want := strings.Join(names, ","), "time,z,a rate/s,text,address,ok,z.1"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	rows := make([]parquet.Row, 10)
	r := parquet.NewReader(in)
	defer r.Close()
	n, err := r.ReadRows(rows)
	if err != nil && err != io.EOF || n != 3 {
		t.Fatalf("%d rows, %v", n, err)
	}
	var got []string
	for _, row := range rows[:n] {
		for _, v := range row {
			got = append(got, v.String())
		}
	}
	want := "1700000000000000001|0|<null>|bytes|2001:db8::1|false|7|" +
		"1700000000000000001|-1|0.1|a \"b\",\nc||false|7|" +
		"1700000000000000001|-2|+Inf|a \"b\",\nc|2001:db8::1|true|7"
	if strings.Join(got, "|") != want {
		t.Errorf("read %q\nwant %q", strings.Join(got, "|"), want)
	}
}

func TestFileAppearsWhenComplete(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.csv")
	f, err := Create(path, CSV, example)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there before Close: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	f, err = Create(path+"2", CSV, example)
	if err != nil {
		t.Fatal(err)
	}
	f.Abort()
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("after Abort there are %v", left)
	}
}

func TestFloat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {math.Copysign(0, -1), "-0"}, {-3, "-3"}, {1e15, "1000000000000000"}, {1e300, "1e+300"}, {1.0 / 3, "0.3333333333333333"},
		{math.NaN(), "NaN"}, {math.Inf(-1), "-Infinity"}, {1e-7, "1e-07"},
	} {
		if got := string(appendFloat(nil, c.v)); got != c.want {
			t.Errorf("%g: %s, want %s", c.v, got, c.want)
		}
	}
}

// TestNumbers adds numbers at once, and each by itself.
func TestNumbers(t *testing.T) {
	numbers := []float64{0, math.Copysign(0, -1), 9, 10, -1, 0.5, 9.5, -2.5, 1e6, 123456.75, 1 << 60, 1e300, math.NaN(), math.Inf(-1)}
	for _, format := range []Format{CSV, Parquet} {
		var got [2]bytes.Buffer
		for i := range got {
			columns := []Column{{Name: "before", Kind: Text}}
			for j := range numbers {
				columns = append(columns, Column{Name: fmt.Sprint("f", j), Kind: Float}, Column{Name: fmt.Sprint("i", j), Kind: Int})
			}
			f, err := New(&got[i], format, append(columns, Column{Name: "after", Kind: Int}))
			if err != nil {
				t.Fatal(err)
			}
			b := f.NewBatch()
			b.Text("x")
			var all []float64
			for _, v := range numbers {
				whole := math.Trunc(max(-100, min(100, v)))
				if math.IsNaN(whole) {
					whole = 7.9
				}
				if all = append(all, v, whole); i == 0 {
					b.Float(v)
					b.Int(int64(whole))
				}
			}
			if i == 1 {
				b.Numbers(all[:3])
				b.Numbers(all[3:])
			}
			b.Int(1)
			b.EndRow()
			if err := errors.Join(f.Write(b), f.Close()); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got[0].Bytes(), got[1].Bytes()) {
			t.Errorf("%v: %q, want %q", format, &got[1], &got[0])
		}
	}
}

func TestMisusePanics(t *testing.T) {
	for name, wrong := range map[string]func(b *Batch){
		"kind":      func(b *Batch) { b.Int(1) },
		"short row": func(b *Batch) { b.Time(1); b.EndRow() },
		"null":      func(b *Batch) { b.Null() },
		"numbers":   func(b *Batch) { b.Numbers([]float64{12}) },
		"too many":  func(b *Batch) { b.Numbers(make([]float64, len(example)+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			f, err := New(io.Discard, CSV, example)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			wrong(f.NewBatch())
		})
	}
}

func TestFormatFor(t *testing.T) {
	for _, c := range []struct {
		name, path string
		want       Format
		bad        bool
	}{
		{"", "a.csv", CSV, false}, {"", "a.Parquet", Parquet, false}, {"parquet", "-", Parquet, false}, {"", "-", CSV, false},
		{"xls", "a.csv", "", true},
	} {
		got, err := FormatFor(c.name, c.path)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("FormatFor(%q, %q) = %q, %v", c.name, c.path, got, err)
		}
	}
}

func BenchmarkRow(b *testing.B) {
	var columns []Column
	for i := range 80 {
		columns = append(columns, Column{Name: string(rune('a' + i)), Kind: Float})
	}
	for _, format := range []Format{CSV, Parquet} {
		b.Run(string(format), func(b *testing.B) {
			f, err := New(io.Discard, format, columns)
			if err != nil {
				b.Fatal(err)
			}
			batch := f.NewBatch()
			n := 0
			for b.Loop() {
				n++
				for i := range 80 {
					if i%4 == 0 {
						batch.Float(float64(n) / float64(i+7))
					} else {
						batch.Float(float64(n))
					}
				}
				batch.EndRow()
				if batch.Rows() == 1024 {
					f.Write(batch)
					batch = f.NewBatch()
				}
			}
		})
	}
}

// TestParquetAsCSV reads a table in Parquet as the CSV that the same rows are.
func TestParquetAsCSV(t *testing.T) {
	folder := t.TempDir()
	var texts []string
	for _, format := range []Format{CSV, Parquet} {
		path := filepath.Join(folder, fmt.Sprint(format))
		f, err := Create(path, format, example)
		if err != nil {
			t.Fatal(err)
		}
		fill(t, f)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if format == Parquet {
			in, err := AsCSV(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			defer in.Close()
			if data, err = io.ReadAll(in); err != nil {
				t.Fatal(err)
			}
		}
		texts = append(texts, string(data))
	}
	body := func(text string) string { _, rest, _ := strings.Cut(text, "\n"); return rest } // names that are there twice differ
	if body(texts[0]) != body(texts[1]) {
		t.Errorf("as CSV:\n%s\nfrom Parquet:\n%s", texts[0], texts[1])
	}
	if _, err := AsCSV(strings.NewReader("no Parquet at all"), 17); err == nil {
		t.Error("what is no Parquet is no error")
	}
}
