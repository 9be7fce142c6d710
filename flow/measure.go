package flow

import (
	"math"

	"detgen/packet"
)

// value is what a feature is for a flow.
type value struct {
	n     float64
	whole bool // CICFlowMeter prints it as an integer
}

// values are all features of a flow. Those that the mode does not have are 0.
type values [features]value

func (v *values) whole(at feature, n int64)    { v[at] = value{float64(n), true} }
func (v *values) count(at feature, n uint64)   { v[at] = value{float64(n), true} }
func (v *values) number(at feature, n float64) { v[at] = value{n, false} }

// measure computes the features.
func (f *Flow) measure(v *values) {
	fwd, bwd := &f.dir[Forward], &f.dir[Backward]
	n := fwd.packets + bwd.packets
	duration := f.end - f.start
	legacy := f.mode == CIC2017 || f.mode == CIC2021
	scale := f.perMicrosecond()

	v.number(flowDuration, float64(duration)/scale)
	v[flowDuration].whole = true
	v.count(fwdPackets, fwd.packets)
	v.count(bwdPackets, bwd.packets)
	v.number(fwdBytes, float64(fwd.bytes))
	v.number(bwdBytes, float64(bwd.bytes))
	v.sizes(fwdPayloadMax, &fwd.payload, fwd.packets)
	v.sizes(bwdPayloadMax, &bwd.payload, bwd.packets)
	f.rates(v, duration)
	f.gaps(v, n-1, scale)
	v.gaps(fwdGapTotal, fwd, scale)
	v.gaps(bwdGapTotal, bwd, scale)

	v.count(fwdHeaderBytes, fwd.headers)
	v.count(bwdHeaderBytes, bwd.headers)
	sampled, sum := n, fwd.bytes+bwd.bytes
	if legacy {
		sampled++
		sum += uint64(f.firstPayload)
	}
	both := f.payload
	if f.mode == Default {
		both = together(fwd, bwd)
	}
	v.number(payloadMin, float64(both.min))
	v.number(payloadMax, float64(both.max))
	v.number(payloadMean, both.mean)
	v.number(payloadStd, both.std(sampled))
	v.number(payloadVariance, both.variance(sampled))
	v.number(averageSize, float64(sum)/float64(n))
	v.number(fwdSegmentAverage, average(fwd.bytes, fwd.packets))
	v.number(bwdSegmentAverage, average(bwd.bytes, bwd.packets))
	v.count(fwdDataPackets, fwd.dataPackets)
	v.count(bwdDataPackets, bwd.dataPackets)
	v.whole(fwdHeaderMin, int64(fwd.minHeader))
	v.whole(bwdHeaderMin, int64(bwd.minHeader))
	v.times(activeMean, &f.active, uint64(f.activeN), scale)
	v.times(idleMean, &f.idle, uint64(f.idleN), scale)
	v.whole(icmpCode, int64(f.icmpCode))
	v.whole(icmpType, int64(f.icmpType))
	v.count(fwdRepeated, fwd.repeated)
	v.count(bwdRepeated, bwd.repeated)
	v.count(bothRepeated, fwd.repeated+bwd.repeated)
	v.number(connectionTime, float64(f.cumulative)/scale)
	v[connectionTime].whole = true

	if legacy {
		f.legacy(v)
	} else {
		f.corrected(v)
	}
	if f.mode == Default {
		f.extended(v)
	}
}

// perMicrosecond is the number of ticks in a microsecond.
func (f *Flow) perMicrosecond() float64 { return float64(f.mode.ticks()) / 1e6 }

func average(sum, n uint64) float64 {
	if n == 0 {
		return 0
	}
	return float64(sum) / float64(n)
}

