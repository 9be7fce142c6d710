package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Environment variables by which a script's helpers know whose they are.
const (
	ActivityVariable = "DETGEN_ACTIVITY"
	ProgramVariable  = "DETGEN_PROGRAM"
)

// Helper is a helper command's main: args[0] is its name. It returns when the lab has taken
// note, so that what the script does next comes after.
func Helper(args []string) error {
	report, err := parseHelper(args, time.Now())
	if err != nil {
		return err
	}
	conn, err := net.Dial("unix", reportSocket)
	if err != nil {
		return fmt.Errorf("not in a lab: %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(report); err != nil {
		return err
	}
	var answer Message
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return fmt.Errorf("the lab is gone: %w", err)
	}
	if answer.Error != "" {
		return errors.New(answer.Error)
	}
	return nil
}

// parseHelper reads a helper's command line.
func parseHelper(args []string, now time.Time) (*Report, error) {
	r := &Report{
		Helper:   args[0],
		Activity: os.Getenv(ActivityVariable),
		Program:  os.Getenv(ProgramVariable),
		Time:     now,
	}
	if r.Activity == "" {
		return nil, errors.New("only a task's script can call this")
	}
	if len(args) != 2 || args[1] == "" {
		return nil, fmt.Errorf("usage: %s", map[string]string{
			"phase": "phase NAME", "outcome": "outcome KEY=VALUE", "signal": "signal NAME", "await": "await NAME",
		}[r.Helper])
	}
	r.Name = args[1]
	if r.Helper == "outcome" {
		key, value, ok := strings.Cut(args[1], "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("outcome %q: want KEY=VALUE", args[1])
		}
		r.Name, r.Value = key, value
	}
	return r, nil
}
