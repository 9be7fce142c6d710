package qemu

import (
	"bytes"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// savedState is the start of a saved state of QEMU 7.2, as far as the clock needs it: the clock's part with its bias and
// the executed instructions, and the recorder's with the instruction of its last event.
func savedState(bias, executed, last uint64) []byte {
	b := []byte("QEVM\x00\x00\x00\x03\x04\x00\x00\x00\x00\x05timer")
	b = append(b, make([]byte, 32)...)
	b = append(b, "\x05\x0ctimer/icount\x00\x00\x00\x01"...)
	b = binary.BigEndian.AppendUint64(b, bias)
	b = binary.BigEndian.AppendUint64(b, executed)
	b = append(b, "\x7e\x00\x00\x00\x00\x04\x00\x00\x00\x01\x06replay\x00\x00\x00\x00\x00\x00\x00\x02"...)
	b = append(b, make([]byte, 16)...)
	b = binary.BigEndian.AppendUint64(b, last)
	return append(b, make([]byte, 40)...)
}

func TestSettleClock(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []byte
		want          string // in the error; "" for none
	}{
		"nothing was skipped":      {savedState(0, 900, 700), savedState(0, 900, 700), ""},
		"skipped while stopping":   {savedState(461586, 900, 900), savedState(0, 900, 900), ""},
		"skipped before the pause": {savedState(461586, 900, 700), savedState(461586, 900, 700), "waited for 461586 ns before its pause"},
		"another layout":           {make([]byte, 500), make([]byte, 500), "no clock"},
		"cut off":                  {savedState(1, 900, 900)[:120], savedState(1, 900, 900)[:120], "no clock"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := os.CreateTemp(t.TempDir(), "state")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.Write(c.before); err != nil {
				t.Fatal(err)
			}
			err = settleClock(f)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
			if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, c.after) {
				t.Errorf("the state is\n%x (%v), want\n%x", got, err, c.after)
			}
		})
	}
}
