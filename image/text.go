package image

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/term"
)

// Lines gives a Progress function that writes a line whenever an image is built or failed, with the time that it took; on
// a terminal also for each step. Calls must come one at a time.
func Lines(out io.Writer) func(Progress) {
	file, ok := out.(*os.File)
	steps := ok && term.IsTerminal(int(file.Fd()))
	started := map[string]time.Time{}
	return func(p Progress) {
		if _, ok := started[p.Image]; !ok {
			started[p.Image] = time.Now()
		}
		if steps || p.Step == Built || p.Step == Failed {
			fmt.Fprintf(out, "image %-16s %6.1f s  %s\n", p.Image, time.Since(started[p.Image]).Seconds(), p.Step)
		}
	}
}

// WriteTable prints a line for each image.
func WriteTable(out io.Writer, list []Status) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tDIGEST\tBUILT\tSIZE\tPACKAGES\tABOUT")
	for _, i := range list {
		built, size, packages := "no", "", ""
		if i.Packed > 0 {
			built = "packed"
		}
		if i.Built {
			built, size, packages = "yes", megabytes(i.Bytes), fmt.Sprint(i.Packages)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", i.Name, strings.TrimPrefix(i.Digest, "sha256:")[:12], built, size, packages, i.About)
	}
	return w.Flush()
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }
