// Package emulator runs programs that speak a real protocol where no packaged program will do: the
// only ones in circulation are malware, or none is packaged. A host of a lab runs one as "emulate
// NAME FLAG..."; anywhere else they refuse to start. An emulator carries nothing that harms: it
// executes no program, changes only the folder that it is given, and talks to hosts of its own lab.
package emulator

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"detgen/emulator/ares"
	"detgen/emulator/heartbleed"
	"detgen/emulator/http3"
	"detgen/emulator/mirai"
	"detgen/emulator/rapidreset"
	"detgen/emulator/stone"
	"detgen/emulator/stratum"
	"detgen/lab/inside"
)

// main is an emulator: it gets the words behind its name, and ends when the context does
// (SIGTERM, SIGINT) or when it has nothing left to do.
type main func(ctx context.Context, args []string) error

// emulators are all there are, by name.
func emulators() map[string]main {
	return map[string]main{
		"ares-agent":        ares.Agent,
		"ares-operator":     ares.Operator,
		"ares-server":       ares.Server,
		"chaff":             stone.Chaff,
		"discard":           stone.Discard,
		"stall":             stone.Stall,
		"heartbleed":        heartbleed.Client,
		"heartbleed-server": heartbleed.Server,
		"http3":             http3.Client,
		"mirai-bot":         mirai.Bot,
		"mirai-operator":    mirai.Operator,
		"mirai-server":      mirai.Server,
		"stratum-miner":     stratum.Miner,
		"stratum-pool":      stratum.Pool,
		"stratum-wallet":    stratum.Wallet,
		"rapid-reset":       rapidreset.Client,
	}
}

// Names gives the names of all emulators.
func Names() []string { return slices.Sorted(maps.Keys(emulators())) }

// Main runs the emulator that args begins with. Outside a lab it gives an error.
func Main(args []string) error {
	if err := inside.Within(); err != nil {
		return fmt.Errorf("%w: emulators run only there; describe a host in a scenario and start it with \"detgen run\"", err)
	}
	if len(args) == 0 {
		return fmt.Errorf("usage: emulate NAME FLAG...; there are %s", strings.Join(Names(), ", "))
	}
	run, ok := emulators()[args[0]]
	if !ok {
		return fmt.Errorf("no emulator is called %q; there are %s", args[0], strings.Join(Names(), ", "))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	return nil
}
