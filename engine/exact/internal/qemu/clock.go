package qemu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// The saved state of the devices (QEMU's docs/devel/migration.rst) has, near its start, the clock: how many
// instructions were executed, and the bias, how much time was skipped while the guest waited. A guest on its
// way to its pause never waits, so the bias is 0 then. But the processor that has just paused
// looks to the main loop like one that waits, until the machine is stopped, too: when the
// main loop gets to look in between, it skips the time to the next timer (icount_start_warp_timer).
// Whether it does depends on the host. That time never was, and is taken back here, so that a snapshot is the same
// wherever it is made.

// icountName begins the clock's part: the mark of a subsection, the length of its name, and that.
const icountName = "\x05\x0ctimer/icount"

// replayName ends with the name of the recorder's part; instance and version follow.
const replayName = "\x06replay"

// settleClock takes back what stopping the machine added to the clock of a saved state.
func settleClock(state *os.File) error {
	head := make([]byte, 512)
	n, err := state.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read the saved state: %w", err)
	}
	head = head[:n]
	icount, replay := bytes.Index(head, []byte(icountName)), bytes.Index(head, []byte(replayName))
	if icount < 0 || replay < 0 || len(head) < replay+len(replayName)+8+24 {
		return errors.New("the saved state has no clock where this version of QEMU puts it")
	}
	icount += len(icountName) + 4 // version
	bias, executed := binary.BigEndian.Uint64(head[icount:]), binary.BigEndian.Uint64(head[icount+8:])
	// After two clocks that are not in use: when the main loop last did something on its own.
	last := binary.BigEndian.Uint64(head[replay+len(replayName)+8+16:])
	switch {
	case bias == 0:
		return nil
	case last != executed:
		return fmt.Errorf("the guest waited for %d ns before its pause, which must not depend on the host", bias)
	}
	if _, err := state.WriteAt(make([]byte, 8), int64(icount)); err != nil {
		return fmt.Errorf("settle the clock of the saved state: %w", err)
	}
	return nil
}
