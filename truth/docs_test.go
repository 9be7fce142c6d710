package truth

import (
	"testing"

	"detgen/flow"
	"detgen/internal/docs"
	"detgen/table"
)

func TestColumnsAreDocumented(t *testing.T) {
	docs.Compare(t, "../docs/truth.md", "packet columns", table.Document(PacketColumns()))
	columns := ConnectionColumns()
	docs.Compare(t, "../docs/truth.md", "connection columns", table.Document(columns[:len(columns)-flow.Statistics]))
	docs.Compare(t, "../docs/paths.md", "queue columns", table.Document(QueueColumns()))
}
