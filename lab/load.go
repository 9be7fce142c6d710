package lab

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"detgen/lab/inside"
	"detgen/lab/internal/owners"
	"detgen/record"
)

// workerStarted matches what stress-ng prints of each worker that has started.
var workerStarted = regexp.MustCompile(`: started \[`)

// running is the load of one host while it is on.
type running struct {
	h       *host
	started time.Time
	cpu     time.Duration // used by the workers until then
	workers int
}

// startLoads starts stress-ng on the hosts that have a load and waits until every worker of it
// says that it started.
func (l *lab) startLoads(ctx context.Context) ([]running, error) {
	var loads []running
	for _, h := range l.hosts {
		if h.Load == (record.Load{}) {
			continue
		}
		l.Progress("load")
		command := []string{"stress-ng", "--verbose", "--temp-path", "/tmp"}
		if h.Load.CPU > 0 {
			command = append(command, "--cpu", strconv.Itoa(h.Load.CPU), "--cpu-method", "int64")
		}
		if h.Load.Memory > 0 {
			command = append(command, "--vm", strconv.Itoa(h.Load.Memory), "--vm-bytes", "32m", "--vm-keep")
		}
		p, err := h.run(ctx, owners.Load, inside.Request{Program: owners.Load, Command: command})
		if err != nil {
			return nil, err
		}
		if _, err := p.output.await(ctx, 0, workerStarted, h.Load.CPU+h.Load.Memory, p.done); errors.Is(err, errEnded) {
			return nil, fmt.Errorf("host %q: load ended with status %d; %s", h.Name, p.status, h.tail(owners.Load))
		} else if err != nil {
			return nil, fmt.Errorf("host %q: load: %w", h.Name, err)
		}
		usage, err := h.request(ctx, inside.Request{Operation: inside.Usage, Program: owners.Load})
		if err != nil {
			return nil, fmt.Errorf("host %q: measure load: %w", h.Name, err)
		}
		loads = append(loads, running{h, time.Now(), usage.CPU, usage.Workers})
	}
	return loads, nil
}

// measureLoads writes down what the loads used while the task ran.
func (l *lab) measureLoads(ctx context.Context, loads []running) error {
	for _, r := range loads {
		usage, err := r.h.request(ctx, inside.Request{Operation: inside.Usage, Program: owners.Load})
		if err != nil {
			return fmt.Errorf("host %q: measure load: %w", r.h.Name, err)
		}
		if usage.Workers < r.workers {
			return fmt.Errorf("host %q: only %d of %d load workers were left at the end", r.h.Name, usage.Workers, r.workers)
		}
		span := time.Since(r.started)
		l.result.Loads = append(l.result.Loads, record.LoadResult{
			Host: r.h.Name, Asked: r.h.Load, Workers: usage.Workers,
			CPU: (usage.CPU - r.cpu).Seconds() / span.Seconds(),
		})
	}
	return nil
}
