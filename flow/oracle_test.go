package flow

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"detgen/packet"
)

// heard is a packet of a made-up connection.
type heard struct {
	at      int64 // ns
	forward bool
	payload int
	header  int // bytes of the TCP header
	flags   packet.TCPFlags
	window  uint16
}

// makeUp draws a TCP connection: bursts, pauses of every length that matters, data both ways.
func makeUp(random *rand.Rand) (packets []heard, c *capture) {
	c = &capture{}
	at := int64(1e18)
	for i := range 2 + random.IntN(60) {
		gap := []float64{1e5, 1e7, 3e8, 1.2e9, 7e9}[random.IntN(5)]
		at += 1 + int64(gap*random.Float64())
		p := heard{
			at:      at,
			forward: i == 0 || random.IntN(3) > 0,
			header:  20 + 4*random.IntN(4),
			flags:   packet.TCPFlags(random.IntN(256)) &^ (syn | rst),
			window:  uint16(random.IntN(65536)),
		}
		if random.IntN(3) > 0 {
			p.payload = random.IntN(1400)
		}
		if i == 0 {
			p.flags = syn
		}
		packets = append(packets, p)
		s := segmentOf{src: 1000, dst: 80, seq: uint32(i), flags: p.flags, window: p.window, payload: p.payload, options: make([]byte, p.header-20)}
		src, dst := hostA, hostB
		if !p.forward {
			s.src, s.dst = s.dst, s.src
			src, dst = dst, src
		}
		c.add(time.Duration(at), ethernet(0x0800, ip(src, dst, 6, s.bytes())))
	}
	return packets, c
}

// numbers are statistics of a list in the plain way, with two passes.
type numbers []float64

func (n numbers) sum() (s float64) {
	for _, v := range n {
		s += v
	}
	return s
}

func (n numbers) mean() float64 {
	if len(n) == 0 {
		return 0
	}
	return n.sum() / float64(len(n))
}

func (n numbers) variance() float64 {
	if len(n) < 2 {
		return 0
	}
	var s float64
	for _, v := range n {
		s += (v - n.mean()) * (v - n.mean())
	}
	return s / float64(len(n)-1)
}

func (n numbers) max() float64 {
	if len(n) == 0 {
		return 0
	}
	return slices.Max(n)
}

func (n numbers) min() float64 {
	if len(n) == 0 {
		return 0
	}
	return slices.Min(n)
}

