package live

import (
	"context"
	"errors"
	"fmt"

	"detgen/engine"
	"detgen/internal/helper"
	"detgen/internal/userns"
	"detgen/lab"
)

// CheckRole is the argument by which this program looks what a user's labs have.
const CheckRole = "lab-check"

// question is what the process is asked: what labs need with a link driver.
type question struct {
	ID     uint64
	Driver string
}

// findings are what it found: requirements, and whether owners of connections can be noted.
type findings struct {
	Reply       uint64
	List        []finding
	Attribution string
}

type finding struct{ Name, Err, Limit string }

// Replies implements helper.Message.
func (f findings) Replies() uint64 { return f.Reply }

// Check is the main of the process that looks what a user's labs have, in a user namespace as labs are in.
func Check() error {
	parent, err := userns.Enter()
	if err != nil {
		return err
	}
	if err := helper.EnterIsolated(); err != nil {
		return userns.Explain(err)
	}
	answers := helper.NewOut(parent)
	return helper.Serve(parent, func(q question) error {
		f := findings{Reply: q.ID, Attribution: text(lab.Attribution())}
		for _, r := range lab.Requirements(q.Driver) {
			f.List = append(f.List, finding{r.Name, text(r.Err), text(r.Limit)})
		}
		return answers.Send(f)
	})
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func problem(text string) error {
	if text == "" {
		return nil
	}
	return errors.New(text)
}

// look asks a process in a user namespace.
func look(ctx context.Context, driver string) (findings, error) {
	p, err := start(helper.Command{Args: []string{CheckRole}, Namespaces: helper.Isolated})
	if err != nil {
		return findings{}, err
	}
	calls := helper.NewCalls(p.Conn, func(findings) {})
	f, err := calls.Call(ctx, func(number uint64) any { return question{number, driver} })
	calls.Close()
	if ended := p.Wait(); err != nil {
		return findings{}, errors.Join(err, ended)
	}
	return f, nil
}

// userRequirements are lab.Requirements for an ordinary user.
func userRequirements(ctx context.Context, driver string) []engine.Requirement {
	f, err := look(ctx, driver)
	if err != nil {
		return []engine.Requirement{{Name: "root", Err: fmt.Errorf("labs on this kernel need root, or a user namespace: %w; or use --engine exact", err)}}
	}
	var list []engine.Requirement
	for _, r := range f.List {
		list = append(list, engine.Requirement{Name: r.Name, Err: problem(r.Err), Limit: problem(r.Limit)})
	}
	return list
}

// userAttribution tells whether a user's labs can note owners of connections.
func userAttribution() error {
	f, err := look(context.Background(), "")
	if err != nil {
		return err
	}
	return problem(f.Attribution)
}
