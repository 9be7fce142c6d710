package model

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"detgen/internal/beneath"
	"detgen/model/suricata"

	"golang.org/x/sync/errgroup"
)

// suricataName begins the texts that name Suricata as a model.
const suricataName = "suricata"

// maxRules is how long a file of rules may be, bytes.
const maxRules = 256 << 20

// suricataModel is Suricata over captures. A connection's score is that of its worst alert: 3 for severity 1, the worst,
// 2 for 2, 1 for 3, which rules have that do not say, 0.5 for any other; 0 without an alert. The score of a step, a frame
// of the connection, is that of the alerts up to it.
type suricataModel struct {
	about    Description
	image    *Image
	detector suricata.Detector
	alerts   map[string][]suricata.Alert // by capture: each is read once
}

// openSuricata reads what stands behind the name: rules=FILE (instead of the project's), view=client, server or tap.
func openSuricata(spec string, o Options) (Model, error) {
	none := 0.25
	m := &suricataModel{
		about:  Description{Name: suricataName, Kind: Captures, View: "tap", StepScores: true, Threshold: &none},
		alerts: map[string][]suricata.Alert{},
	}
	_, options, _ := strings.Cut(spec, ":")
	for option := range strings.SplitSeq(options, ",") {
		key, value, _ := strings.Cut(option, "=")
		switch {
		case option == "":
		case key == "rules" && value != "":
			text, err := readRules(value)
			if err != nil {
				return nil, fmt.Errorf("model %q: %w", spec, err)
			}
			m.detector.Rules += text
			m.about.Trained = strings.TrimSpace(m.about.Trained + " " + value)
		case key == "view" && slices.Contains(Views(), value):
			m.about.View = value
		default:
			return nil, fmt.Errorf("model %q: %q is neither rules=FILE nor view=%s", spec, option, strings.Join(Views(), "|"))
		}
	}
	if o.Image == nil {
		return nil, fmt.Errorf("model %q: it takes the image %s, which is not to be had here", spec, suricata.Image)
	}
	var err error
	if m.image, err = o.Image(suricata.Image); err != nil {
		return nil, fmt.Errorf("model %q: image %s: %w", spec, suricata.Image, err)
	}
	m.detector.Layers = m.image.Layers
	if m.detector.Rules != "" {
		if err := m.detector.Check(context.Background()); err != nil {
			return nil, errors.Join(fmt.Errorf("model %q: %w", spec, err), m.Close())
		}
	}
	m.about.Hash = fmt.Sprintf("%x", sha256.Sum256([]byte(m.image.Digest+" "+m.detector.Digest())))
	return m, nil
}

// readRules reads a file of rules.
func readRules(path string) (string, error) {
	text, err := beneath.ReadNamed(path, maxRules)
	return string(text) + "\n", err
}

func (m *suricataModel) Describe() Description { return m.about }
func (m *suricataModel) Close() error          { return m.image.Close() }

// parallel is how many captures are read at once: Suricata waits for its own threads more than it works.
const parallel = 8

func (m *suricataModel) Score(ctx context.Context, items []Item) ([]Score, error) {
	var unread []string
	for i := range items {
		if c := items[i].Capture; m.alerts[c] == nil && !slices.Contains(unread, c) {
			if c == "" {
				return nil, &ItemError{items[i].ID, errors.New("it has no capture")}
			}
			unread = append(unread, c)
		}
	}
	read := make([][]suricata.Alert, len(unread))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for i, c := range unread {
		group.Go(func() (err error) {
			read[i], err = m.detector.Read(within, c)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, c := range unread {
		m.alerts[c] = append([]suricata.Alert{}, read[i]...)
	}
	scores := make([]Score, len(items))
	for i := range items {
		scores[i] = worst(&items[i], m.alerts[items[i].Capture])
	}
	return scores, nil
}

// worst gives the score of a connection by the alerts about its capture: those that name one of its frames, and those
// that name none but its ends, from its start on.
func worst(item *Item, alerts []suricata.Alert) Score {
	s := Score{ID: item.ID, Steps: make([]float64, len(item.Frames))}
	client, server := item.Ends.addresses()
	for _, a := range alerts {
		score := max(4-float64(max(a.Severity, 1)), 0.5)
		at, own := slices.BinarySearch(item.Frames, uint64(a.Frame))
		if a.Frame == 0 {
			own, at = a.Between(client, server, item.Ends.Start), len(item.Frames)-1 // when, it does not say
		}
		if !own {
			continue
		}
		s.Score = max(s.Score, score)
		for k := at; k >= 0 && k < len(s.Steps); k++ {
			s.Steps[k] = max(s.Steps[k], score)
		}
	}
	return s
}

// addresses gives both ends; one that is no address is between none.
func (e *Ends) addresses() (client, server netip.AddrPort) {
	one, _ := netip.ParseAddr(e.Client)
	other, _ := netip.ParseAddr(e.Server)
	return netip.AddrPortFrom(one, e.ClientPort), netip.AddrPortFrom(other, e.ServerPort)
}
