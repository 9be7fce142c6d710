// Package supervisor is the process that each lab of engine/live has to itself. The program that runs it has little else in
// it (cmd/detgen-inside): it is started for each run, and all of detgen takes four times as long to start.
package supervisor

import (
	"context"
	"log/slog"
	"os"

	"detgen/internal/helper"
	"detgen/internal/userns"
	"detgen/lab"
	"detgen/record"

	"golang.org/x/sys/unix"
)

// Role is the argument by which a program becomes a supervisor.
const Role = "lab-supervisor"

// Request is what the supervisor is asked to do.
type Request struct {
	ID  uint64
	Run *record.Run
	Lab lab.Options
}

// Message is what it tells: that a stage begins, or how the run of a request went.
type Message struct {
	Reply    uint64         `json:"reply,omitempty"`
	Progress string         `json:"progress,omitempty"`
	Result   *record.Result `json:"result,omitempty"`
	Error    string         `json:"error,omitempty"`
}

// Replies implements helper.Message.
func (m Message) Replies() uint64 { return m.Reply }

// Main is the supervisor's main.
func Main() error {
	parent, err := userns.Enter()
	if err != nil {
		return err
	}
	if err := helper.EnterIsolated(); err != nil {
		return err
	}
	unix.Umask(0o022) // hosts read what is made for them, and they are others
	answers := helper.NewOut(parent)
	return helper.Serve(parent, func(r Request) error {
		r.Lab.Progress = func(stage string) { answers.Send(Message{Progress: stage}) }
		r.Lab.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		r.Lab.Known = func(result *record.Result, err error) {
			m := Message{Reply: r.ID, Result: result}
			if err != nil {
				m.Error = err.Error()
			}
			answers.Send(m)
		}
		lab.Execute(context.Background(), r.Run, r.Lab)
		return nil
	})
}
