package record

import (
	"strings"
	"testing"
)

// TestParseSomeJSON takes a part of what is there, within the bounds of what is read whole.
func TestParseSomeJSON(t *testing.T) {
	var v struct{ A int }
	if err := ParseSomeJSON([]byte(`{"a": 3, "b": [1]}`), &v); err != nil || v.A != 3 {
		t.Errorf("read %+v, %v", v, err)
	}
	if err := ParseJSON([]byte(`{"a": 3, "b": [1]}`), &v); err == nil {
		t.Error("a field that is not known is read")
	}
	for _, text := range []string{`{"a": 3} x`, `{"a": "x"}`, `{"a": 3`, `{"b": [` + strings.Repeat("1,", maxElements+1) + `1]}`} {
		if err := ParseSomeJSON([]byte(text), &v); err == nil {
			t.Errorf("%.20s is read", text)
		}
	}
}
