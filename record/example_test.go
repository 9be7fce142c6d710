package record_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"detgen/record"
)

// A run directory has another name until it is complete; then it is read by its own.
func ExampleCreate() {
	folder, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	dir := filepath.Join(folder, "run")
	staging, err := record.Create(dir)
	if err != nil {
		log.Fatal(err)
	}
	run := record.Run{Seed: 7, Hosts: []record.Host{{Name: "client", Digest: "sha256:" + strings.Repeat("0", 64)}}, Activities: []record.Activity{{Name: "main", Scenario: "ping", Task: "echo", Scripts: []record.Script{{Host: "client", Text: "ping server"}}}}}
	if err := staging.Commit(&record.Record{Run: run, Result: record.Result{Status: record.Complete}}); err != nil {
		log.Fatal(err)
	}
	r, err := record.Read(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Run.Activities[0].Scenario, r.Run.Seed, r.Result.Status)
	// Output: ping 7 complete
}

// A selector names frames by what they are in their connection.
func ExampleParseIntervention() {
	list, err := record.ParseIntervention("drop=data:5,conn:2/syn-ack/every")
	if err != nil {
		log.Fatal(err)
	}
	for _, i := range list {
		fmt.Println(i.Action, "connection", i.Select.Connection, i.Select.Kind, i.Select.N, "every copy:", i.Select.Copies == record.AllCopies)
	}
	// Output:
	// drop connection 1 data 5 every copy: false
	// drop connection 2 syn-ack 1 every copy: true
}
