package flow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"detgen/table"
)

// headers are the header lines as the files have them.
var headers = []struct {
	mode  Mode
	set   ColumnSet
	count int
	line  string // "" where the reference output of the mode has it
}{
	{CIC2017, CICIDS2017Columns, 85, "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Fwd Packet Length Max, Fwd Packet Length Min, Fwd Packet Length Mean, Fwd Packet Length Std,Bwd Packet Length Max, Bwd Packet Length Min, Bwd Packet Length Mean, Bwd Packet Length Std,Flow Bytes/s, Flow Packets/s, Flow IAT Mean, Flow IAT Std, Flow IAT Max, Flow IAT Min,Fwd IAT Total, Fwd IAT Mean, Fwd IAT Std, Fwd IAT Max, Fwd IAT Min,Bwd IAT Total, Bwd IAT Mean, Bwd IAT Std, Bwd IAT Max, Bwd IAT Min,Fwd PSH Flags, Bwd PSH Flags, Fwd URG Flags, Bwd URG Flags, Fwd Header Length, Bwd Header Length,Fwd Packets/s, Bwd Packets/s, Min Packet Length, Max Packet Length, Packet Length Mean, Packet Length Std, Packet Length Variance,FIN Flag Count, SYN Flag Count, RST Flag Count, PSH Flag Count, ACK Flag Count, URG Flag Count, CWE Flag Count, ECE Flag Count, Down/Up Ratio, Average Packet Size, Avg Fwd Segment Size, Avg Bwd Segment Size, Fwd Header Length,Fwd Avg Bytes/Bulk, Fwd Avg Packets/Bulk, Fwd Avg Bulk Rate, Bwd Avg Bytes/Bulk, Bwd Avg Packets/Bulk,Bwd Avg Bulk Rate,Subflow Fwd Packets, Subflow Fwd Bytes, Subflow Bwd Packets, Subflow Bwd Bytes,Init_Win_bytes_forward, Init_Win_bytes_backward, act_data_pkt_fwd, min_seg_size_forward,Active Mean, Active Std, Active Max, Active Min,Idle Mean, Idle Std, Idle Max, Idle Min, Label"},
	{CIC2017, MLColumns, 79, " Destination Port, Flow Duration, Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets, Fwd Packet Length Max, Fwd Packet Length Min, Fwd Packet Length Mean, Fwd Packet Length Std,Bwd Packet Length Max, Bwd Packet Length Min, Bwd Packet Length Mean, Bwd Packet Length Std,Flow Bytes/s, Flow Packets/s, Flow IAT Mean, Flow IAT Std, Flow IAT Max, Flow IAT Min,Fwd IAT Total, Fwd IAT Mean, Fwd IAT Std, Fwd IAT Max, Fwd IAT Min,Bwd IAT Total, Bwd IAT Mean, Bwd IAT Std, Bwd IAT Max, Bwd IAT Min,Fwd PSH Flags, Bwd PSH Flags, Fwd URG Flags, Bwd URG Flags, Fwd Header Length, Bwd Header Length,Fwd Packets/s, Bwd Packets/s, Min Packet Length, Max Packet Length, Packet Length Mean, Packet Length Std, Packet Length Variance,FIN Flag Count, SYN Flag Count, RST Flag Count, PSH Flag Count, ACK Flag Count, URG Flag Count, CWE Flag Count, ECE Flag Count, Down/Up Ratio, Average Packet Size, Avg Fwd Segment Size, Avg Bwd Segment Size, Fwd Header Length,Fwd Avg Bytes/Bulk, Fwd Avg Packets/Bulk, Fwd Avg Bulk Rate, Bwd Avg Bytes/Bulk, Bwd Avg Packets/Bulk,Bwd Avg Bulk Rate,Subflow Fwd Packets, Subflow Fwd Bytes, Subflow Bwd Packets, Subflow Bwd Bytes,Init_Win_bytes_forward, Init_Win_bytes_backward, act_data_pkt_fwd, min_seg_size_forward,Active Mean, Active Std, Active Max, Active Min,Idle Mean, Idle Std, Idle Max, Idle Min, Label"},
	{CIC2017, ToolColumns, 84, ""},
	{CIC2021, ToolColumns, 84, ""},
	{CICFixed, ToolColumns, 94, ""},
}

// TestHeaders writes the header lines of the CICIDS-17 files and of the tools, in every mode for the former.
func TestHeaders(t *testing.T) {
	for _, h := range headers {
		modes := []Mode{h.mode}
		if h.line != "" {
			modes = []Mode{CIC2017, CIC2021, CICFixed, CNS2022, Default}
		}
		for _, mode := range modes {
			line, _, _ := strings.Cut(string(write(t, &capture{}, NewOptions(mode), 1, h.set, table.CSV)), "\n")
			if n := strings.Count(line, ",") + 1; n != h.count {
				t.Errorf("%v, %v: %d columns, want %d", mode, h.set, n, h.count)
			}
			if h.line != "" && line != h.line {
				t.Errorf("%v, %v:\n%s\nwant\n%s", mode, h.set, line, h.line)
			}
		}
	}
}

// TestColumnNames has no name twice in the columns of mode Default, and the column after the capture's name first.
func TestColumnNames(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range NewLayout(Default, ToolColumns).Columns() {
		if seen[c.Name] || c.Name == "" {
			t.Errorf("%q is there twice, or empty", c.Name)
		}
		seen[c.Name] = true
		if c.Doc == "" {
			t.Errorf("%s is not described", c.Name)
		}
	}
}

