// Command mixgen writes the capture on which the speed of detgen flows and detgen packets is measured
// (docs/performance.md):
//
//	go run ./internal/mixgen FILE
package main

import (
	"fmt"
	"os"
	"strings"

	"detgen/internal/mix"
)

func main() {
	if len(os.Args) != 2 || strings.HasPrefix(os.Args[1], "-") {
		fmt.Fprintln(os.Stderr, "mixgen: name the file to write")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "mixgen:", err)
		os.Exit(1)
	}
}

func write(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	summary, err := mix.Write(file, mix.Bench())
	if err != nil {
		file.Close()
		return err
	}
	fmt.Printf("%d packets, %d connections, %d bytes a packet\n", summary.Packets, summary.Connections, summary.Bytes/int64(max(1, summary.Packets)))
	return file.Close()
}
