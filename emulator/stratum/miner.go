package stratum

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"detgen/emulator/internal/options"
	"detgen/lab/inside"
)

// placeFlags adds the flags of where a server is. What they give is checked by labPlace.
func placeFlags(f *flag.FlagSet) *place {
	var p place
	f.StringVar(&p.address, "server", "", "HOST:PORT")
	f.StringVar(&p.name, "name", "", "of the server, in its certificate and for WebSocket")
	f.StringVar(&p.ca, "ca", "", "file with the authority of its certificate (PEM); TLS when there is one")
	f.StringVar(&p.path, "websocket", "", "path of a WebSocket; lines over TCP when empty")
	f.StringVar(&p.origin, "origin", "", "page that opens the WebSocket")
	f.StringVar(&p.userAgent, "user-agent", "Mozilla/5.0", "of the browser that opens the WebSocket")
	return &p
}

// labPlace refuses what is no host of the lab.
func labPlace(p *place) error {
	if _, err := inside.LabAddress(p.address); err != nil {
		return fmt.Errorf("--server: %w", err)
	}
	return nil
}

// miner works for a pool.
type miner struct {
	*wire
	login  login
	shares int           // to end after
	rate   int           // hashes a second
	length time.Duration // to end after
	pause  time.Duration // without a message, after which it says that it lives
	faulty bool          // submits what is not below the target
	note   func(...any)

	id     string // that the pool has given
	asked  int    // requests so far
	job    *job
	blob   []byte
	below  uint64
	nonce  uint32
	hashes int
}

// Miner is the main of the miner. It ends when the pool has answered so many shares, after a time, or with the
// context. It prints "login ok", "login denied: WHY" or "login refused" (no pool), "job", "accepted", "rejected: WHY",
// and at the end "hashes N" and "accepted N rejected M" once more as numbers.
func Miner(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("stratum-miner", flag.ContinueOnError)
	where := placeFlags(f)
	wallet := f.String("wallet", "", "address to mine for")
	agent := f.String("agent", "XMRig/6.21.0 (Linux x86_64) libuv/1.44.2 gcc/12.2.0", "how it calls itself")
	shares := f.Int("shares", 10, "to end after, at most 1000")
	rate := f.Int("rate", 1000, "hashes a second, at most 5000")
	length := f.Duration("length", 10*time.Minute, "to end after anyway, at most 1h")
	pause := f.Duration("keepalive", time.Minute, "without a request, after which it says that it lives")
	faulty := f.Bool("faulty", false, "submit hashes that are not below the target")
	if err := options.Parse(f, args, "server", "wallet"); err != nil {
		return err
	}
	for name, most := range map[string]int{"shares": sharesMost, "rate": rateMost} {
		if err := options.Within(f, name, 1, most); err != nil {
			return err
		}
	}
	for _, name := range []string{"length", "keepalive"} {
		if err := options.WithinTime(f, name, 10*time.Millisecond, time.Hour); err != nil {
			return err
		}
	}
	if err := labPlace(where); err != nil {
		return err
	}
	if err := inside.Phase("login"); err != nil {
		return err
	}
	w, err := where.dial(ctx)
	if errors.Is(err, syscall.ECONNREFUSED) {
		fmt.Println("login refused")
		return nil
	}
	if err != nil {
		return err
	}
	defer w.leave()
	m := &miner{
		wire: w, login: login{Login: *wallet, Pass: "x", Agent: *agent, Algo: []string{"rx/0", "rx/wow", "cn/r", "cn-lite/1", "argon2/chukwa"}},
		shares: *shares, rate: *rate, length: *length, pause: *pause, faulty: *faulty,
		nonce: rand.Uint32(), note: func(words ...any) { fmt.Println(words...) },
	}
	return m.work(ctx)
}

// ask sends a request.
func (m *miner) ask(method string, params any) error {
	m.asked++
	return m.write(request{ID: m.asked, Version: "2.0", Method: method, Params: params})
}

