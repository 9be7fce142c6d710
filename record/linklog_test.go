package record

import (
	"bytes"
	"reflect"
	"testing"
	"time"
)

func testLinkLog() *LinkLog {
	return &LinkLog{
		Start: time.Unix(1000, 5).UTC(),
		Seed:  7,
		Lines: []LinkLine{{"client", "eth0", "up"}, {"client", "eth0", "down"}},
		Events: []LinkEvent{
			{},
			{Line: 1, OriginLine: 1, Frame: 3, Origin: 4, In: 5, Due: -6, Out: 7, Delay: -8, Length: 9, Sum: 10, Queue: 11, Bit: 12, Fate: LostQueue, Marks: Intervened | Copy},
		},
	}
}

func TestLinkLogReadsAsWritten(t *testing.T) {
	want := testLinkLog()
	var file bytes.Buffer
	n, err := want.WriteTo(&file)
	if err != nil || n != int64(file.Len()) {
		t.Fatalf("wrote %d bytes, said %d, %v", file.Len(), n, err)
	}
	got, err := ReadLinkLog(&file)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
}

func TestReadLinkLogRefusesDamage(t *testing.T) {
	var file bytes.Buffer
	if _, err := testLinkLog().WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	other := bytes.Clone(whole)
	other[len(linkLogMagic)-1]++
	line := bytes.Clone(whole)
	line[len(line)-eventSize] = 2
	for name, content := range map[string][]byte{
		"empty":           {},
		"cut header":      whole[:30],
		"cut event":       whole[:len(whole)-1],
		"another version": other,
		"unknown line":    line,
	} {
		if l, err := ReadLinkLog(bytes.NewReader(content)); err == nil {
			t.Errorf("%s: read without error: %+v", name, l)
		}
	}
}
