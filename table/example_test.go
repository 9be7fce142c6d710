package table_test

import (
	"log"

	"detgen/table"
)

// A table is written in batches of rows.
func ExampleFile() {
	file, err := table.Create("-", table.CSV, []table.Column{{Name: "host", Kind: table.Text}, {Name: "packets", Kind: table.Int}})
	if err != nil {
		log.Fatal(err)
	}
	defer file.Abort()
	b := file.NewBatch()
	b.Text("client")
	b.Int(12)
	b.EndRow()
	if err := file.Write(b); err != nil {
		log.Fatal(err)
	}
	if err := file.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// host,packets
	// client,12
}