// enter logs in. A pool that says no is not an error.
func (m *miner) enter() error {
	if err := m.ask("login", m.login); err != nil {
		return err
	}
	reply, err := m.read()
	if err != nil {
		return err
	}
	if reply.Error != nil {
		m.note("login denied:", reply.Error)
		return nil
	}
	var in loggedIn
	if err := json.Unmarshal(reply.Result, &in); err != nil || in.Job == nil {
		return fmt.Errorf("the pool answers the login with %s", reply.Result)
	}
	m.note("login ok")
	m.id = in.ID
	return m.begin(in.Job)
}

// begin takes up a job.
func (m *miner) begin(j *job) error {
	blob, err := hex.DecodeString(j.Blob)
	if err != nil || len(blob) != blobLength {
		return fmt.Errorf("blob %q: want %d bytes in hex", j.Blob, blobLength)
	}
	if m.below, err = limit(j.Target); err != nil {
		return err
	}
	m.job, m.blob = j, blob
	m.note("job")
	return nil
}

// work mines. At each tick it does the hashes of the time since the last, so that the rate holds.
func (m *miner) work(ctx context.Context) error {
	if err := m.enter(); err != nil || m.id == "" {
		return err
	}
	if err := inside.Phase("mine"); err != nil {
		return err
	}
	messages := make(chan *message)
	broken := make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go func() {
		for {
			got, err := m.read()
			if err != nil {
				broken <- err
				return
			}
			select {
			case messages <- got:
			case <-done:
				return
			}
		}
	}()
	each := max(m.rate/50, 1) // hashes at a tick
	tick := time.NewTicker(time.Second * time.Duration(each) / time.Duration(m.rate))
	defer tick.Stop()
	alive := time.NewTimer(m.pause)
	defer alive.Stop()
	end := time.After(m.length)
	accepted, rejected, submitted := 0, 0, map[int]bool{}
	for accepted+rejected < m.shares {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-end:
			return fmt.Errorf("%d of %d shares after %v", accepted+rejected, m.shares, m.length)
		case err := <-broken:
			return fmt.Errorf("the pool has gone: %w", err)
		case <-alive.C:
			if err := m.ask("keepalived", keepalive{m.id}); err != nil {
				return err
			}
			alive.Reset(m.pause)
		case got := <-messages:
			if got.Method == "job" {
				var j job
				if err := json.Unmarshal(got.Params, &j); err != nil {
					return fmt.Errorf("job: %w", err)
				}
				if err := m.begin(&j); err != nil {
					return err
				}
			} else if got.ID != nil && submitted[*got.ID] {
				if delete(submitted, *got.ID); got.Error != nil {
					rejected++
					m.note("rejected:", got.Error)
				} else {
					accepted++
					m.note("accepted")
				}
			}
		case <-tick.C:
			// Not more than are still needed.
			if share := m.search(each); share != nil && accepted+rejected+len(submitted) < m.shares {
				if err := m.ask("submit", share); err != nil {
					return err
				}
				submitted[m.asked] = true
				alive.Reset(m.pause)
			}
		}
	}
	m.note("hashes", m.hashes)
	m.note("accepted", accepted, "rejected", rejected)
	return nil
}

// search tries so many nonces, and gives a share when one fits.
func (m *miner) search(hashes int) *submit {
	for range hashes {
		m.nonce++
		m.hashes++
		found := hash(m.blob, m.nonce)
		if !meets(found, m.below) {
			continue
		}
		for m.faulty && meets(found, m.below) {
			m.nonce++
			found = hash(m.blob, m.nonce)
		}
		nonce := binary.LittleEndian.AppendUint32(nil, m.nonce)
		return &submit{ID: m.id, JobID: m.job.ID, Nonce: hex.EncodeToString(nonce), Result: hex.EncodeToString(found[:])}
	}
	return nil
}
