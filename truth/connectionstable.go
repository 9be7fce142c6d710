package truth

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"detgen/flow"
	"detgen/packet"
	"detgen/record"
	"detgen/table"
)

// connectionColumn is a column and how to fill it.
type connectionColumn struct {
	table.Column
	put func(b *table.Batch, t *Truth, i int, c *Connection)
}

// ConnectionColumns are the columns of connections.csv, a row for each connection. The last ones
// are the statistics of package flow.
func ConnectionColumns() []table.Column {
	list := make([]table.Column, len(connectionColumns))
	for i, c := range connectionColumns {
		list[i] = c.Column
	}
	for _, name := range flow.StatisticNames() {
		list = append(list, table.Column{Name: name, Kind: table.Float, Optional: true})
	}
	return list
}

func connectionText(name, doc string, get func(t *Truth, c *Connection) string) connectionColumn {
	return connectionColumn{table.Column{Name: name, Kind: table.Text, Doc: doc},
		func(b *table.Batch, t *Truth, i int, c *Connection) { b.Text(get(t, c)) }}
}

func connectionNumber(name, unit, doc string, get func(c *Connection) int64) connectionColumn {
	return connectionColumn{table.Column{Name: name, Kind: table.Int, Unit: unit, Doc: doc},
		func(b *table.Batch, t *Truth, i int, c *Connection) { b.Int(get(c)) }}
}

func connectionTime(name, doc string, get func(c *Connection) int64) connectionColumn {
	return connectionColumn{table.Column{Name: name, Kind: table.Time, Unit: "ns", Doc: doc},
		func(b *table.Batch, t *Truth, i int, c *Connection) { b.Time(get(c)) }}
}

// label is a column with something of the connection's activity.
func label(name, doc string, get func(a *record.Activity) string) connectionColumn {
	return connectionText(name, doc, func(t *Truth, c *Connection) string {
		if c.Activity < 0 {
			return ""
		}
		return get(&t.Record.Run.Activities[c.Activity])
	})
}

var connectionColumns = []connectionColumn{
	{table.Column{Name: "id", Kind: table.Int, Doc: "Number of the connection in the run, from 1, by the time of its first frame."},
		func(b *table.Batch, t *Truth, i int, c *Connection) { b.Int(int64(i + 1)) }},
	connectionText("client_host", "Host that opened it; empty when its address is no host's.", func(t *Truth, c *Connection) string { return c.Client.Host }),
	connectionText("server_host", "The other host.", func(t *Truth, c *Connection) string { return c.Server.Host }),
	{table.Column{Name: "client", Kind: table.Text, Doc: "Address of the client."}, func(b *table.Batch, t *Truth, i int, c *Connection) { b.Addr(c.Client.Address) }},
	{table.Column{Name: "server", Kind: table.Text, Doc: "Address of the server."}, func(b *table.Batch, t *Truth, i int, c *Connection) { b.Addr(c.Server.Address) }},
	connectionNumber("client_port", "", "Port of the client; the identifier for ICMP; 0 for protocols without.", func(c *Connection) int64 { return int64(c.Client.Port) }),
	connectionNumber("server_port", "", "Port of the server; the identifier for ICMP.", func(c *Connection) int64 { return int64(c.Server.Port) }),
	connectionNumber("protocol", "", "IP protocol number.", func(c *Connection) int64 { return int64(c.Protocol) }),
	connectionTime("start", "First frame sent, since the Unix epoch.", func(c *Connection) int64 { return c.Start }),
	connectionTime("end", "Last frame sent.", func(c *Connection) int64 { return c.End }),
	connectionNumber("client_packets", "", "Packets that the client sent.", func(c *Connection) int64 { return c.Up.Packets }),
	connectionNumber("server_packets", "", "Packets that the server sent.", func(c *Connection) int64 { return c.Down.Packets }),
	connectionNumber("client_bytes", "bytes", "Payload of the transport protocol that the client sent, retransmissions included.", func(c *Connection) int64 { return c.Up.Bytes }),
	connectionNumber("server_bytes", "bytes", "The same for the server.", func(c *Connection) int64 { return c.Down.Bytes }),
	connectionNumber("client_wire_bytes", "bytes", "Whole frames that the client sent.", func(c *Connection) int64 { return c.Up.WireBytes }),
	connectionNumber("server_wire_bytes", "bytes", "The same for the server.", func(c *Connection) int64 { return c.Down.WireBytes }),
	connectionText("handshake", "How far the TCP handshake got, as the client's host saw it: `missing`, `syn`, `syn_ack` or `complete`.", func(t *Truth, c *Connection) string {
		if c.Protocol != packet.ProtocolTCP {
			return ""
		}
		return c.Handshake.String()
	}),
	connectionText("closing", "How far the end of the TCP connection got: `open`, `half` (one FIN), `both`, `done` (both acknowledged) or `reset`.", func(t *Truth, c *Connection) string {
		if c.Protocol != packet.ProtocolTCP {
			return ""
		}
		return c.Closing.String()
	}),
	connectionText("class", "`benign` or `attack`, of what its client does in its activity; empty when it belongs to none.", func(t *Truth, c *Connection) string { return t.labels(c).Class }),
	connectionText("family", "Attack family.", func(t *Truth, c *Connection) string { return t.labels(c).Family }),
	connectionText("technique", "ATT&CK technique.", func(t *Truth, c *Connection) string { return t.labels(c).Technique }),
	label("activity", "Activity that it belongs to: `main` or a background one.", func(a *record.Activity) string { return a.Name }),
	label("scenario", "Of the activity.", func(a *record.Activity) string { return a.Scenario }),
	label("task", "Of the activity.", func(a *record.Activity) string { return a.Task }),
	label("failure", "Failure option of the activity.", func(a *record.Activity) string { return a.Failure }),
	label("caching", "Caching option of the activity.", func(a *record.Activity) string { return a.Caching }),
	connectionText("program", "Program that opened it: the name of a service, of an activity, or `load`.", func(t *Truth, c *Connection) string { return c.Program }),
	connectionText("client_implementation", "Implementation of the client's host.", func(t *Truth, c *Connection) string { return t.implementation(c.Client.Host) }),
	connectionText("server_implementation", "Implementation of the server's host.", func(t *Truth, c *Connection) string { return t.implementation(c.Server.Host) }),
	connectionText("first_phase", "Phase of its first frame in one.", func(t *Truth, c *Connection) string { return t.Phases[c.FirstPhase] }),
	connectionText("last_phase", "Phase of its last frame in one.", func(t *Truth, c *Connection) string { return t.Phases[c.LastPhase] }),
	connectionText("span", "Part of the run in which it began: `setup`, `warmup`, `main` or `drain`.", func(t *Truth, c *Connection) string { return c.Span.String() }),
	connectionText("outcome", "Observed outcome of the activity: `key=value`, separated by spaces.", func(t *Truth, c *Connection) string { return t.outcome(c.Activity) }),
}

