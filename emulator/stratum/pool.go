package stratum

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"detgen/emulator/internal/options"
	"detgen/emulator/internal/peer"
)

// jobsKept is how many jobs a miner may still submit shares of: a share may be on its way when a block comes.
const jobsKept = 4

// pool gives jobs to miners and takes their shares, and tells wallets of new blocks.
type pool struct {
	wallet     string // whose miners may log in
	difficulty int

	mu       sync.Mutex // of everything below
	height   int
	previous string // head of the newest block, in hex
	seedHash string
	miners   map[*member]bool
	printing func(...any)
}

// member is a connection of the pool.
type member struct {
	*wire
	id      string
	wallet  bool            // follows blocks, and does not mine
	jobs    []*job          // that it may submit shares of, the newest at the end
	nonces  map[string]bool // that it has submitted
	submits int
}

// header is a block of the chain, for wallets (Electrum's protocol, blockchain.headers.subscribe).
type header struct {
	Hex    string `json:"hex"`
	Height int    `json:"height"`
}

type balance struct {
	Confirmed   int `json:"confirmed"`
	Unconfirmed int `json:"unconfirmed"`
}

func random(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return hex.EncodeToString(b)
}

func newPool(wallet string, difficulty, height int) *pool {
	return &pool{
		wallet: wallet, difficulty: difficulty, height: height, previous: random(80), seedHash: random(32),
		miners: map[*member]bool{}, printing: func(words ...any) { fmt.Println(words...) },
	}
}

// Pool is the main of the pool. It prints "login ok", "login denied", "share accepted", "share rejected: WHY" and
// "block HEIGHT", and ends with the context.
func Pool(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("stratum-pool", flag.ContinueOnError)
	listen := f.String("listen", ":3333", "address to listen at")
	chain := f.String("cert", "", "file with a certificate (PEM); TLS when there is one")
	key := f.String("key", "", "file with its key (PEM)")
	path := f.String("websocket", "", "path of a WebSocket; lines over TCP when empty")
	wallet := f.String("wallet", "", "address whose miners may log in")
	difficulty := f.Int("difficulty", 1000, "hashes that a share takes on average, at most 1000000")
	height := f.Int("height", 3_000_000, "of the chain at the start")
	blocks := f.String("blocks", "", "file with the seconds before each new block, a line each; it begins again at its end")
	if err := options.Parse(f, args, "wallet", "blocks"); err != nil {
		return err
	}
	if err := options.Within(f, "difficulty", 1, difficultyMost); err != nil {
		return err
	}
	pauses, err := pausesOf(*blocks)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	if *chain != "" {
		pair, err := tls.LoadX509KeyPair(*chain, *key)
		if err != nil {
			return err
		}
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}})
	}
	return newPool(*wallet, *difficulty, *height).serve(ctx, l, *path, pauses)
}

// pausesOf reads a file of times in seconds.
func pausesOf(path string) ([]time.Duration, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var list []time.Duration
	for s := bufio.NewScanner(file); s.Scan(); {
		d, err := time.ParseDuration(s.Text() + "s")
		if err != nil || d < 10*time.Millisecond || d > time.Hour {
			return nil, fmt.Errorf("%s:%d: %q: want seconds from 0.01 to 3600", path, len(list)+1, s.Text())
		}
		if list = append(list, d); len(list) > 10_000 {
			return nil, fmt.Errorf("%s: more than 10000 lines", path)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: no line", path)
	}
	return list, nil
}

// serve takes connections, and finds blocks, until the context ends.
func (p *pool) serve(ctx context.Context, l net.Listener, path string, pauses []time.Duration) error {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pauses[i%len(pauses)]):
				p.block()
			}
		}
	})
	return peer.Accept(ctx, l, clientsMost, func(c net.Conn) {
		w, err := take(c, path)
		if err == nil {
			p.attend(w) // whatever ends it
		}
	})
}

