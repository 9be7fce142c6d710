package link

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"detgen/record"
)

// The attributes of the qdiscs of managed queues (linux/pkt_sched.h).
const (
	tbfParameters = 1 // TCA_TBF_PARMS
	tbfRate64     = 4
	tbfBurst      = 6

	codelLimit = 2 // TCA_CODEL_LIMIT, TCA_FQ_CODEL_LIMIT
	codelECN   = 4

	redParameters   = 1 // TCA_RED_PARMS
	redTable        = 2
	redProbability  = 3
	redLoss         = 0.02 // at the upper threshold, as tc has it
	managedHandle   = 2 << 16
	ethernetLayer   = 1 // TC_LINKLAYER_ETHERNET
	burstOfTheFrame = 1 // frames that may leave at once
)

// shape puts a token bucket of a rate at the root of a device (sch_tbf), a frame deep, and the managed queue behind it.
func (q *qdiscs) shape(device int, l *record.Link, mtu int) error {
	ne := binary.NativeEndian
	frame := mtu + ethernetHeader
	rate := l.Rate / 8
	// struct tc_ratespec, twice, then limit, buffer and mtu of struct tc_tbf_qopt.
	parameters := make([]byte, 36)
	parameters[1] = ethernetLayer
	ne.PutUint32(parameters[8:], uint32(min(rate, math.MaxUint32)))
	ne.PutUint32(parameters[24:], uint32(min(uint64(l.Limit)*uint64(frame), math.MaxUint32)))
	options := nl.NewRtAttr(tbfParameters, parameters).Serialize()
	options = append(options, nl.NewRtAttr(tbfBurst, ne.AppendUint32(nil, uint32(burstOfTheFrame*frame))).Serialize()...)
	if rate > math.MaxUint32 {
		options = append(options, nl.NewRtAttr(tbfRate64, ne.AppendUint64(nil, rate)).Serialize()...)
	}
	if err := q.add(device, netemHandle, netlink.HANDLE_ROOT, "tbf", options); err != nil {
		return fmt.Errorf("set a token bucket (sch_tbf): %w", err)
	}
	options, err := managedOptions(l, frame)
	if err != nil {
		return err
	}
	if err := q.add(device, managedHandle, netemHandle|1, l.Queue, options); err != nil {
		return fmt.Errorf("set queue %s (sch_%s; the kernel, or the guest of the exact engine, may not have it): %w", l.Queue, l.Queue, err)
	}
	return nil
}

// managedOptions are the options of a managed queue: frames are lost, not marked.
func managedOptions(l *record.Link, frame int) ([]byte, error) {
	ne := binary.NativeEndian
	switch l.Queue {
	case record.CoDel, record.FQCoDel:
		options := nl.NewRtAttr(codelLimit, ne.AppendUint32(nil, uint32(l.Limit))).Serialize()
		return append(options, nl.NewRtAttr(codelECN, ne.AppendUint32(nil, 0)).Serialize()...), nil
	case record.RED:
		// Thresholds and weight as tc-red(8) advises: between a twelfth and a quarter of the limit.
		limit := float64(l.Limit * frame)
		upper, lower := limit/4, limit/12
		burst := (2*lower + upper) / (3 * float64(frame))
		parameters := ne.AppendUint32(nil, uint32(limit))
		parameters = ne.AppendUint32(parameters, uint32(lower))
		parameters = ne.AppendUint32(parameters, uint32(upper))
		parameters = append(parameters, redWeight(lower, burst, float64(frame)), redSlope(upper-lower), 0, 0)
		options := nl.NewRtAttr(redParameters, parameters).Serialize()
		options = append(options, nl.NewRtAttr(redTable, make([]byte, 256)).Serialize()...)
		return append(options, nl.NewRtAttr(redProbability, ne.AppendUint32(nil, uint32(math.Round(redLoss*math.MaxUint32)))).Serialize()...), nil
	}
	return nil, fmt.Errorf("queue %q is not managed", l.Queue)
}

// redWeight is the weight of the average, as a power of 1/2, that lets a burst of frames pass (Floyd and Jacobson, "Random
// Early Detection Gateways for Congestion Avoidance", section 6).
func redWeight(lower, burst, frame float64) byte {
	most := burst + 1 - lower/frame
	for exponent := 1; exponent < 32; exponent++ {
		w := math.Pow(2, -float64(exponent))
		if most <= (1-math.Pow(1-w, burst))/w {
			return byte(exponent)
		}
	}
	return 31
}

// redSlope is how steep the loss rises between the thresholds, as a power of 1/2.
func redSlope(distance float64) byte {
	return byte(min(31, math.Ceil(math.Log2(distance/redLoss))))
}

func (q *qdiscs) add(device int, handle, parent uint32, kind string, options []byte) error {
	r := q.request(unix.RTM_NEWQDISC, unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	r.AddData(&nl.TcMsg{Family: nl.FAMILY_ALL, Ifindex: int32(device), Handle: handle, Parent: parent})
	r.AddData(nl.NewRtAttr(nl.TCA_KIND, nl.ZeroTerminated(kind)))
	r.AddData(nl.NewRtAttr(nl.TCA_OPTIONS, options))
	_, err := r.Execute(unix.NETLINK_ROUTE, 0)
	return err
}