// plainly computes the columns of mode Default from a list of packets, without any running sums. Times are in
// microseconds.
func plainly(packets []heard) map[string]float64 {
	want := map[string]float64{}
	over := func(a, b float64) float64 {
		if b == 0 {
			return 0
		}
		return a / b
	}
	statistics := func(prefix string, n numbers) {
		want[prefix+" Mean"], want[prefix+" Std"], want[prefix+" Max"], want[prefix+" Min"] = n.mean(), math.Sqrt(n.variance()), n.max(), n.min()
	}
	between := func(i, j int) float64 { return float64(packets[j].at-packets[i].at) / 1e3 }
	duration := between(0, len(packets)-1)
	seconds := duration / 1e6
	want["Flow Duration"] = duration

	var gaps, active, idle, payloads, ipLengths numbers
	began, subflows := 0, 1.0
	for i, p := range packets {
		payloads = append(payloads, float64(p.payload))
		ipLengths = append(ipLengths, float64(20+p.header+p.payload))
		if i == 0 {
			continue
		}
		gap := between(i-1, i)
		gaps = append(gaps, gap)
		if gap > 1e6 {
			subflows++
		}
		if gap > 5e6 {
			idle = append(idle, gap)
			if i-1 > began {
				active = append(active, between(began, i-1))
			}
			began = i
		}
	}
	statistics("Flow IAT", gaps)
	statistics("Active", active)
	statistics("Idle", idle)
	want["Min Packet Length"], want["Max Packet Length"], want["Packet Length Mean"] = payloads.min(), payloads.max(), payloads.mean()
	want["Packet Length Std"], want["Packet Length Variance"] = math.Sqrt(payloads.variance()), payloads.variance()
	want["Average Packet Size"] = payloads.mean()
	want["IP Length Min"], want["IP Length Max"], want["IP Length Mean"], want["IP Length Std"] = ipLengths.min(), ipLengths.max(), ipLengths.mean(), math.Sqrt(ipLengths.variance())
	want["Flow Bytes/s"], want["Flow Packets/s"] = over(payloads.sum(), seconds), over(float64(len(packets)), seconds)
	for i, name := range []string{"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWE"} {
		want[name+" Flag Count"] = float64(len(slices.DeleteFunc(slices.Clone(packets), func(p heard) bool { return p.flags&(1<<i) == 0 })))
	}

	count := map[bool]float64{}
	for _, d := range []struct {
		forward                                                               bool
		short, total, headers, window, data, segment, length, bytes, smallest string
	}{
		{true, "Fwd", "Total Fwd Packets", "Fwd Header Length", "Init_Win_bytes_forward", "act_data_pkt_fwd", "Avg Fwd Segment Size", "Total Length of Fwd Packets", "Fwd IP Bytes", "min_seg_size_forward"},
		{false, "Bwd", "Total Backward Packets", "Bwd Header Length", "Init_Win_bytes_backward", "act_data_pkt_bwd", "Avg Bwd Segment Size", "Total Length of Bwd Packets", "Bwd IP Bytes", "min_seg_size_backward"},
	} {
		var sizes, gaps, headers numbers
		var bulks, bulkPackets, bulkBytes, bulkTime, data float64
		var run []heard
		flags := map[packet.TCPFlags]float64{}
		window, previous := -1.0, -1
		finish := func() {
			if len(run) >= 4 {
				bulks++
				bulkPackets += float64(len(run))
				for _, p := range run {
					bulkBytes += float64(p.payload)
				}
				bulkTime += float64(run[len(run)-1].at-run[0].at) / 1e9
			}
			run = nil
		}
		for i, p := range packets {
			if p.payload > 0 && (p.forward != d.forward || len(run) > 0 && p.at-run[len(run)-1].at > 1e9) {
				finish()
			}
			if p.forward != d.forward {
				continue
			}
			if p.payload > 0 {
				run = append(run, p)
				data++
			}
			sizes = append(sizes, float64(p.payload))
			headers = append(headers, float64(p.header))
			if previous < 0 {
				window = float64(p.window)
			} else {
				gaps = append(gaps, between(previous, i))
			}
			previous = i
			for _, f := range []packet.TCPFlags{psh, urg, rst} {
				if p.flags&f != 0 {
					flags[f]++
				}
			}
		}
		finish()
		n := float64(len(sizes))
		count[d.forward] = n
		statistics(d.short+" Packet Length", sizes)
		statistics(d.short+" IAT", gaps)
		want[d.short+" IAT Total"] = gaps.sum()
		want[d.total], want[d.length], want[d.segment] = n, sizes.sum(), sizes.mean()
		want[d.headers] = headers.sum() + 20*n
		want[d.bytes] = headers.sum() + 20*n + sizes.sum()
		want[d.smallest], want[d.window], want[d.data] = headers.min(), window, data
		want[d.short+" PSH Flags"], want[d.short+" URG Flags"], want[d.short+" RST Flags"] = flags[psh], flags[urg], flags[rst]
		want[d.short+" Packets/s"] = over(n, seconds)
		want[d.short+" Avg Bytes/Bulk"], want[d.short+" Avg Packets/Bulk"], want[d.short+" Avg Bulk Rate"] = over(bulkBytes, bulks), over(bulkPackets, bulks), over(bulkBytes, bulkTime)
		want["Subflow "+d.short+" Packets"], want["Subflow "+d.short+" Bytes"] = n/subflows, sizes.sum()/subflows
	}
	want["Down/Up Ratio"] = over(count[false], count[true])
	return want
}

// TestStatistics compares what mode Default measures of made-up connections with a computation without running sums.
func TestStatistics(t *testing.T) {
	o := NewOptions(Default)
	o.FlowTimeout, o.IdleTimeout, o.LingerTimeout = 0, 0, 0
	for seed := range uint64(150) {
		packets, c := makeUp(rand.New(rand.NewPCG(seed, 1)))
		rows := tabulate(t, c, o, 1, ToolColumns)
		if len(rows) != 2 {
			t.Fatalf("seed %d: %d flows", seed, len(rows)-1)
		}
		got := map[string]string{}
		for i, name := range rows[0] {
			got[name] = rows[1][i]
		}
		for name, want := range plainly(packets) {
			v, err := strconv.ParseFloat(got[name], 64)
			if err != nil {
				t.Fatalf("column %q: %v", name, err)
			}
			if math.Abs(v-want) > 1e-9*math.Max(1, math.Abs(want)) {
				t.Errorf("seed %d: %s = %v, want %v", seed, name, v, want)
			}
		}
	}
}

// TestStatisticsCover has TestStatistics leave out none of the 76 statistics.
func TestStatisticsCover(t *testing.T) {
	packets, _ := makeUp(rand.New(rand.NewPCG(0, 1)))
	names := plainly(packets)
	for _, s := range statistics {
		if _, ok := names[featureInfos[s].cicids]; !ok {
			t.Errorf("%s is not compared", featureInfos[s].cicids)
		}
	}
}
