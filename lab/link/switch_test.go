package link

import (
	"slices"
	"testing"

	"detgen/record"
)

// reached gives the hosts that something reached.
func (b *bench) reached() []int {
	var hosts []int
	for i := range b.ports {
		if len(b.arrived(i+1)) > 0 {
			hosts = append(hosts, i+1)
		}
	}
	return hosts
}

func TestSwitchForwards(t *testing.T) {
	const h1, h2, unknown, broadcast = mac(0x020000000001), mac(0x020000000002), mac(0x0200000000ff), mac(0xffffffffffff)
	for name, c := range map[string]struct {
		from, to mac
		length   int
		want     []int
		fate     record.LineFate
	}{
		"to a known station":       {h1, h2, 100, []int{2}, record.Passed},
		"to all":                   {h1, broadcast, 100, []int{2, 3}, record.Passed},
		"to a group":               {h1, 0x01005e000001, 100, []int{2, 3}, record.Passed},
		"to nobody known":          {h1, unknown, 100, []int{2, 3}, record.Passed},
		"to its own port":          {h1, h1, 100, nil, record.NotForwarded},
		"of the bridges' own":      {h1, 0x0180c2000000, 100, nil, record.NotForwarded},
		"near the bridges' own":    {h1, 0x0180c2000010, 100, []int{2, 3}, record.Passed},
		"from a group":             {0x010000000001, h2, 100, nil, record.NotForwarded},
		"from nobody":              {0, h2, 100, nil, record.NotForwarded},
		"of the greatest length":   {h1, h2, 1514, []int{2}, record.Passed},
		"too long":                 {h1, h2, 1515, nil, record.TooLong},
		"too long for all":         {h1, broadcast, 1515, nil, record.Passed},
		"without room for headers": {h1, h2, 14, []int{2}, record.Passed},
	} {
		b := newBench(t, 1, 3, record.Link{}, record.Link{})
		b.send(1, testFrame(c.from, c.to, c.length))
		if got := b.reached(); !slices.Equal(got, c.want) {
			t.Errorf("%s: reached %v, want %v", name, got, c.want)
		}
		if e := b.on(1, true); len(e) != 1 || e[0].Fate != c.fate {
			t.Errorf("%s: %+v, want fate %v", name, e, c.fate)
		}
	}
}

func TestSwitchLearns(t *testing.T) {
	const guest = mac(0x0200000000ff)
	b := newBench(t, 1, 3, record.Link{}, record.Link{})
	b.send(3, testFrame(guest, station(1), 100))
	b.send(2, testFrame(station(2), guest, 100))
	if n := len(b.arrived(3)); n != 1 {
		t.Errorf("%d frames reached the port where the station was seen, want 1", n)
	}
	if n := len(b.arrived(1)); n != 1 {
		t.Errorf("%d frames reached h1, want only the first", n)
	}
}

func TestSwitchKeepsNetworksApart(t *testing.T) {
	b := newBench(t, 1, 2, record.Link{}, record.Link{})
	if err := b.addPort(Port{Host: "h3", Interface: "eth0", Network: "other", MAC: "02:00:00:00:00:03", MTU: 1500}); err != nil {
		t.Fatal(err)
	}
	b.ports[2].tap = b.ports[0].tap
	b.send(1, testFrame(station(1), 0xffffffffffff, 100))
	b.send(1, testFrame(station(1), station(3), 100)) // flooded: unknown here
	if n := len(b.arrived(3)); n != 0 {
		t.Errorf("%d frames came out in another network", n)
	}
	if n := len(b.arrived(2)); n != 2 {
		t.Errorf("%d frames reached h2, want 2", n)
	}
}

// A frame's copies on the lines of several receivers all name where they came from.
func TestSwitchFloodedFramesNameTheirOrigin(t *testing.T) {
	b := newBench(t, 1, 3, record.Link{}, record.Link{})
	b.send(2, testFrame(station(2), station(1), 100))
	b.send(2, testFrame(station(2), 0xffffffffffff, 100))
	for _, host := range []int{1, 3} {
		e := b.on(host, false)
		if last := e[len(e)-1]; last.Origin != 2 || last.OriginLine != b.ports[1].up.index {
			t.Errorf("h%d: %+v, want frame 2 of line %d", host, last, b.ports[1].up.index)
		}
	}
}
