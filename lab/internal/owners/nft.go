package owners

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"

	"detgen/lab/internal/network"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// byRules notes by rules of nf_tables in the host's network namespace: a map whose keys the rules make of what the host
// sends and of the control group of the socket that sent it (linux/net/netfilter/nft_socket.c, nft_dynset.c), with the
// time at which each came first. A capability over the namespace is enough for them. The table belongs to the socket that
// made it, so nobody else in the namespace can change it.
type byRules struct{ socket int }

// What is in the table, and constants of linux/netfilter/nf_tables.h that package unix lacks.
const (
	rulesTable = "detgen"
	rulesMap   = "owners"
	rulesChain = "output"

	nftTableOwner     = 2  // NFT_TABLE_F_OWNER, Linux 5.12
	nftSocketCgroup   = 3  // NFT_SOCKET_CGROUPV2, Linux 5.13
	nftSocketKey      = 1  // NFTA_SOCKET_KEY
	nftSocketRegister = 2  // NFTA_SOCKET_DREG
	nftSocketLevel    = 3  // NFTA_SOCKET_LEVEL
	nftMetaTime       = 30 // NFT_META_TIME_NS, Linux 5.4
	beforeOtherRules  = -1000
	registerBytes     = 4

	// The map's keys are a key and the version of IP behind it, which has a register of its own.
	versionAt          = keySize
	timeAt             = versionAt + registerBytes
	largestNetlinkRead = 1 << 17
)

// watchByRules starts noting in a namespace. level is how many control groups are above those to note.
func watchByRules(n *network.Namespace, level int) (_ notes, err error) {
	r := &byRules{socket: -1}
	defer func() {
		if err != nil {
			r.close()
			err = fmt.Errorf("rules of nf_tables that note the control groups of sockets (Linux 5.13, CONFIG_NFT_SOCKET): %w", err)
		}
	}()
	err = n.Do(func() (err error) {
		r.socket, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		return unix.Bind(r.socket, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	})
	if err != nil {
		return nil, err
	}
	return r, r.change(newTable(), newMap(), newChain(), rules(level))
}

// message is a request: its type, its flags, its attributes.
type message struct {
	kind       uint16
	flags      uint16
	attributes []*nl.RtAttr
}

func newTable() []message {
	return []message{{unix.NFT_MSG_NEWTABLE, unix.NLM_F_CREATE, []*nl.RtAttr{
		text(unix.NFTA_TABLE_NAME, rulesTable), number(unix.NFTA_TABLE_FLAGS, nftTableOwner),
	}}}
}

func newMap() []message {
	const anyType = 1 // user space's own business
	return []message{{unix.NFT_MSG_NEWSET, unix.NLM_F_CREATE, []*nl.RtAttr{
		text(unix.NFTA_SET_TABLE, rulesTable), text(unix.NFTA_SET_NAME, rulesMap), number(unix.NFTA_SET_ID, 1),
		number(unix.NFTA_SET_FLAGS, unix.NFT_SET_MAP|unix.NFT_SET_EVAL),
		number(unix.NFTA_SET_KEY_TYPE, anyType), number(unix.NFTA_SET_KEY_LEN, timeAt),
		number(unix.NFTA_SET_DATA_TYPE, anyType), number(unix.NFTA_SET_DATA_LEN, 8),
		nested(unix.NFTA_SET_DESC, number(unix.NFTA_SET_DESC_SIZE, maxOwners)),
	}}}
}

func newChain() []message {
	before := int32(beforeOtherRules)
	return []message{{unix.NFT_MSG_NEWCHAIN, unix.NLM_F_CREATE, []*nl.RtAttr{
		text(unix.NFTA_CHAIN_TABLE, rulesTable), text(unix.NFTA_CHAIN_NAME, rulesChain), text(unix.NFTA_CHAIN_TYPE, "filter"),
		nested(unix.NFTA_CHAIN_HOOK, number(unix.NFTA_HOOK_HOOKNUM, unix.NF_INET_LOCAL_OUT), number(unix.NFTA_HOOK_PRIORITY, uint32(before))),
	}}}
}

// withPorts are the protocols whose headers begin with two ports.
var withPorts = []byte{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_SCTP}

// rules note packets, before they are cut into fragments: one rule for each version of IP and protocol with ports, one
// for the version's other protocols. A rule ends at the first comparison that fails, and without a socket.
func rules(level int) []message {
	var list []message
	for _, ip := range []struct {
		version, family byte
		source, length  uint32
	}{{4, unix.NFPROTO_IPV4, ipSource, 4}, {6, unix.NFPROTO_IPV6, ip6Source, 16}} {
		for _, protocol := range append(slices.Clone(withPorts), 0) {
			rule := []*nl.RtAttr{
				meta(unix.NFT_META_NFPROTO, versionAt), compare(versionAt, unix.NFT_CMP_EQ, ip.family), constant(versionAt, []byte{ip.version, 0, 0, 0}),
				meta(unix.NFT_META_L4PROTO, keyProtocol),
			}
			if protocol != 0 {
				rule = append(rule, compare(keyProtocol, unix.NFT_CMP_EQ, protocol), payload(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, 4, keyPorts))
			} else {
				for _, p := range withPorts {
					rule = append(rule, compare(keyProtocol, unix.NFT_CMP_NEQ, p))
				}
				rule = append(rule, constant(keyPorts, make([]byte, 4)))
			}
			rule = append(rule, expression("socket",
				number(nftSocketKey, nftSocketCgroup), register(nftSocketRegister, keyGroup), number(nftSocketLevel, uint32(level))))
			for n, at := range []int{keySource, keyDestination} {
				if ip.length < 16 {
					rule = append(rule, constant(at, make([]byte, 16)))
				}
				rule = append(rule, payload(unix.NFT_PAYLOAD_NETWORK_HEADER, ip.source+uint32(n)*ip.length, ip.length, at))
			}
			rule = append(rule, meta(nftMetaTime, timeAt), expression("dynset",
				text(unix.NFTA_DYNSET_SET_NAME, rulesMap), number(unix.NFTA_DYNSET_SET_ID, 1), number(unix.NFTA_DYNSET_OP, unix.NFT_DYNSET_OP_ADD),
				register(unix.NFTA_DYNSET_SREG_KEY, 0), register(unix.NFTA_DYNSET_SREG_DATA, timeAt)))
			list = append(list, message{unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE | unix.NLM_F_APPEND, []*nl.RtAttr{
				text(unix.NFTA_RULE_TABLE, rulesTable), text(unix.NFTA_RULE_CHAIN, rulesChain), nested(unix.NFTA_RULE_EXPRESSIONS, rule...),
			}})
		}
	}
	return list
}

func attribute(kind int, data []byte) *nl.RtAttr { return nl.NewRtAttr(kind, data) }
func text(kind int, s string) *nl.RtAttr         { return attribute(kind, append([]byte(s), 0)) }
func number(kind int, n uint32) *nl.RtAttr {
	return attribute(kind, binary.BigEndian.AppendUint32(nil, n))
}

func nested(kind int, children ...*nl.RtAttr) *nl.RtAttr {
	a := attribute(kind|unix.NLA_F_NESTED, nil)
	for _, c := range children {
		a.AddChild(c)
	}
	return a
}

func expression(name string, data ...*nl.RtAttr) *nl.RtAttr {
	return nested(unix.NFTA_LIST_ELEM, text(unix.NFTA_EXPR_NAME, name), nested(unix.NFTA_EXPR_DATA, data...))
}

// register names the register that is at a place in the key, in bytes, or behind it.
func register(kind, at int) *nl.RtAttr {
	return number(kind, uint32(unix.NFT_REG32_00+at/registerBytes))
}

func meta(what uint32, to int) *nl.RtAttr {
	return expression("meta", register(unix.NFTA_META_DREG, to), number(unix.NFTA_META_KEY, what))
}

func compare(at int, how uint32, with byte) *nl.RtAttr {
	return expression("cmp", register(unix.NFTA_CMP_SREG, at), number(unix.NFTA_CMP_OP, how),
		nested(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, []byte{with})))
}

