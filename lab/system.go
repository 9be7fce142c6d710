package lab

import (
	"context"
	"io"
	"time"

	"detgen/record"
)

// system is what a host consists of: a container of this kernel, or a machine with a kernel of its own. Its methods are called
// in their order here.
type system interface {
	// prepare makes what must be there before the network.
	prepare(l *lab) error
	// isolate makes the host's network namespace, which has no interfaces yet.
	isolate(l *lab) error
	// join gives the interfaces that the link driver made to the host, and brings them up.
	join() error
	// start starts the host and gives the connection to its init, whose closing ends what the lab started in the host. What
	// its runtime and its init print goes to log.
	start(ctx context.Context, l *lab, log io.Writer) (io.ReadWriteCloser, error)
	// failed is closed when an init that is not ready will never be.
	failed() <-chan struct{}
	// when gives the time of an event that is at t by the host's clock and comes now.
	when(t time.Time) time.Time
	// table gives a table of the host's network, of /proc/net.
	table(ctx context.Context, name string) ([]byte, error)
	// exists tells if the host has a file.
	exists(ctx context.Context, path string) (bool, error)
	// view makes the view of an activity, and gives its root in the host: "" where the host cannot have views.
	view(ctx context.Context, activity string) (string, error)
	// unview ends the view of an activity, unless there are programs in its control group.
	unview(activity string, group int) error
	// owners gives what the host's programs sent, by this computer's clock.
	owners(ctx context.Context) ([]record.Owner, error)
	// stop ends everything in the host. It is called whatever failed before.
	stop() error
}
