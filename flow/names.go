package flow

import "strings"

// PlainName gives a column's name without case, blanks and signs, as files spell names in many ways: " Fwd IAT Mean",
// "fwd_iat_mean".
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, name)
}

// CommonName gives the name that mode Default has for a column that other versions of CICFlowMeter spell otherwise. A
// name that is not known is given back, trimmed.
func CommonName(name string) string {
	name = strings.TrimSpace(name)
	if c, ok := commonNames[PlainName(name)]; ok {
		return c
	}
	return name
}

// commonNames are the names of mode Default for what other versions of CICFlowMeter spell otherwise, by plain name
// (header variants: reference of the columns in docs/flow-features.md).
var commonNames = map[string]string{
	"totalfwdpackets": "Total Fwd Packets", "totalfwdpacket": "Total Fwd Packets", "totfwdpkts": "Total Fwd Packets",
	"totalbackwardpackets": "Total Backward Packets", "totalbwdpackets": "Total Backward Packets", "totbwdpkts": "Total Backward Packets",
	"totallengthoffwdpackets": "Total Length of Fwd Packets", "totallengthoffwdpacket": "Total Length of Fwd Packets", "totlenfwdpkts": "Total Length of Fwd Packets",
	"totallengthofbwdpackets": "Total Length of Bwd Packets", "totallengthofbwdpacket": "Total Length of Bwd Packets", "totlenbwdpkts": "Total Length of Bwd Packets",
	"flowduration": "Flow Duration", "duration": "Flow Duration",
	"fwdpacketlengthmax": "Fwd Packet Length Max", "fwdpktlenmax": "Fwd Packet Length Max",
	"fwdpacketlengthmin": "Fwd Packet Length Min", "fwdpktlenmin": "Fwd Packet Length Min",
	"fwdpacketlengthmean": "Fwd Packet Length Mean", "fwdpktlenmean": "Fwd Packet Length Mean",
	"fwdpacketlengthstd": "Fwd Packet Length Std", "fwdpktlenstd": "Fwd Packet Length Std",
	"bwdpacketlengthmax": "Bwd Packet Length Max", "bwdpktlenmax": "Bwd Packet Length Max",
	"bwdpacketlengthmin": "Bwd Packet Length Min", "bwdpktlenmin": "Bwd Packet Length Min",
	"bwdpacketlengthmean": "Bwd Packet Length Mean", "bwdpktlenmean": "Bwd Packet Length Mean",
	"bwdpacketlengthstd": "Bwd Packet Length Std", "bwdpktlenstd": "Bwd Packet Length Std",
	"flowbytess": "Flow Bytes/s", "flowbytss": "Flow Bytes/s", "flowpacketss": "Flow Packets/s", "flowpktss": "Flow Packets/s",
	"fwdiattotal": "Fwd IAT Total", "fwdiattot": "Fwd IAT Total", "bwdiattotal": "Bwd IAT Total", "bwdiattot": "Bwd IAT Total",
	"fwdheaderlength": "Fwd Header Length", "fwdheaderlen": "Fwd Header Length", "bwdheaderlength": "Bwd Header Length", "bwdheaderlen": "Bwd Header Length",
	"fwdpacketss": "Fwd Packets/s", "fwdpktss": "Fwd Packets/s", "bwdpacketss": "Bwd Packets/s", "bwdpktss": "Bwd Packets/s",
	"minpacketlength": "Min Packet Length", "packetlengthmin": "Min Packet Length", "pktlenmin": "Min Packet Length",
	"maxpacketlength": "Max Packet Length", "packetlengthmax": "Max Packet Length", "pktlenmax": "Max Packet Length",
	"packetlengthmean": "Packet Length Mean", "pktlenmean": "Packet Length Mean", "packetlengthstd": "Packet Length Std", "pktlenstd": "Packet Length Std",
	"packetlengthvariance": "Packet Length Variance", "pktlenvar": "Packet Length Variance",
	"finflagcount": "FIN Flag Count", "finflagcnt": "FIN Flag Count", "synflagcount": "SYN Flag Count", "synflagcnt": "SYN Flag Count",
	"rstflagcount": "RST Flag Count", "rstflagcnt": "RST Flag Count", "pshflagcount": "PSH Flag Count", "pshflagcnt": "PSH Flag Count",
	"ackflagcount": "ACK Flag Count", "ackflagcnt": "ACK Flag Count", "urgflagcount": "URG Flag Count", "urgflagcnt": "URG Flag Count",
	"cweflagcount": "CWE Flag Count", "cwrflagcount": "CWE Flag Count", "eceflagcount": "ECE Flag Count", "eceflagcnt": "ECE Flag Count",
	"downupratio": "Down/Up Ratio", "averagepacketsize": "Average Packet Size", "pktsizeavg": "Average Packet Size",
	"avgfwdsegmentsize": "Avg Fwd Segment Size", "fwdsegmentsizeavg": "Avg Fwd Segment Size", "fwdsegsizeavg": "Avg Fwd Segment Size",
	"avgbwdsegmentsize": "Avg Bwd Segment Size", "bwdsegmentsizeavg": "Avg Bwd Segment Size", "bwdsegsizeavg": "Avg Bwd Segment Size",
	"fwdavgbytesbulk": "Fwd Avg Bytes/Bulk", "fwdbytesbulkavg": "Fwd Avg Bytes/Bulk", "fwdbytsbavg": "Fwd Avg Bytes/Bulk",
	"fwdavgpacketsbulk": "Fwd Avg Packets/Bulk", "fwdpacketbulkavg": "Fwd Avg Packets/Bulk", "fwdpktsbavg": "Fwd Avg Packets/Bulk",
	"fwdavgbulkrate": "Fwd Avg Bulk Rate", "fwdbulkrateavg": "Fwd Avg Bulk Rate", "fwdblkrateavg": "Fwd Avg Bulk Rate",
	"bwdavgbytesbulk": "Bwd Avg Bytes/Bulk", "bwdbytesbulkavg": "Bwd Avg Bytes/Bulk", "bwdbytsbavg": "Bwd Avg Bytes/Bulk",
	"bwdavgpacketsbulk": "Bwd Avg Packets/Bulk", "bwdpacketbulkavg": "Bwd Avg Packets/Bulk", "bwdpktsbavg": "Bwd Avg Packets/Bulk",
	"bwdavgbulkrate": "Bwd Avg Bulk Rate", "bwdbulkrateavg": "Bwd Avg Bulk Rate", "bwdblkrateavg": "Bwd Avg Bulk Rate",
	"subflowfwdpackets": "Subflow Fwd Packets", "subflowfwdpkts": "Subflow Fwd Packets", "subflowfwdbytes": "Subflow Fwd Bytes", "subflowfwdbyts": "Subflow Fwd Bytes",
	"subflowbwdpackets": "Subflow Bwd Packets", "subflowbwdpkts": "Subflow Bwd Packets", "subflowbwdbytes": "Subflow Bwd Bytes", "subflowbwdbyts": "Subflow Bwd Bytes",
	"initwinbytesforward": "Init_Win_bytes_forward", "fwdinitwinbytes": "Init_Win_bytes_forward", "initfwdwinbyts": "Init_Win_bytes_forward",
	"initwinbytesbackward": "Init_Win_bytes_backward", "bwdinitwinbytes": "Init_Win_bytes_backward", "initbwdwinbyts": "Init_Win_bytes_backward",
	"actdatapktfwd": "act_data_pkt_fwd", "fwdactdatapkts": "act_data_pkt_fwd",
	"minsegsizeforward": "min_seg_size_forward", "fwdsegsizemin": "min_seg_size_forward",
	// Zeek's conn.log (base/protocols/conn/main.zeek)
	"origpkts": "Total Fwd Packets", "resppkts": "Total Backward Packets",
	"origbytes": "Total Length of Fwd Packets", "respbytes": "Total Length of Bwd Packets",
}