func payload(base, offset, length uint32, to int) *nl.RtAttr {
	return expression("payload", register(unix.NFTA_PAYLOAD_DREG, to), number(unix.NFTA_PAYLOAD_BASE, base),
		number(unix.NFTA_PAYLOAD_OFFSET, offset), number(unix.NFTA_PAYLOAD_LEN, length))
}

func constant(to int, value []byte) *nl.RtAttr {
	return expression("immediate", register(unix.NFTA_IMMEDIATE_DREG, to),
		nested(unix.NFTA_IMMEDIATE_DATA, attribute(unix.NFTA_DATA_VALUE, value)))
}

// encode gives a request as the kernel takes it; family is that of its struct nfgenmsg.
func encode(kind, flags uint16, number uint32, family byte, resource uint16, attributes []*nl.RtAttr) []byte {
	var body []byte
	body = append(body, family, 0 /* NFNETLINK_V0 */)
	body = binary.BigEndian.AppendUint16(body, resource)
	for _, a := range attributes {
		body = append(body, a.Serialize()...)
	}
	head := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	head = binary.NativeEndian.AppendUint16(head, kind)
	head = binary.NativeEndian.AppendUint16(head, flags|unix.NLM_F_REQUEST)
	head = binary.NativeEndian.AppendUint32(head, number)
	head = binary.NativeEndian.AppendUint32(head, 0)
	return append(head, body...)
}

const tables = unix.NFNL_SUBSYS_NFTABLES << 8