// attend answers a connection until it ends.
func (p *pool) attend(w *wire) {
	m := &member{wire: w, nonces: map[string]bool{}}
	defer func() {
		p.mu.Lock()
		delete(p.miners, m)
		p.mu.Unlock()
	}()
	for m.submits <= submitsMost {
		ask, err := w.read()
		if err != nil || ask.ID == nil {
			return
		}
		if err := p.respond(m, ask); err != nil {
			return
		}
	}
}

// respond answers a request. The lock is held, so that a new block's job does not overtake.
func (p *pool) respond(m *member, ask *message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	result, err := p.result(m, ask)
	reply := answer{ID: *ask.ID, Version: "2.0", Result: result}
	if err != nil {
		reply.Error = &failure{Code: -1, Message: err.Error()}
	}
	return m.write(reply)
}

func (p *pool) result(m *member, ask *message) (any, error) {
	switch ask.Method {
	case "login":
		var about login
		if err := json.Unmarshal(ask.Params, &about); err != nil || about.Login != p.wallet {
			p.printing("login denied")
			return nil, refusal("Invalid payment address provided")
		}
		m.id = random(16)
		p.miners[m] = true
		p.printing("login ok")
		return loggedIn{ID: m.id, Job: p.newJob(m), Extensions: []string{"algo", "keepalive"}, Status: "OK"}, nil
	case "submit":
		m.submits++
		if err := p.share(m, ask.Params); err != nil {
			p.printing("share rejected:", err)
			return nil, err
		}
		p.printing("share accepted")
		return status{"OK"}, nil
	case "keepalived":
		return status{"KEEPALIVED"}, nil
	case "server.version":
		return []string{"ElectrumX 1.16.0", "1.4"}, nil
	case "server.ping":
		return nil, nil
	case "blockchain.headers.subscribe":
		m.wallet = true
		p.miners[m] = true
		return header{p.previous, p.height}, nil
	case "blockchain.scripthash.get_balance":
		return balance{Confirmed: p.height % 1000}, nil
	}
	return nil, refusal("Method not found")
}

// newJob gives a miner what it is to do on the newest block.
func (p *pool) newJob(m *member) *job {
	j := &job{Blob: random(blobLength), ID: random(8), Target: target(p.difficulty), Algo: algorithm, Height: p.height, SeedHash: p.seedHash}
	m.jobs = append(m.jobs, j)
	m.jobs = m.jobs[max(0, len(m.jobs)-jobsKept):]
	return j
}

// share checks a share.
func (p *pool) share(m *member, params json.RawMessage) error {
	var s submit
	if err := json.Unmarshal(params, &s); err != nil || m.id == "" || s.ID != m.id {
		return errors.New("Unauthenticated")
	}
	i := slices.IndexFunc(m.jobs, func(j *job) bool { return j.ID == s.JobID })
	if i < 0 {
		return refusal("Block expired")
	}
	j := m.jobs[i]
	nonce, err := hex.DecodeString(s.Nonce)
	if err != nil || len(nonce) != nonceLength {
		return refusal("Malformed nonce")
	}
	if key := s.JobID + s.Nonce; m.nonces[key] {
		return refusal("Duplicate share")
	} else {
		m.nonces[key] = true
	}
	blob, err := hex.DecodeString(j.Blob)
	if err != nil {
		return err
	}
	below, err := limit(j.Target)
	if err != nil {
		return err
	}
	found := hash(blob, binary.LittleEndian.Uint32(nonce))
	if hex.EncodeToString(found[:]) != s.Result || !meets(found, below) {
		return refusal("Low difficulty share")
	}
	return nil
}

// block tells everybody of a new block.
func (p *pool) block() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.height++
	p.previous = random(80)
	p.printing("block", p.height)
	for m := range p.miners {
		notice := request{Version: "2.0", Method: "job"}
		if m.wallet {
			notice.Method, notice.Params = "blockchain.headers.subscribe", []header{{p.previous, p.height}}
		} else {
			notice.Params = p.newJob(m)
		}
		m.write(notice) // one who has gone is found out where it is read
	}
}

// refusal is why the pool refuses, in the words that pools use on the wire.
type refusal string

func (r refusal) Error() string { return string(r) }
