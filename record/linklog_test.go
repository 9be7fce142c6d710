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
			{Line: 1, OriginLine: 1, Frame: 1, Origin: 2, In: 5, Due: -6, Out: 7, Delay: -8, Length: 9, Sum: 10, Queue: 11, Bit: 12, Fate: LostQueue, Marks: Intervened | Copy},
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
	got, err := ReadLinkLog(&file, 1000)
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
	event := func(change func(e *LinkEvent)) []byte {
		l := testLinkLog()
		change(&l.Events[1])
		var file bytes.Buffer
		if _, err := l.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	header := func(change func(l *LinkLog)) []byte {
		l := testLinkLog()
		change(l)
		var file bytes.Buffer
		if _, err := l.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	}
	for name, content := range map[string][]byte{
		"empty":           {},
		"cut header":      whole[:30],
		"cut event":       whole[:len(whole)-1],
		"another version": other,
		"unknown line":    event(func(e *LinkEvent) { e.Line = 2 }),
		"frame number":    event(func(e *LinkEvent) { e.Frame = 1 << 31 }),
		"origin":          event(func(e *LinkEvent) { e.Origin = 3 }),
		"length":          event(func(e *LinkEvent) { e.Length = 1 << 30 }),
		"bit":             event(func(e *LinkEvent) { e.Marks, e.Bit = Corrupted, 8*e.Length }),
		"direction":       header(func(l *LinkLog) { l.Lines[0].Direction = "device" }),
		"line twice":      header(func(l *LinkLog) { l.Lines[1] = l.Lines[0] }),
		"too many events": header(func(l *LinkLog) { l.Events = make([]LinkEvent, 1001) }),
	} {
		if l, err := ReadLinkLog(bytes.NewReader(content), 1000); err == nil {
			t.Errorf("%s: read without error: %+v", name, l)
		}
	}
}
