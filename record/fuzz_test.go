package record

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// fuzzRecord is a small run.json.
func fuzzRecord() []byte {
	digest := strings.Repeat("0", 64)
	r := Record{Format: Format, Tool: "detgen"}
	r.Run.Hosts = []Host{{Name: "client", Digest: "sha256:" + digest, Interfaces: []Interface{{
		Name: "eth0", Network: "lan", MAC: "02:00:00:00:00:01", Address: netip.MustParsePrefix("10.0.0.1/24"),
		Up: Link{Delay: Duration(time.Second), Schedule: []LinkChange{{At: 1, Link: Link{Loss: 0.1}}}, Interventions: []Intervention{{Action: DropFrame}}},
	}}}}
	r.Run.Activities = []Activity{{Name: "main", Scripts: []Script{{Host: "client"}}}}
	r.Result.Status = Complete
	r.Result.Captures = []Capture{{Host: "client", Interface: "eth0", File: "captures/client.pcap", SHA256: digest}}
	r.Result.Links = []LinkResult{{Host: "client", Interface: "eth0", Direction: Up}}
	content, err := json.Marshal(&r)
	if err != nil {
		panic(err)
	}
	return content
}

// FuzzParse reads run.json files: an error, or a record that is checked, that can be written, and that reads the same again.
func FuzzParse(f *testing.F) {
	f.Add(fuzzRecord())
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Parse(content)
		if err != nil {
			return
		}
		again, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(again); err != nil {
			t.Errorf("what was read is not read again: %v", err)
		}
	})
}

func TestFuzzRecordIsRead(t *testing.T) {
	if _, err := Parse(fuzzRecord()); err != nil {
		t.Error(err)
	}
}

// FuzzReadLinkLog reads logs of links: an error, or a log that can be written.
func FuzzReadLinkLog(f *testing.F) {
	var file bytes.Buffer
	if _, err := testLinkLog().WriteTo(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		l, err := ReadLinkLog(bytes.NewReader(content), 1000)
		if err != nil {
			return
		}
		if len(l.Events) > 1000 {
			t.Errorf("%d events", len(l.Events))
		}
		if _, err := l.WriteTo(new(bytes.Buffer)); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