// together gives the payload statistics of both directions.
func together(a, b *direction) sizes {
	if b.packets == 0 {
		return a.payload
	}
	if a.packets == 0 {
		return b.payload
	}
	n, m := float64(a.packets), float64(b.packets)
	d := b.payload.mean - a.payload.mean
	return sizes{
		moments: moments{
			mean: float64(a.bytes+b.bytes) / (n + m),
			m2:   a.payload.m2 + b.payload.m2 + d*d*(n*m/(n+m)),
		},
		min: min(a.payload.min, b.payload.min),
		max: max(a.payload.max, b.payload.max),
	}
}

// sizes sets the four features from at on: max, min, mean, std.
func (v *values) sizes(at feature, s *sizes, n uint64) {
	if n == 0 {
		v.zero(at, 4)
		return
	}
	v.number(at, float64(s.max))
	v.number(at+1, float64(s.min))
	v.number(at+2, s.mean)
	v.number(at+3, s.std(n))
}

// times sets the four features from at on: mean, std, max, min.
func (v *values) times(at feature, s *times, n uint64, scale float64) {
	if n == 0 {
		v.zero(at, 4)
		return
	}
	v.number(at, s.mean/scale)
	v.number(at+1, s.std(n)/scale)
	v.number(at+2, float64(s.max)/scale)
	v.number(at+3, float64(s.min)/scale)
}

// gaps sets the five features from at on: total, mean, std, max, min.
func (v *values) gaps(at feature, d *direction, scale float64) {
	if d.packets < 2 {
		v.zero(at, 5)
		return
	}
	v.number(at, float64(d.last-d.first)/scale)
	v.times(at+1, &d.gap, d.packets-1, scale)
}

// zero sets n features to the 0 that CICFlowMeter prints where it has no values.
func (v *values) zero(at feature, n int) {
	for i := range n {
		v.whole(at+feature(i), 0)
	}
}

// gaps sets the statistics of the gaps between all packets.
func (f *Flow) gaps(v *values, n uint64, scale float64) {
	if n > 0 {
		v.times(gapMean, &f.gap, n, scale)
		return
	}
	none := 0.0
	if f.mode == CIC2017 || f.mode == CIC2021 {
		none = math.NaN()
	}
	for at := gapMean; at <= gapMin; at++ {
		v.number(at, none)
	}
}

// rates sets what is divided by the duration.
func (f *Flow) rates(v *values, duration int64) {
	fwd, bwd := f.dir[Forward].packets, f.dir[Backward].packets
	bytes := f.dir[Forward].bytes + f.dir[Backward].bytes
	seconds := float64(duration) / float64(f.mode.ticks())
	switch {
	case duration != 0 || f.mode == CIC2017 || f.mode == CIC2021:
		v.number(byteRate, float64(bytes)/seconds)
		v.number(packetRate, float64(fwd+bwd)/seconds)
	case f.mode.corrected():
		v.whole(byteRate, -1)
		v.whole(packetRate, -1)
	default:
		v.number(byteRate, 0)
		v.number(packetRate, 0)
	}
	if duration > 0 {
		v.number(fwdPacketRate, float64(fwd)/seconds)
		v.number(bwdPacketRate, float64(bwd)/seconds)
	} else {
		v.number(fwdPacketRate, 0)
		v.number(bwdPacketRate, 0)
	}
}

