package flow

import (
	"strings"

	"detgen/packet"
	"detgen/table"
)

// feature is a number that is measured of a flow. The constants are in the order of CICFlowMeter's columns, with
// the corrected fork's own columns where it has them and those of mode Default at the end.
type feature uint8

const (
	flowDuration feature = iota
	fwdPackets
	bwdPackets
	fwdBytes
	bwdBytes
	fwdPayloadMax
	fwdPayloadMin
	fwdPayloadMean
	fwdPayloadStd
	bwdPayloadMax
	bwdPayloadMin
	bwdPayloadMean
	bwdPayloadStd
	byteRate
	packetRate
	gapMean
	gapStd
	gapMax
	gapMin
	fwdGapTotal
	fwdGapMean
	fwdGapStd
	fwdGapMax
	fwdGapMin
	bwdGapTotal
	bwdGapMean
	bwdGapStd
	bwdGapMax
	bwdGapMin
	fwdPSH
	bwdPSH
	fwdURG
	bwdURG
	fwdRST
	bwdRST
	fwdHeaderBytes
	bwdHeaderBytes
	fwdPacketRate
	bwdPacketRate
	payloadMin
	payloadMax
	payloadMean
	payloadStd
	payloadVariance
	finCount
	synCount
	rstCount
	pshCount
	ackCount
	urgCount
	cwrCount
	eceCount
	downUp
	averageSize
	fwdSegmentAverage
	bwdSegmentAverage
	fwdBulkBytes
	fwdBulkPackets
	fwdBulkRate
	bwdBulkBytes
	bwdBulkPackets
	bwdBulkRate
	subflowFwdPackets
	subflowFwdBytes
	subflowBwdPackets
	subflowBwdBytes
	fwdWindow
	bwdWindow
	fwdDataPackets
	bwdDataPackets
	fwdHeaderMin
	bwdHeaderMin
	activeMean
	activeStd
	activeMax
	activeMin
	idleMean
	idleStd
	idleMax
	idleMin
	icmpCode
	icmpType
	fwdRepeated
	bwdRepeated
	bothRepeated
	connectionTime

	// Of mode Default alone.
	ipVersion
	vlanID
	firstFrame
	lastFrame
	fwdIPBytes
	bwdIPBytes
	ipMin
	ipMax
	ipMean
	ipStd
	handshakeRTT
	fwdSeen
	bwdSeen
	fwdClasses // the first of the classes of the TCP analysis

	bwdClasses = fwdClasses + analysisClasses
	features   = bwdClasses + analysisClasses // their number
)

// featureInfo describes a feature.
type featureInfo struct {
	column  int    // its number in CICFlowMeter's 84 columns, 0 when it is not among them
	name    string // of upstream's last version and the fork; of mode Default when those do not have it
	short   string // of the first public version, and of the CSE-CIC-IDS2018 files
	cicids  string // of the CICIDS-17 files, and of mode Default
	kind    table.Kind
	unit    string
	formula string // in Markdown, with the symbols of docs/flow-features.md
	differs string // what the modes do differently
}

// featureInfos describe the features.
var featureInfos = describeFeatures()

func describeFeatures() [features]featureInfo {
	all := describedFeatures
	for i, class := range packet.Classes() {
		for at, direction := range map[feature]string{fwdClasses: "forward", bwdClasses: "backward"} {
			name := map[feature]string{fwdClasses: "Fwd", bwdClasses: "Bwd"}[at]
			for _, word := range strings.Split(class.Name(), "_") {
				name += " " + strings.ToUpper(word[:1]) + word[1:]
			}
			all[at+feature(i)] = featureInfo{name: name, cicids: name, kind: table.Int, unit: "packets",
				formula: direction + " packets of the class `" + class.Name() + "` of the TCP analysis", differs: "`default` only"}
		}
	}
	return all
}