// labels are the class labels of what a connection's client does in its activity.
func (t *Truth) labels(c *Connection) record.Labels {
	if c.Activity < 0 {
		return record.Labels{}
	}
	return t.Record.Run.Activities[c.Activity].LabelsOf(c.Client.Host)
}

// frameLabels are those of what the client of a frame's connection does, or, where it has none, of its activity.
func (t *Truth) frameLabels(f *Frame) record.Labels {
	switch {
	case f.Activity < 0:
		return record.Labels{}
	case f.Connection >= 0:
		return t.Record.Run.Activities[f.Activity].LabelsOf(t.Connections[f.Connection].Client.Host)
	}
	return t.Record.Run.Activities[f.Activity].Labels
}

func (t *Truth) implementation(host string) string {
	for i := range t.Record.Run.Hosts {
		if h := &t.Record.Run.Hosts[i]; h.Name == host {
			return h.Implementation
		}
	}
	return ""
}

// outcome is the observed outcome of an activity.
func (t *Truth) outcome(activity int16) string {
	if activity < 0 {
		return ""
	}
	name := t.Record.Run.Activities[activity].Name
	for _, a := range t.Record.Result.Activities {
		if a.Name != name {
			continue
		}
		var parts []string
		for key, value := range a.Outcome {
			parts = append(parts, key+"="+value)
		}
		slices.Sort(parts)
		return strings.Join(parts, " ")
	}
	return ""
}

// WriteConnections writes a row for each connection to the file at path.
func (t *Truth) WriteConnections(path string, format table.Format) error {
	statistics, err := t.measure()
	if err != nil {
		return err
	}
	file, err := table.Create(path, format, ConnectionColumns())
	if err != nil {
		return err
	}
	defer file.Abort()
	err = writeRows(file, len(t.Connections), func(b *table.Batch, i int) {
		for k := range connectionColumns {
			connectionColumns[k].put(b, t, i, &t.Connections[i])
		}
		statistics[i].put(b)
		b.EndRow()
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return file.Close()
}
