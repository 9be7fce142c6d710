package record

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseInterventions(t *testing.T) {
	first := Selector{Kind: ByData, N: 5, Connection: 1, Copies: 1}
	for text, want := range map[string][]Intervention{
		"drop=data:5":   {{Action: DropFrame, Select: first}},
		"swap=data:5":   {{Action: SwapFrame, Select: first}},
		"drop=syn-ack":  {{Action: DropFrame, Select: Selector{Kind: BySYNACK, N: 1, Connection: 1, Copies: 1}}},
		"corrupt=12":    {{Action: CorruptFrame, Select: Selector{Kind: ByFrame, N: 12}}},
		"drop=offset:0": {{Action: DropFrame, Select: Selector{Kind: ByOffset, Connection: 1, Copies: 1}}},
		"delay(30ms)=frame:7,data:5": {
			{Action: DelayFrame, Delay: Duration(30 * time.Millisecond), Select: Selector{Kind: ByFrame, N: 7}},
			{Action: DelayFrame, Delay: Duration(30 * time.Millisecond), Select: first},
		},
		"duplicate=conn:any/fin/every; drop=conn:2/ack:3/copies:4": {
			{Action: DuplicateFrame, Select: Selector{Kind: ByFIN, N: 1, Connection: AnyConnection, Copies: AllCopies}},
			{Action: DropFrame, Select: Selector{Kind: ByACK, N: 3, Connection: 2, Copies: 4}},
		},
	} {
		got, err := ParseInterventions(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %+v, %v; want %+v", text, got, err, want)
		}
		for _, i := range got {
			again, err := ParseIntervention(i.String())
			if err != nil || !slices.Equal(again, []Intervention{i}) {
				t.Errorf("%s: written as %s, read as %+v, %v", text, i, again, err)
			}
		}
	}
}

func TestParseInterventionsNamesTheMistake(t *testing.T) {
	for text, want := range map[string]string{
		"":                         "must be ACTION=SELECTOR",
		"data:5":                   "must be ACTION=SELECTOR",
		"lose=data:5":              `action "lose"`,
		"drop=":                    "must choose frame",
		"drop=word:5":              "must choose frame",
		"drop=data:x":              "must be a number",
		"drop=data:0":              "counting starts at 1",
		"drop=offset":              "needs a number of bytes",
		"delay=data:5":             "must say how long",
		"delay(5)=data:5":          `duration "5"`,
		"delay(-5ms)=data:5":       `duration "-5ms"`,
		"drop(5ms)=data:5":         "takes no duration",
		"drop=conn:0/data:5":       "conn must be a number from 1",
		"drop=conn:2":              "must be followed by a slash",
		"drop=data:5/twice":        "must come every or copies",
		"drop=data:5/copies:0":     "must come every or copies",
		"drop=conn:1/frame:5":      "neither conn nor copies",
		"drop=frame:5/every":       "neither conn nor copies",
		"drop=data:1;drop=data:-1": "must be a number",
	} {
		_, err := ParseInterventions(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}
