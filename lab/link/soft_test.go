package link

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"detgen/record"
)

func TestSoftCarriesFrames(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	openLinks(t, Soft, 1, a, b)
	var server net.PacketConn
	inHost(t, b, func() (err error) {
		server, err = net.ListenPacket("udp4", "10.0.0.2:9")
		return err
	})
	defer server.Close()
	var client net.Conn
	inHost(t, a, func() (err error) {
		client, err = net.Dial("udp4", "10.0.0.2:9")
		return err
	})
	defer client.Close()
	if _, err := client.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	server.SetReadDeadline(time.Now().Add(5 * time.Second))
	got := make([]byte, 100)
	n, _, err := server.ReadFrom(got)
	if err != nil || string(got[:n]) != "hello" {
		t.Fatalf("received %q, %v; want \"hello\"", got[:n], err)
	}
}

// In the host's namespace the interface is as Open promises it, and there is nothing else.
func TestSoftInterface(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.MTU = 1400
	d, err := Open(t.Context(), Soft, 1, -1, []Port{a, b}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names := func() (list []string) {
		h, err := netlink.NewHandleAt(netns.NsHandle(a.NetNS), unix.NETLINK_ROUTE)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		links, err := h.LinkList()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			at := l.Attrs()
			list = append(list, at.Name)
			if at.Name == a.Interface && (at.MTU != a.MTU || at.HardwareAddr.String() != a.MAC || at.Flags&net.FlagUp != 0) {
				t.Errorf("interface has MTU %d, MAC %s, flags %v", at.MTU, at.HardwareAddr, at.Flags)
			}
		}
		return list
	}
	if got := names(); !slices.Equal(got, []string{"lo", "eth0"}) {
		t.Errorf("interfaces %v", got)
	}
	inHost(t, a, func() error {
		dev, err := openDevice("eth0")
		if err != nil {
			return err
		}
		defer dev.close()
		for name, get := range map[string]uint32{
			"TSO": unix.ETHTOOL_GTSO, "GSO": unix.ETHTOOL_GGSO, "GRO": unix.ETHTOOL_GGRO, "checksums": unix.ETHTOOL_GTXCSUM,
		} {
			if on, err := dev.ethtool(get, 0); err != nil || on != 0 {
				t.Errorf("%s is %d, %v; want off", name, on, err)
			}
		}
		return nil
	})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"lo"}) {
		t.Errorf("after Close there are still interfaces %v", got)
	}
}