// legacy sets what CIC2017 and CIC2021 do in their own ways.
func (f *Flow) legacy(v *values) {
	fwd, bwd := &f.dir[Forward], &f.dir[Backward]
	first := func(flag packet.TCPFlags) int64 {
		if packet.TCPFlags(f.firstFlags)&flag != 0 {
			return 1
		}
		return 0
	}
	v.whole(fwdPSH, first(packet.PSH))
	v.whole(bwdPSH, 0)
	v.whole(fwdURG, first(packet.URG))
	v.whole(bwdURG, 0)

	var subflows uint64
	missing := int32(0) // in place of the window of other protocols
	if f.mode == CIC2017 {
		// Printed in the order in which a hash table of their names gave them.
		for i, flag := range [...]packet.TCPFlags{packet.RST, packet.PSH, packet.ECE, packet.SYN, packet.ACK, packet.FIN, packet.URG, packet.CWR} {
			v.whole(finCount+feature(i), first(flag))
		}
		// Meant as the gap before the first packet, but the division is in the wrong place.
		if float64(f.start)-float64(f.start)/1e6 > 1 {
			subflows = 1
		}
		missing = -1
	} else {
		f.flagCounts(v)
		subflows = uint64(f.longGaps)
	}

	v.number(downUp, 0)
	if fwd.packets > 0 {
		v.number(downUp, float64(bwd.packets/fwd.packets))
	}
	v.zero(fwdBulkBytes, 6)
	if b := &bwd.bulk; b.count != 0 {
		v.count(bwdBulkBytes, b.bytes/b.count)
		v.count(bwdBulkPackets, b.packets/b.count)
		if b.duration != 0 {
			v.whole(bwdBulkRate, int64(float64(b.bytes)/(float64(b.duration)/1e6)))
		}
	}
	v.zero(subflowFwdPackets, 4)
	if subflows > 0 {
		v.count(subflowFwdPackets, fwd.packets/subflows)
		v.count(subflowFwdBytes, fwd.bytes/subflows)
		v.count(subflowBwdPackets, bwd.packets/subflows)
		v.count(subflowBwdBytes, bwd.bytes/subflows)
	}
	v.whole(fwdWindow, int64(max(missing, fwd.window)))
	v.whole(bwdWindow, int64(max(missing, bwd.windowLast)))
	if f.firstPayload > 0 {
		v.count(fwdDataPackets, fwd.dataPackets-1)
	}
}

// flagCounts sets the numbers of packets with each flag.
func (f *Flow) flagCounts(v *values) {
	for i, flag := range [...]packet.TCPFlags{packet.FIN, packet.SYN, packet.RST, packet.PSH, packet.ACK, packet.URG, packet.CWR, packet.ECE} {
		v.count(finCount+feature(i), f.dir[Forward].count(flag)+f.dir[Backward].count(flag))
	}
}

// corrected sets what CICFixed and Default do in the same way.
func (f *Flow) corrected(v *values) {
	fwd, bwd := &f.dir[Forward], &f.dir[Backward]
	v.count(fwdPSH, fwd.count(packet.PSH))
	v.count(bwdPSH, bwd.count(packet.PSH))
	v.count(fwdURG, fwd.count(packet.URG))
	v.count(bwdURG, bwd.count(packet.URG))
	v.count(fwdRST, fwd.count(packet.RST))
	v.count(bwdRST, bwd.count(packet.RST))
	f.flagCounts(v)
	v.number(downUp, average(bwd.packets, fwd.packets))
	if f.mode == CNS2022 {
		f.released(v)
		return
	}
	v.bulks(fwdBulkBytes, &fwd.bulk, f.mode)
	v.bulks(bwdBulkBytes, &bwd.bulk, f.mode)
	subflows := uint64(f.longGaps)
	if f.mode == Default {
		subflows++
	}
	v.number(subflowFwdPackets, average(fwd.packets, subflows))
	v.number(subflowFwdBytes, average(fwd.bytes, subflows))
	v.number(subflowBwdPackets, average(bwd.packets, subflows))
	v.number(subflowBwdBytes, average(bwd.bytes, subflows))
	if f.mode == Default {
		v.whole(fwdWindow, int64(fwd.window))
		v.whole(bwdWindow, int64(bwd.window))
		return
	}
	f.firstOnly(v)
	v.whole(bwdWindow, int64(bwd.windowSeen))
}

// firstOnly sets what CICFixed and CNS2022 take of the side that began only.
func (f *Flow) firstOnly(v *values) {
	v.whole(fwdWindow, 0)
	if f.firstDir == Forward {
		v.whole(fwdWindow, int64(max(0, f.dir[Forward].window)))
		v.whole(bwdHeaderMin, 0)
	} else {
		v.whole(fwdHeaderMin, 0)
	}
}

