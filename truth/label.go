package truth

import (
	"fmt"
	"path/filepath"

	"detgen/record"
	"detgen/table"
)

// The files that Label writes into a run directory.
const (
	ConnectionsFile = "connections.csv"
	PacketsFile     = "packets.csv"
	TappedFile      = "tapped.csv" // only of a run with taps
	QueuesFile      = "queues.csv" // only of a run with a router that has a rate
)

// Label finds out the truth about the captures in dir, whose record is rec, and writes it into
// dir, connections.csv and packets.csv, and a summary into the record. A failed run gets no
// labels. Too many frames that cannot be explained are an error.
func Label(dir string, rec *record.Record) error {
	if rec.Result.Status != record.Complete {
		return nil
	}
	t, err := Read(dir, rec)
	if err != nil {
		return fmt.Errorf("label the run: %w", err)
	}
	summary := t.Summary()
	rec.Result.Truth = &summary
	if err := t.check(&summary); err != nil {
		return fmt.Errorf("label the run: %w", err)
	}
	if err := t.WriteConnections(filepath.Join(dir, ConnectionsFile), table.CSV); err != nil {
		return fmt.Errorf("label the run: %w", err)
	}
	if err := t.writeQueues(dir); err != nil {
		return fmt.Errorf("label the run: %w", err)
	}
	if t.hasTaps() {
		if err := t.WriteTapped(filepath.Join(dir, TappedFile), table.CSV); err != nil {
			return fmt.Errorf("label the run: %w", err)
		}
	}
	if err := t.WritePackets(filepath.Join(dir, PacketsFile), table.CSV); err != nil {
		return fmt.Errorf("label the run: %w", err)
	}
	return nil
}
