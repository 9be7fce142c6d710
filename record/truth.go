package record

// TruthSummary is what was found out about the frames of a run, and checks itself. A frame is
// explained when
//   - it was received, and the frame that was sent is known;
//   - it was sent and arrived undamaged, and only once unless its links duplicate;
//   - it was sent and was lost or damaged, and the links' log says where or, without a log, its
//     links were asked to do such a thing;
//
// and when it belongs to a connection or has no IP header.
type TruthSummary struct {
	Frames      uint64  `json:"frames"`    // in all captures
	Sent        uint64  `json:"sent"`      // of these: by the hosts of the captures
	Delivered   uint64  `json:"delivered"` // of the sent ones: undamaged to every host that should get them
	Lost        uint64  `json:"lost"`
	Corrupted   uint64  `json:"corrupted"`  // only damaged copies arrived
	Partial     uint64  `json:"partial"`    // for several hosts, and only some of them got them
	Duplicated  uint64  `json:"duplicated"` // a host got several copies
	Overtaken   uint64  `json:"overtaken"`  // by frames sent later
	Unsent      uint64  `json:"unsent"`     // received, but nobody sent them
	Connections uint64  `json:"connections"`
	Explained   float64 `json:"explained"`  // share of the frames, in [0, 1]
	Attributed  float64 `json:"attributed"` // share of the frames with an IP header, after the setup, that belong to an activity
	Log         bool    `json:"log"`        // the links kept a log
	Corrected   uint64  `json:"corrected"`  // pairs of frames that the captures alone gave otherwise than the log
}
