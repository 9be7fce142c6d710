package stratum

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"syscall"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// blocksMost is how many new blocks a wallet waits for at most.
const blocksMost = 1000

// Wallet is the main of the benign user of the pool's server: a wallet that follows the chain by Electrum's protocol.
// At each new block it asks for its balance. It ends after so many blocks, after a time, or with the context, and
// prints "subscribed", "block HEIGHT", "balance N", or "refused" when there is no server.
func Wallet(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("stratum-wallet", flag.ContinueOnError)
	where := placeFlags(f)
	account := f.String("account", "", "hash of the account's script")
	blocks := f.Int("blocks", 3, "to end after, at most 1000")
	length := f.Duration("length", 10*time.Minute, "to end after anyway, at most 1h")
	if err := options.Parse(f, args, "server", "account"); err != nil {
		return err
	}
	if err := options.Within(f, "blocks", 1, blocksMost); err != nil {
		return err
	}
	if err := options.WithinTime(f, "length", 10*time.Millisecond, time.Hour); err != nil {
		return err
	}
	if err := labPlace(where); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *length)
	defer cancel()
	if err := inside.Phase("subscribe"); err != nil {
		return err
	}
	w, err := where.dial(ctx)
	if errors.Is(err, syscall.ECONNREFUSED) {
		fmt.Println("refused")
		return nil
	}
	if err != nil {
		return err
	}
	defer w.leave()
	stop := context.AfterFunc(ctx, func() { w.Conn.Close() })
	defer stop()
	return follow(w, *account, *blocks, func(words ...any) { fmt.Println(words...) })
}

func follow(w *wire, account string, blocks int, note func(...any)) error {
	asked := 0
	ask := func(method string, params ...any) error {
		asked++
		return w.write(request{ID: asked, Version: "2.0", Method: method, Params: append([]any{}, params...)})
	}
	call := func(method string, params ...any) (*message, error) {
		if err := ask(method, params...); err != nil {
			return nil, err
		}
		reply, err := w.read()
		if err == nil && reply.Error != nil {
			err = fmt.Errorf("%s: %w", method, reply.Error)
		}
		return reply, err
	}
	if _, err := call("server.version", "electrum/4.4.6", "1.4"); err != nil {
		return err
	}
	if _, err := call("blockchain.headers.subscribe"); err != nil {
		return err
	}
	note("subscribed")
	if err := inside.Phase("follow"); err != nil {
		return err
	}
	for balances := 0; balances < blocks; {
		got, err := w.read()
		if err != nil {
			return err
		}
		if got.Method != "" {
			var heads []header
			if err := json.Unmarshal(got.Params, &heads); err != nil || len(heads) != 1 {
				return fmt.Errorf("%s with %s", got.Method, got.Params)
			}
			note("block", heads[0].Height)
			if err := ask("blockchain.scripthash.get_balance", account); err != nil {
				return err
			}
			continue
		}
		var b balance
		if got.Error != nil {
			return got.Error
		}
		if err := json.Unmarshal(got.Result, &b); err != nil {
			return fmt.Errorf("balance %s: %w", got.Result, err)
		}
		balances++
		note("balance", b.Confirmed)
	}
	return nil
}