// change makes all changes, or none. The kernel acknowledges each.
func (r *byRules) change(parts ...[]message) error {
	messages := slices.Concat(parts...)
	batch := encode(unix.NFNL_MSG_BATCH_BEGIN, 0, 0, 0, unix.NFNL_SUBSYS_NFTABLES, nil)
	for i, m := range messages {
		batch = append(batch, encode(tables|m.kind, m.flags|unix.NLM_F_ACK, uint32(i+1), unix.NFPROTO_INET, 0, m.attributes)...)
	}
	batch = append(batch, encode(unix.NFNL_MSG_BATCH_END, 0, uint32(len(messages)+1), 0, unix.NFNL_SUBSYS_NFTABLES, nil)...)
	if err := unix.Sendto(r.socket, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	acknowledged := 0
	return r.receive(func(kind uint16, _ uint16, body []byte) (bool, error) {
		if kind == unix.NLMSG_ERROR {
			acknowledged++
		}
		return acknowledged == len(messages), nil
	})
}

// receive calls take with what the kernel answers, until take says that it was all. An error of the kernel ends it.
func (r *byRules) receive(take func(kind, flags uint16, body []byte) (bool, error)) error {
	buffer := make([]byte, largestNetlinkRead)
	for {
		n, _, err := unix.Recvfrom(r.socket, buffer, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		for rest := buffer[:n]; len(rest) >= unix.SizeofNlMsghdr; {
			size := int(binary.NativeEndian.Uint32(rest))
			if size < unix.SizeofNlMsghdr || size > len(rest) {
				return fmt.Errorf("a message of %d bytes in %d", size, len(rest))
			}
			kind, flags, body := binary.NativeEndian.Uint16(rest[4:]), binary.NativeEndian.Uint16(rest[6:]), rest[unix.SizeofNlMsghdr:size]
			if kind == unix.NLMSG_ERROR || kind == unix.NLMSG_DONE {
				if len(body) >= 4 {
					if number := int32(binary.NativeEndian.Uint32(body)); number != 0 {
						return unix.Errno(-number)
					}
				}
			}
			if over, err := take(kind, flags, body); over || err != nil {
				return err
			}
			rest = rest[min(len(rest), (size+3)&^3):]
		}
	}
}

// read implements notes.
func (r *byRules) read(take func(*key, int64)) error {
	request := encode(tables|unix.NFT_MSG_GETSETELEM, unix.NLM_F_DUMP, 1, unix.NFPROTO_INET, 0, []*nl.RtAttr{
		text(unix.NFTA_SET_ELEM_LIST_TABLE, rulesTable), text(unix.NFTA_SET_ELEM_LIST_SET, rulesMap),
	})
	if err := unix.Sendto(r.socket, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	return r.receive(func(kind, flags uint16, body []byte) (bool, error) {
		switch {
		case flags&unix.NLM_F_DUMP_INTR != 0:
			return false, errors.New("the rules changed while they were read")
		case kind == unix.NLMSG_DONE:
			return true, nil
		case len(body) < 4:
			return false, os.ErrInvalid
		}
		return false, elements(body[4:], take)
	})
}

// elements calls take with the elements in the attributes of an answer.
func elements(attributes []byte, take func(*key, int64)) error {
	list, err := child(attributes, unix.NFTA_SET_ELEM_LIST_ELEMENTS)
	if err != nil {
		return err
	}
	all, err := parse(list)
	if err != nil {
		return err
	}
	for _, e := range all {
		var noted [timeAt]byte
		var at [8]byte
		for kind, to := range map[uint16][]byte{unix.NFTA_SET_ELEM_KEY: noted[:], unix.NFTA_SET_ELEM_DATA: at[:]} {
			part, err := child(e.data, kind)
			if err != nil {
				return err
			}
			value, err := child(part, unix.NFTA_DATA_VALUE)
			if err != nil {
				return err
			}
			if len(value) != len(to) {
				return fmt.Errorf("an element has %d bytes where %d are wanted", len(value), len(to))
			}
			copy(to, value)
		}
		k := key(noted[:keySize])
		k[keyVersion] = noted[versionAt]
		take(&k, int64(binary.NativeEndian.Uint64(at[:])))
	}
	return nil
}

type parsed struct {
	kind uint16
	data []byte
}

// parse gives attributes one by one.
func parse(attributes []byte) ([]parsed, error) {
	var list []parsed
	for rest := attributes; len(rest) > 0; {
		if len(rest) < unix.SizeofRtAttr {
			return nil, os.ErrInvalid
		}
		size := int(binary.NativeEndian.Uint16(rest))
		if size < unix.SizeofRtAttr || size > len(rest) {
			return nil, fmt.Errorf("an attribute of %d bytes in %d", size, len(rest))
		}
		list = append(list, parsed{binary.NativeEndian.Uint16(rest[2:]) &^ (unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER), rest[unix.SizeofRtAttr:size]})
		rest = rest[min(len(rest), (size+3)&^3):]
	}
	return list, nil
}

// child gives what is in the first attribute of a kind, nothing when there is none.
func child(attributes []byte, kind uint16) ([]byte, error) {
	all, err := parse(attributes)
	for _, a := range all {
		if a.kind == kind {
			return a.data, nil
		}
	}
	return nil, err
}

func (r *byRules) close() {
	if r.socket >= 0 {
		unix.Close(r.socket)
	}
}
