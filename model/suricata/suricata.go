// Package suricata runs Suricata, a detector that nobody here wrote, over captures, and says which connections its
// alerts are about. It reads with the project's own rules (file rules: each with its reason), since those of Debian's
// package are about broken protocols only.
package suricata

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"detgen/internal/confined"
)

// Image is the name of the image that has Suricata.
const Image = "suricata"

//go:embed suricata.yaml
var configuration string

//go:embed rules
var rules string

// Rule is one of the rules.
type Rule struct {
	ID      int
	Message string
	For     []string // scenarios and tasks that it is for
	Reason  string
}

var ruleForm = regexp.MustCompile(`^alert .*\(msg:"([^"]*)";.* metadata:for ([a-z/ -]+); sid:(\d+); rev:\d+;\)$`)

// Rules gives the rules in the order of their file.
func Rules() ([]Rule, error) {
	var list []Rule
	var reason []string
	for line := range strings.Lines(rules) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "# "); ok {
			reason = append(reason, text)
			continue
		}
		if m := ruleForm.FindStringSubmatch(line); m != nil {
			id, err := strconv.Atoi(m[3])
			if err != nil {
				return nil, err
			}
			list = append(list, Rule{ID: id, Message: m[1], For: strings.Fields(m[2]), Reason: strings.Join(reason, " ")})
		} else if line != "" {
			return nil, fmt.Errorf("rules: no rule: %s", line)
		}
		reason = nil
	}
	return list, nil
}

// Alert is a rule that matched.
type Alert struct {
	Rule        int // Rule.ID
	Severity    int // 1 is the worst; 3 without a word of the rule
	Message     string
	Time        time.Time // of the frame
	Frame       int       // number of the frame in the capture, from 1; 0: Suricata names none
	Protocol    string    // "TCP", "UDP", "ICMP"
	Source      netip.AddrPort
	Destination netip.AddrPort
}

// event is a line of eve.json.
type event struct {
	Timestamp string `json:"timestamp"`
	Type      string `json:"event_type"`
	Frame     int    `json:"pcap_cnt"`
	Protocol  string `json:"proto"`
	SrcIP     string `json:"src_ip"`
	DestIP    string `json:"dest_ip"`
	SrcPort   uint16 `json:"src_port"`
	DestPort  uint16 `json:"dest_port"`
	Alert     struct {
		ID       int    `json:"signature_id"`
		Message  string `json:"signature"`
		Severity int    `json:"severity"`
	} `json:"alert"`
}

// alertLimit is how many alerts of a capture are taken.
const alertLimit = 1_000_000

// Detector is Suricata with rules.
type Detector struct {
	Layers []string // directories of an image with Suricata, the top one first
	Rules  string   // "" are the project's
}

// Digest gives the SHA-256 of the rules and the configuration.
func (d *Detector) Digest() string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(configuration+"\x00"+cmp.Or(d.Rules, rules))))
}

// Check finds rules that Suricata does not understand, by reading a capture without frames.
func (d *Detector) Check(ctx context.Context) error {
	f, err := os.CreateTemp("", "detgen-*.pcap")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	header := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0} // of a pcap file of Ethernet
	_, err = f.Write(header)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = d.Read(ctx, f.Name())
	return err
}

// Read gives the alerts about a capture (pcap or pcapng), in the order in which Suricata made them. It runs confined: see
// package confined. A rule that Suricata does not understand is an error.
func (d *Detector) Read(ctx context.Context, capture string) ([]Alert, error) {
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := confined.Run(ctx, confined.Program{
			Layers: d.Layers,
			Args: []string{"/usr/bin/suricata", "--runmode=single", "--init-errors-fatal", "-k", "none", "-c", "/etc/suricata/detgen/suricata.yaml",
				"-l", "/tmp", "-r", confined.Input},
			Files:  map[string]string{"/etc/suricata/detgen/suricata.yaml": configuration, "/etc/suricata/detgen/rules": cmp.Or(d.Rules, rules)},
			Result: "/tmp/eve.json",
		}, capture, writer)
		writer.CloseWithError(err)
		ended <- err
	}()
	alerts, err := parse(reader)
	reader.CloseWithError(err)
	if ranErr := <-ended; ranErr != nil && err == nil {
		err = ranErr
	}
	if err != nil {
		return nil, fmt.Errorf("suricata: read %s: %w", capture, err)
	}
	return alerts, nil
}

// parse reads eve.json.
func parse(r io.Reader) ([]Alert, error) {
	var alerts []Alert
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("eve.json:%d: %w", number, err)
		}
		if e.Type != "alert" {
			continue
		}
		if len(alerts) == alertLimit {
			return nil, fmt.Errorf("eve.json: more than %d alerts", alertLimit)
		}
		a := Alert{Rule: e.Alert.ID, Severity: e.Alert.Severity, Message: e.Alert.Message, Frame: e.Frame, Protocol: e.Protocol}
		var err error
		if a.Time, err = time.Parse("2006-01-02T15:04:05.999999-0700", e.Timestamp); err != nil {
			return nil, fmt.Errorf("eve.json:%d: timestamp: %w", number, err)
		}
		source, sourceErr := netip.ParseAddr(e.SrcIP)
		destination, destinationErr := netip.ParseAddr(e.DestIP)
		if err := errors.Join(sourceErr, destinationErr); err != nil {
			return nil, fmt.Errorf("eve.json:%d: %w", number, err)
		}
		a.Source, a.Destination = netip.AddrPortFrom(source, e.SrcPort), netip.AddrPortFrom(destination, e.DestPort)
		alerts = append(alerts, a)
	}
	return alerts, lines.Err()
}

// Between tells whether an alert is between two ends, in either direction, and not before a time (Unix, nanoseconds), such
// as that of the connection's first frame. Suricata's times are in microseconds.
func (a *Alert) Between(one, other netip.AddrPort, start int64) bool {
	same := a.Source == one && a.Destination == other || a.Source == other && a.Destination == one
	return same && start <= a.Time.UnixNano()+int64(time.Microsecond)
}
