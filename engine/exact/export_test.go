package exact

import (
	"context"
	"errors"
	"io"
	"time"

	"detgen/engine/exact/internal/page"
	"detgen/engine/exact/internal/qemu"
	"detgen/record"
)

// WithLimits gives the engine with limits of its own for every run.
func (e *Engine) WithLimits(cpu, stall time.Duration) *Engine {
	limited := *e
	limited.limits = func(*record.Run) qemu.Limits { return qemu.Limits{CPU: cpu, Stall: stall} }
	return &limited
}

// WithKill gives an engine in whose guest the process with an argument is killed when the task begins.
func (e *Engine) WithKill(argument string) *Engine {
	killer := *e
	killer.kill = argument
	return &killer
}

// LoadSnapshot says what is wrong with a snapshot.
func LoadSnapshot(path string) error {
	s, err := loadSnapshot(path)
	if err != nil {
		return err
	}
	return s.Close()
}

// Restore starts a machine from the snapshot, up to where it could go on, and ends it.
func (e *Engine) Restore(ctx context.Context) error {
	state, err := e.snapshot.openState()
	if err != nil {
		return err
	}
	defer state.Close()
	device, err := memoryFile("page", page.Size)
	if err != nil {
		return err
	}
	defer device.Close()
	p, err := qemu.Start(ctx, e.binary.Path, qemu.Machine{
		RAM: e.snapshot.ram, State: state, Empty: e.empty, Page: device, PageSize: page.Size,
	}, nil)
	if err != nil {
		return err
	}
	p.Kill()
	return nil
}

// RunTest runs a program of the tests in the guest, as its root and outside of any host, and gives what it prints.
func (e *Engine) RunTest(ctx context.Context, program []byte, args ...string) (string, error) {
	device, err := memoryFile("page", page.Size)
	if err != nil {
		return "", err
	}
	defer device.Close()
	task := &page.Task{Epoch: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Entropy: make([]byte, 64), Test: &page.Test{Program: program, Args: args}}
	if err := putTask(device, task); err != nil {
		return "", err
	}
	if _, err := e.work(ctx, nil, device, qemu.Limits{CPU: 30 * time.Minute, Stall: time.Minute}, func(string) {}); err != nil {
		return "", err
	}
	read, write := io.Pipe()
	go func() { write.CloseWithError(page.Read(device, page.Result, make([]byte, 1<<20), write)) }()
	defer read.Close()
	answer, err := extract(read, "")
	if err != nil {
		return "", err
	}
	if answer.Error != "" {
		err = errors.New(answer.Error)
	}
	return answer.Output, err
}