// released sets what CNS2022 does in its own ways, as the rows of the release show: whole numbers wherever its program
// divided whole numbers, a subflow for every packet, and the last backward window.
func (f *Flow) released(v *values) {
	fwd, bwd := &f.dir[Forward], &f.dir[Backward]
	for _, d := range []struct {
		at   feature
		bulk *bulk
	}{{fwdBulkBytes, &fwd.bulk}, {bwdBulkBytes, &bwd.bulk}} {
		v.bulks(d.at, d.bulk, f.mode)
		for i := range feature(3) {
			v.whole(d.at+i, int64(v[d.at+i].n))
		}
	}
	n := fwd.packets + bwd.packets // at least 2
	v.count(subflowFwdPackets, fwd.packets/n)
	v.count(subflowFwdBytes, fwd.bytes/n)
	v.count(subflowBwdPackets, bwd.packets/n)
	v.count(subflowBwdBytes, bwd.bytes/n)
	f.firstOnly(v)
	v.whole(bwdWindow, int64(max(0, bwd.windowLast)))
	for _, at := range [...]feature{fwdBytes, bwdBytes, fwdPayloadMax, fwdPayloadMin, bwdPayloadMax, bwdPayloadMin, gapMax, gapMin, fwdGapTotal,
		fwdGapMax, fwdGapMin, bwdGapTotal, bwdGapMax, bwdGapMin, payloadMin, payloadMax, activeMax, activeMin, idleMax, idleMin} {
		v[at].whole = true
	}
	for _, at := range [...]feature{fwdPayloadMean, fwdPayloadStd, bwdPayloadMean, bwdPayloadStd, gapMean, gapStd, fwdGapMean, fwdGapStd, bwdGapMean, bwdGapStd,
		activeMean, activeStd, idleMean, idleStd, byteRate, packetRate} {
		v[at].whole = false
	}
}

// bulks sets the three features from at on.
func (v *values) bulks(at feature, b *bulk, mode Mode) {
	v.number(at, average(b.bytes, b.count))
	v.number(at+1, average(b.packets, b.count))
	v.number(at+2, 0)
	if b.duration != 0 {
		v.number(at+2, float64(b.bytes)/(float64(b.duration)/float64(mode.ticks())))
	}
}

// extended sets what only Default has.
func (f *Flow) extended(v *values) {
	fwd, bwd := &f.dir[Forward], &f.dir[Backward]
	v.count(fwdHeaderBytes, fwd.ip-fwd.bytes)
	v.count(bwdHeaderBytes, bwd.ip-bwd.bytes)
	v.whole(ipVersion, int64(f.key.version))
	v.whole(vlanID, int64(f.key.vlan))
	v.count(firstFrame, f.number)
	v.count(lastFrame, f.last)
	v.count(fwdIPBytes, fwd.ip)
	v.count(bwdIPBytes, bwd.ip)
	low, high := fwd.ipMin, fwd.ipMax
	switch {
	case fwd.packets == 0:
		low, high = bwd.ipMin, bwd.ipMax
	case bwd.packets > 0:
		low, high = min(low, bwd.ipMin), max(high, bwd.ipMax)
	}
	v.whole(ipMin, int64(low))
	v.whole(ipMax, int64(high))
	n := float64(fwd.packets + bwd.packets)
	mean := float64(fwd.ip+bwd.ip) / n
	v.number(ipMean, mean)
	std := 0.0
	if n > 1 {
		std = math.Sqrt(max(0, (float64(fwd.ipSquares+bwd.ipSquares)-mean*float64(fwd.ip+bwd.ip))/(n-1)))
	}
	v.number(ipStd, std)
	v.number(handshakeRTT, float64(f.rtt)/1e3)
	v.count(fwdSeen, uint64(fwd.again))
	v.count(bwdSeen, uint64(bwd.again))
	for i := range fwd.classes {
		v.count(fwdClasses+feature(i), uint64(fwd.classes[i]))
		v.count(bwdClasses+feature(i), uint64(bwd.classes[i]))
	}
}