// TestVector gives the numbers that the tables have between Flow Duration and Idle Min.
func TestVector(t *testing.T) {
	names := StatisticNames()
	if len(names) != 76 || names[0] != "Flow Duration" || names[75] != "Idle Min" {
		t.Fatalf("%d statistics: %v", len(names), names)
	}
	for _, mode := range []Mode{CIC2017, CIC2021, CICFixed, CNS2022, Default} {
		var vectors [][Statistics]float64
		err := Extract(t.Context(), craftTimeout(), NewOptions(mode), 1, func(f *Flow) error {
			vectors = append(vectors, f.Vector())
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rows := tabulate(t, craftTimeout(), NewOptions(mode), 1, CICIDS2017Columns)
		if len(rows) != len(vectors)+1 || len(vectors) == 0 {
			t.Fatalf("%v: %d rows, %d vectors", mode, len(rows)-1, len(vectors))
		}
		for i, vector := range vectors {
			cells := append(slices.Clone(rows[i+1][7:61]), rows[i+1][62:84]...) // without the repeated column
			for j, cell := range cells {
				if v, err := strconv.ParseFloat(cell, 64); err != nil || v != vector[j] {
					t.Errorf("%v: %s = %v, in the table %s", mode, names[j], vector[j], cell)
				}
			}
		}
	}
}

// TestTimestamps writes the time of the first packet as each program does.
func TestTimestamps(t *testing.T) {
	at := time.Date(2017, 7, 5, 15, 4, 5, 678_901_234, time.UTC)
	c := &capture{}
	for range 2 {
		c.add(time.Duration(at.UnixNano()), ethernet(0x0800, ip(hostA, hostB, 17, udp(1, 2, 3))))
	}
	for mode, want := range map[Mode]string{CIC2017: "05/07/2017 03:04:05", CIC2021: "05/07/2017 03:04:05 PM", CICFixed: "2017-07-05 15:04:05.678901", Default: "1499267045678901234"} {
		rows := tabulate(t, c.again(), NewOptions(mode), 1, ToolColumns)
		if got := rows[1][slices.Index(rows[0], "Timestamp")]; got != want {
			t.Errorf("%v: %s, want %s", mode, got, want)
		}
	}
}

// TestJavaDouble compares with what Double.toString gives.
func TestJavaDouble(t *testing.T) {
	cases := map[float64]string{
		0: "0.0", 1: "1.0", -1: "-1.0", 0.5: "0.5", 100: "100.0", 1e-3: "0.001", 9.999e-4: "9.999E-4", 1e-4: "1.0E-4",
		9999999: "9999999.0", 1e7: "1.0E7", 12345678: "1.2345678E7", 12345678.5: "1.23456785E7", 1e100: "1.0E100", 1.5e-10: "1.5E-10",
		33.333333333333336: "33.333333333333336", 2666666.6666666665: "2666666.6666666665",
	}
	for v, want := range cases {
		if got := string(appendJavaDouble(nil, v)); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
	zero := 0.0
	for _, c := range []struct {
		v    float64
		want string
	}{{zero / zero, "NaN"}, {1 / zero, "Infinity"}, {-1 / zero, "-Infinity"}, {-1 / (1 / zero), "-0.0"}} {
		if got := string(appendJavaDouble(nil, c.v)); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
}

// TestNames has every name read back, and an unknown one refused with those that there are.
func TestNames(t *testing.T) {
	for _, m := range []Mode{Default, CIC2017, CIC2021, CICFixed, CNS2022} {
		if got, err := ParseMode(m.String()); err != nil || got != m {
			t.Errorf("%v: %v, %v", m, got, err)
		}
	}
	for _, s := range []ColumnSet{ToolColumns, CICIDS2017Columns, MLColumns} {
		if got, err := ParseColumnSet(s.String()); err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	_, errMode := ParseMode("x")
	_, errSet := ParseColumnSet("y")
	if got, want := fmt.Sprint(errMode, "; ", errSet), `mode "x": there are default, cic2017, cic2021, cic-fixed, cns2022; columns "y": there are tool, cicids2017, ml`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestOptions refuses settings that make no sense, and says which.
func TestOptions(t *testing.T) {
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Mode = 9 }, "mode 9 does not exist"},
		{func(o *Options) { o.FlowTimeout = -1 }, "flow timeout -1ns: must not be negative"},
		{func(o *Options) { o.Mode, o.FlowTimeout = CIC2021, 0 }, "flow timeout 0 (never): only mode default has it"},
		{func(o *Options) { o.ActivityTimeout = 0 }, "activity timeout 0s: must be positive"},
		{func(o *Options) { o.IdleTimeout = -1 }, "idle timeout -1ns: must not be negative"},
		{func(o *Options) { o.LingerTimeout = -1 }, "linger timeout -1ns: must not be negative"},
		{func(o *Options) { o.CountPadding = true }, "counting padding: only mode cic2017 has it"},
		{func(o *Options) { o.Mode, o.Tunnels = CICFixed, true }, "tunnels: only mode default reads through them"},
	} {
		o := NewOptions(Default)
		c.change(&o)
		_, err := NewMeter(o, func(*Flow) {})
		if fmt.Sprint(err) != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