// Frames through real devices meet what the log says, and captures on both sides agree with
// it frame by frame.
func TestSoftLogIsWhatCapturesShow(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up = record.Link{Delay: ms(4), Jitter: ms(2), Distribution: "normal", Loss: 0.1, Corrupt: 0.1, Duplicate: 0.1, Reorder: 0.1}
	b.Down = record.Link{Delay: ms(3), Jitter: ms(1), Loss: 0.05, Duplicate: 0.05}
	d := openLinks(t, Soft, 1, a, b)
	from, to := sniff(t, a), sniff(t, b)
	sender := newRawSender(t, a)
	const n = 3000
	for i := range n {
		sender.send(t, numbered(i, 200))
		if i%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	drained(t, d)
	log, err := d.(DecisionLog).Log()
	if err != nil {
		t.Fatal(err)
	}
	line := func(host string, direction record.Direction) uint16 {
		return uint16(slices.Index(log.Lines, record.LinkLine{Host: host, Interface: "eth0", Direction: direction}))
	}
	up, down := line("h1", "up"), line("h2", "down")
	arrived := slices.DeleteFunc(slices.Clone(log.Events), func(e record.LinkEvent) bool {
		return e.Line != down || e.Fate != record.Passed
	})
	slices.SortFunc(arrived, func(a, b record.LinkEvent) int { return int(a.Out - b.Out) })
	sent, received := from.frames(true, n), to.frames(false, len(arrived))
	if len(sent) != n || len(received) != len(arrived) {
		t.Fatalf("%d frames sent, want %d; %d received, the log has %d", len(sent), n, len(received), len(arrived))
	}
	for _, e := range log.Events {
		if e.Line != up {
			continue
		}
		if e.Marks&record.Copy == 0 && e.Sum != castagnoliOf(sent[e.Frame-1].data) {
			t.Fatalf("frame %d of the log is another than the one sent", e.Frame)
		}
	}
	for i, e := range arrived {
		if e.Sum != castagnoliOf(received[i].data) {
			t.Fatalf("frame %d that arrived is another than the log's, which is frame %d sent", i+1, e.Origin)
		}
		at := received[i].time.Sub(log.Start)
		if early := time.Duration(e.Due) - at; early > 50*time.Microsecond {
			t.Errorf("frame %d arrived %v before it was due", i+1, early)
		}
	}
}

// Two runs with the same seed decide the same about each frame; another seed does not.
func TestSoftSameSeedSameFates(t *testing.T) {
	needRoot(t)
	fates := func(seed uint64) (list []record.LinkEvent) {
		a, b := testHost(t, 1), testHost(t, 2)
		a.Up = record.Link{Delay: ms(2), Jitter: ms(1), Loss: 0.2, Corrupt: 0.2, Duplicate: 0.2}
		d := openLinks(t, Soft, seed, a, b)
		sender := newRawSender(t, a)
		for i := range 500 {
			sender.send(t, numbered(i, 100))
		}
		drained(t, d)
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		log, err := d.(DecisionLog).Log()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range log.Events {
			if e.Line == 0 {
				list = append(list, record.LinkEvent{Frame: e.Frame, Delay: e.Delay, Sum: e.Sum, Bit: e.Bit, Fate: e.Fate, Marks: e.Marks})
			}
		}
		return list
	}
	first := fates(1)
	if len(first) < 550 {
		t.Fatalf("only %d events", len(first))
	}
	if !slices.Equal(first, fates(1)) {
		t.Error("the same seed decided differently")
	}
	if slices.Equal(first, fates(2)) {
		t.Error("another seed decided alike")
	}
}

func TestSoftResultsAfterClose(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	b.Down.Loss = 1
	d := openLinks(t, Soft, 1, a, b)
	sender := newRawSender(t, a)
	for i := range 5 {
		sender.send(t, numbered(i, 100))
	}
	drained(t, d)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	r := results(t, d)
	var want []record.LinkResult
	for _, host := range []string{"h1", "h2"} {
		for _, direction := range []record.Direction{record.Up, record.Down} {
			want = append(want, record.LinkResult{Host: host, Interface: "eth0", Direction: direction})
		}
	}
	want[0].Frames, want[3].Frames, want[3].Lost, want[3].ReadBack.Loss = 5, 5, 5, 1
	if !reflect.DeepEqual(r, want) {
		t.Errorf("results %+v, want %+v", r, want)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// Frames that a host sends faster than they are taken are counted, not lost silently.
func TestSoftCountsOverruns(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	d := openLinks(t, Soft, 1, a, b)
	process := d.(*soft).process.PID()
	if err := unix.Kill(process, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	sender := newRawSender(t, a)
	const n = tapQueue + 1000
	for i := range n {
		sender.send(t, numbered(i, 60))
	}
	if err := unix.Kill(process, unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	drained(t, d)
	r := results(t, d)[0]
	if r.Overruns == 0 || r.Frames+r.Overruns != n {
		t.Errorf("%d frames and %d overruns, together not the %d sent", r.Frames, r.Overruns, n)
	}
}

func TestSoftScheduleStartsWithTheActivity(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up.Schedule = []record.LinkChange{{At: 0, Link: record.Link{Loss: 1}}}
	d := openLinks(t, Soft, 1, a, b)
	sender := newRawSender(t, a)
	sender.send(t, numbered(0, 100))
	drained(t, d)
	d.Start(time.Now())
	sender.send(t, numbered(1, 100))
	drained(t, d)
	if r := results(t, d)[0]; r.Frames != 2 || r.Lost != 1 || r.ReadBack.Loss != 1 {
		t.Errorf("%d frames, %d lost, settings %+v", r.Frames, r.Lost, r.ReadBack)
	}
}

func TestSoftDrainWaitsForQueuedFrames(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	a.Up.Delay = ms(300)
	d := openLinks(t, Soft, 1, a, b)
	to := sniff(t, b)
	start := time.Now()
	newRawSender(t, a).send(t, numbered(0, 100))
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.Drain(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Drain with 50 ms patience: %v", err)
	}
	drained(t, d)
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("drained after %v, before the frame was due", took)
	}
	if n := len(to.frames(false, 1)); n != 1 {
		t.Errorf("%d frames arrived", n)
	}
}

// When the switch's process dies, the devices go with it and the driver says so.
func TestSoftSaysWhenTheSwitchDied(t *testing.T) {
	needRoot(t)
	a, b := testHost(t, 1), testHost(t, 2)
	d, err := Open(t.Context(), Soft, 1, -1, []Port{a, b}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.(*soft).process.Kill()
	if err := d.Drain(t.Context()); !errors.Is(err, errGone) {
		t.Errorf("Drain: %v, want %v", err, errGone)
	}
	if err := d.Close(); err == nil {
		t.Error("Close gave no error")
	}
	h, err := netlink.NewHandleAt(netns.NsHandle(a.NetNS), unix.NETLINK_ROUTE)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	if _, err := h.LinkByName("eth0"); err == nil {
		t.Error("the interface is still there")
	}
}

func TestSoftManyPorts(t *testing.T) {
	needRoot(t)
	var ports []Port
	for i := 1; i <= 8; i++ {
		ports = append(ports, testHost(t, i))
	}
	d := openLinks(t, Soft, 1, ports...)
	var sniffers []*sniffer
	for _, p := range ports {
		sniffers = append(sniffers, sniff(t, p))
	}
	newRawSender(t, ports[2]).send(t, testFrame(station(3), 0xffffffffffff, 100))
	drained(t, d)
	for i, s := range sniffers {
		want := 1
		if i == 2 {
			want = 0
		}
		if n := len(s.frames(false, want)); n != want {
			t.Errorf("h%d received %d frames, want %d", i+1, n, want)
		}
	}
}

func TestOpenNamesWhatIsWrong(t *testing.T) {
	good := Port{Host: "h1", Interface: "eth0", Network: "lan", MAC: "02:00:00:00:00:01", MTU: 1500}
	for want, spoil := range map[string]func(*Port){
		`interface name "": must have 1 to 15 bytes`:                 func(p *Port) { p.Interface = "" },
		`interface name "a-very-long-name": must have 1 to 15 bytes`: func(p *Port) { p.Interface = "a-very-long-name" },
		`MTU 20: must be from 68 to 65521 bytes`:                     func(p *Port) { p.MTU = 20 },
		`MAC "x": must be six bytes like 02:00:00:00:00:01`:          func(p *Port) { p.MAC = "x" },
		`MAC "01:00:00:00:00:01": must be six bytes`:                 func(p *Port) { p.MAC = "01:00:00:00:00:01" },
		`up: loss 2: must be from 0 to 1`:                            func(p *Port) { p.Up.Loss = 2 },
		`down: distribution "x"`:                                     func(p *Port) { p.Down.Distribution = "x" },
		`up: schedule entry 1: loss 2: must be from 0 to 1`:          func(p *Port) { p.Up.Schedule = []record.LinkChange{{Link: record.Link{Loss: 2}}} },
		`up: schedule entry 2: at 1ms comes after 2ms`:               func(p *Port) { p.Up.Schedule = []record.LinkChange{{At: ms(2)}, {At: ms(1)}} },
		`down: schedule entry 1: has a schedule or interventions`: func(p *Port) {
			p.Down.Schedule = []record.LinkChange{{Link: record.Link{Interventions: make([]record.Intervention, 1)}}}
		},
	} {
		p := good
		spoil(&p)
		_, err := Open(t.Context(), Soft, 1, -1, []Port{p}, nil, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `link of host "h1"`) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Open(t.Context(), "hard", 1, -1, nil, nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), `must be "soft" or "netem"`) {
		t.Errorf("unknown driver: %v", err)
	}
}
