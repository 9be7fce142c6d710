// Package hostile tests that no reader of run directories trusts what is in them.
package hostile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"detgen/record"
	"detgen/similarity"
	"detgen/table"
	"detgen/truth"
	"detgen/twin"

	"golang.org/x/sys/unix"
)

// tooLong is the error of one that took more than mostTime.
const tooLong = "took too long"

// readAll does to a run directory what every command that reads one does, and writes what a user would see. It gives the
// first error of each reader.
func readAll(dir string, unchecked bool, out io.Writer) map[string]error {
	scratch, err := os.MkdirTemp("", "hostile-")
	if err != nil {
		return map[string]error{"scratch": err}
	}
	defer os.RemoveAll(scratch)
	read := func() (*record.Record, *truth.Truth, error) {
		rec, err := record.Read(dir)
		if err != nil {
			return nil, nil, err
		}
		rec.Unchecked = unchecked
		t, err := truth.Read(dir, rec)
		return rec, t, err
	}
	withTruth := func(use func(t *truth.Truth) error) func() error {
		return func() error {
			_, t, err := read()
			if err != nil {
				return err
			}
			return use(t)
		}
	}
	errs := map[string]error{}
	for name, reader := range map[string]func() error{
		"show": func() error {
			rec, t, err := read()
			if rec == nil {
				return err
			}
			o := truth.NewOverview(rec, t, err)
			if _, jsonErr := json.Marshal(o); jsonErr != nil {
				return jsonErr
			}
			if textErr := o.WriteText(out); textErr != nil {
				return textErr
			}
			return err
		},
		"story":       withTruth(func(t *truth.Truth) error { return truth.WriteStory(out, t.Story(truth.Selection{})) }),
		"pcapng":      withTruth(func(t *truth.Truth) error { return t.WritePcapng(io.Discard, "test", "") }),
		"packets":     withTruth(func(t *truth.Truth) error { return t.WritePackets(filepath.Join(scratch, "p.csv"), table.CSV) }),
		"connections": withTruth(func(t *truth.Truth) error { return t.WriteConnections(filepath.Join(scratch, "c.csv"), table.CSV) }),
		"summary":     withTruth(func(t *truth.Truth) error { t.Summary(); return nil }),
		"similarity": func() error {
			o := similarity.NewOptions()
			o.Unchecked = unchecked
			_, err := similarity.Read(dir, "", o)
			return err
		},
		"twin":      func() error { _, err := twin.Compare(dir, dir); return err },
		"positions": func() error { _, err := twin.CountPositions(dir); return err },
	} {
		start := processorTime()
		errs[name] = reader()
		if processorTime()-start > mostTime {
			errs[name] = errors.New(tooLong)
		}
	}
	return errs
}

// processorTime is what this process has used. Unlike the clock it does not go on while others use the machine.
func processorTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// report writes the errors as one line each.
func report(errs map[string]error) string {
	var b strings.Builder
	for name, err := range errs {
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", name, err)
		}
	}
	return b.String()
}
