package truth

import "detgen/record"

// AtOrigin tells whether a frame, by the indexes of its capture and in it, is one of a connection as the host where the
// connection began took part in it: it sent the frame, or got it undamaged. A monitor at that host sees those.
func (t *Truth) AtOrigin(capture, frame int) bool {
	f := &t.Captures[capture].Frames[frame]
	return f.Connection >= 0 && t.Connections[f.Connection].first.Capture() == capture && (f.Sent || t.usable(NewRef(capture, frame)))
}

// LabelsOf gives the labels of a connection, and the scenario and task of its activity; all "" when it belongs to none.
func (t *Truth) LabelsOf(c *Connection) (l record.Labels, scenario, task string) {
	if c.Activity < 0 {
		return record.Labels{}, "", ""
	}
	a := &t.Record.Run.Activities[c.Activity]
	return a.LabelsOf(c.Client.Host, c.Server.Host), a.Scenario, a.Task
}
