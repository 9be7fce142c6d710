package model

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain makes the test program a command model when it is asked to be one.
func TestMain(m *testing.M) {
	if how := os.Getenv("DETGEN_TEST_MODEL"); how != "" {
		beModel(how)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beModel is a model that adds up rows, with faults.
func beModel(how string) {
	hello := `{"detgen": 1, "name": "sum", "kind": "flow", "columns": ["a", "b"], "batch": 4}`
	switch how {
	case "nohello":
		fmt.Fprintln(os.Stderr, "module not found")
		os.Exit(3)
	case "oldhello":
		hello = `{"detgen": 9, "kind": "flow", "columns": ["a"]}`
	case "wronghello":
		hello = `{"detgen": 1, "kind": "flow", "colums": ["a"]}`
	case "nocolumns":
		hello = `{"detgen": 1, "kind": "flow"}`
	case "text":
		hello = "Loading weights..."
	case "constant":
		hello = `{"detgen": 1, "kind": "packets"}`
	case "lower":
		hello = `{"detgen": 1, "name": "sum", "kind": "flow", "columns": ["a", "b"], "direction": "lower", "threshold": 3}`
	}
	fmt.Println(hello)
	out := bufio.NewWriter(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for how == "constant" && lines.Scan() {
		if _, rest, ok := strings.Cut(lines.Text(), `"id":"`); ok {
			id, _, _ := strings.Cut(rest, `"`)
			fmt.Fprintf(out, "{\"id\": %q, \"score\": 0.5}\n", id)
		} else {
			out.Flush()
		}
	}
	var batch []string
	for lines.Scan() {
		if lines.Text() != "" {
			var item struct {
				ID  string
				Row []*float64
			}
			if err := json.Unmarshal(lines.Bytes(), &item); err != nil {
				panic(err)
			}
			sum, id := 0.0, item.ID
			for _, x := range item.Row {
				if x != nil {
					sum += *x
				}
			}
			text := fmt.Sprint(sum)
			if item.ID == "r/7" {
				switch how {
				case "crash":
					fmt.Fprintln(os.Stderr, "ValueError: input contains NaN")
					out.Flush()
					os.Exit(1)
				case "hang":
					select {}
				case "garbage":
					fmt.Fprintln(out, "epoch 1 of 3")
				case "other":
					id = "x/1"
				case "twice":
					id = "r/6"
				case "nan":
					text = "NaN"
				case "null":
					text = "null"
				}
			}
			batch = append(batch, fmt.Sprintf(`{"id": %q, "score": %s}`, id, text))
			continue
		}
		for i := range batch { // the last one first: any order is good
			fmt.Fprintln(out, batch[len(batch)-1-i])
		}
		batch = batch[:0]
		out.Flush()
	}
}

// testCommand names the test program as a command model.
func testCommand(how string) string { return "cmd:DETGEN_TEST_MODEL=" + how + " '" + os.Args[0] + "'" }

func sums(n int) (items []Item) {
	for i := range n {
		items = append(items, Item{ID: fmt.Sprintf("r/%d", i+1), Row: []float64{float64(i), 0.5}})
	}
	return items
}

func TestCommand(t *testing.T) {
	m, err := Open(testCommand("good"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	for _, n := range []int{1, 4, 10, 200} {
		items := sums(n)
		got, err := m.Score(context.Background(), items)
		if err != nil {
			t.Fatal(err)
		}
		if err := Check(m.Describe(), items, got); err != nil {
			t.Error(err)
		}
		if got[n-1].Score != float64(n)-0.5 {
			t.Errorf("of %d items the last has %v", n, got[n-1])
		}
	}
}

func TestCommandWhoseScoresAreLowerForAttacks(t *testing.T) {
	m, err := Open(testCommand("lower"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	got, err := m.Score(context.Background(), sums(2))
	if err != nil || got[1].Score != -1.5 || *m.Describe().Threshold != -3 {
		t.Errorf("%v, %v, threshold %v", got, err, *m.Describe().Threshold)
	}
}

func TestWhatCommandsDoWrong(t *testing.T) {
	for how, test := range map[string]struct {
		wrong string
		kept  int // scores, at least
	}{
		"crash":   {"item r/7: it ended: exit status 1; it said: ValueError: input contains NaN", 6},
		"hang":    {"item r/5: it printed nothing for 300ms", 4},
		"garbage": {`it printed "epoch 1 of 3"`, 4},
		"other":   {`a score for item "x/1", which it was not asked for`, 4},
		"twice":   {"item r/6: it gave two scores", 4},
		"nan":     {"item r/7: the model's score is NaN", 4},
		"null":    {`item r/7: "score" is missing`, 4},
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			patience := time.Minute
			if how == "hang" {
				patience = 300 * time.Millisecond
			}
			m, err := Open(testCommand(how), Options{Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			m.(*command).options.Timeout = patience
			got, err := m.Score(context.Background(), sums(12))
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("error %v, want %q in it", err, test.wrong)
			}
			if len(got) < test.kept || got[3].Score != 3.5 {
				t.Errorf("kept %v, want at least %d", got, test.kept)
			}
			m.(*command).options.Timeout = time.Minute
			again, err := m.Score(context.Background(), sums(3))
			if err != nil || len(again) != 3 {
				t.Errorf("afterwards: %v, %v", again, err)
			}
		})
	}
}

func TestHello(t *testing.T) {
	for how, wrong := range map[string]string{
		"nohello":    "exit status 3; it said: module not found",
		"oldhello":   "its format is 9",
		"wronghello": `unknown field "colums"`,
		"nocolumns":  "columns: a model of flow rows has to name its columns",
		"text":       `its first line is "Loading weights..."`,
	} {
		if _, err := Open(testCommand(how), Options{}); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", how, err, wrong)
		}
	}
	if _, err := Open("cmd: ", Options{}); err == nil {
		t.Error("an empty command is none")
	}
}

func TestInterruptedCommandEnds(t *testing.T) {
	m, err := Open(testCommand("hang"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	process := m.(*command).process
	if _, err := m.Score(ctx, sums(12)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if process.cmd.ProcessState == nil {
		t.Error("its process is not ended")
	}
}

func TestWholeFiles(t *testing.T) {
	awk := `cmd:awk -F, -v OFS=, 'NR == 1 {print "id,score"} NR > 1 {print $1, $2 + 1}' {in} > {out}`
	m, err := Open(awk, Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := m.Describe()
	if d.Kind != Flows || len(d.Columns) != 78 {
		t.Errorf("kind %s, %d columns", d.Kind, len(d.Columns))
	}
	items := sums(3)
	for i := range items {
		items[i].Row = make([]float64, 78)
		items[i].Row[0] = float64(i)
	}
	got, err := m.Score(context.Background(), items)
	if err != nil || len(got) != 3 || got[2].Score != 3 {
		t.Errorf("%v, %v", got, err)
	}
	for text, wrong := range map[string]string{
		"cmd:cat {in} > {out}":                                                    "its columns are id,destination port",
		"cmd:echo no such file >&2; false {in} {out}":                             "items r/1 and after: exit status 1; it said: no such file",
		"cmd:true {in} {out}":                                                     "it wrote no file of scores",
		"cmd:printf 'id,score\\nr/1,1\\n' > {out} # {in}":                         "item r/2: it wrote no score",
		"cmd:printf 'id,score\\nr/1,1\\nr/2,1\\nr/3,1\\nr/4,1\\n' > {out} # {in}": `a score for item "r/4"`,
	} {
		m, err := Open(text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Score(context.Background(), items); err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", text, err, wrong)
		}
	}
	if _, err := Open("cmd:score > {out}", Options{}); err == nil || !strings.Contains(err.Error(), "lacks the file") {
		t.Errorf("without {in}: %v", err)
	}
}

// BenchmarkCommand measures what the interface costs: 40 steps of 20 columns.
func BenchmarkCommand(b *testing.B) {
	m, err := Open(testCommand("constant"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	steps := make([][]float32, 40)
	for i := range steps {
		steps[i] = make([]float32, 20)
		for k := range steps[i] {
			steps[i][k] = float32(i) * 0.37 / float32(k+1)
		}
	}
	items := make([]Item, 2000)
	for i := range items {
		items[i] = Item{ID: fmt.Sprintf("run/%d", i), Steps: steps}
	}
	before := processorTime(b)
	for b.Loop() {
		if _, err := m.Score(context.Background(), items); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processorTime(b)-before)*1000/float64(b.N*len(items)), "cpu-ms/item")
}

// processorTime is what this process used so far, seconds.
func processorTime(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
