package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
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
	for {
		content, err := call(report)
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(content); err != nil {
			return err
		}
		report.Offset += int64(len(content))
		if report.Helper != Log || report.Value != "" || len(content) < LogPart {
			return nil
		}
	}
}

// call tells the lab and waits for its answer.
func call(report *Report) ([]byte, error) {
	conn, err := net.Dial("unix", reportSocket)
	if err != nil {
		return nil, fmt.Errorf("not in a lab: %w", err)
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(report); err != nil {
		return nil, err
	}
	var answer Message
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return nil, fmt.Errorf("the lab is gone: %w", err)
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Content, nil
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
	most := 2
	if r.Helper == Log {
		most = 4
	}
	if len(args) < 2 || len(args) > most || args[1] == "" {
		return nil, fmt.Errorf("usage: %s", map[string]string{
			"phase": "phase NAME", "outcome": "outcome KEY=VALUE", "signal": "signal NAME", "await": "await NAME",
			Log: "log PROGRAM [PATTERN [COUNT]]",
		}[r.Helper])
	}
	r.Name = args[1]
	switch r.Helper {
	case Log:
		if len(args) > 2 {
			r.Value, r.Count = args[2], 1
		}
		if len(args) > 3 {
			var err error
			if r.Count, err = strconv.Atoi(args[3]); err != nil || r.Count < 1 {
				return nil, fmt.Errorf("log: count %q: want a number of lines, from 1", args[3])
			}
		}
	case "outcome":
		key, value, ok := strings.Cut(args[1], "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("outcome %q: want KEY=VALUE", args[1])
		}
		r.Name, r.Value = key, value
	}
	return r, nil
}
