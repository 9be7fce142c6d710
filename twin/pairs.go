package twin

import (
	"bufio"
	"encoding/csv"
	"os"
	"strconv"
	"time"
)

// WritePairs writes the aligned frames as CSV: host, interface, what, number_a, number_b (empty
// where missing), after_a_ns, after_b_ns, same_bytes.
func (r *Report) WritePairs(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	buffered := bufio.NewWriter(f)
	w := csv.NewWriter(buffered)
	w.Write([]string{"host", "interface", "what", "number_a", "number_b", "after_a_ns", "after_b_ns", "same_bytes"})
	side := func(number uint64, after time.Duration) (string, string) {
		if number == 0 {
			return "", ""
		}
		return strconv.FormatUint(number, 10), strconv.FormatInt(int64(after), 10)
	}
	for _, p := range r.Pairs {
		na, ta := side(p.NumberA, p.AfterA)
		nb, tb := side(p.NumberB, p.AfterB)
		w.Write([]string{p.Host, p.Interface, p.What, na, nb, ta, tb, strconv.FormatBool(p.SameBytes)})
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	return f.Close()
}
