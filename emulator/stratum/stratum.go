// Package stratum speaks Stratum as pools of CryptoNote coins do (XMRig's description of it, "Stratum protocol"):
// JSON-RPC, a line for each message over TCP or TLS, or a text frame for each over WebSocket (RFC 6455). It has a
// pool, a miner, and a wallet that follows the chain on the same server by Electrum's protocol. The hash is SHA-256
// instead of a coin's own, at a rate that is given, so nothing of worth is mined and hardly a processor is used. A miner
// takes a few thousand hashes a second at most and ends by itself.
package stratum

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
)

// Hard maxima, whatever flags say.
const (
	sharesMost     = 1000
	rateMost       = 5000 // hashes a second
	difficultyMost = 1_000_000
	messageMost    = 64 << 10 // bytes of a message
	clientsMost    = 64       // of a pool at a time
	submitsMost    = 4 * sharesMost
)

// Of a block's head in a job (CryptoNote's): its length and where the nonce is, in bytes.
const (
	blobLength  = 76
	nonceOffset = 39
	nonceLength = 4
)

// message is any message: a request has a method and an ID, a notification no ID, an answer no method.
type message struct {
	ID      *int            `json:"id,omitempty"`
	Version string          `json:"jsonrpc"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Error   *failure        `json:"error,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// failure is why a request failed.
type failure struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

// answer is what a pool writes, with both fields as pools have them.
type answer struct {
	ID      int      `json:"id"`
	Version string   `json:"jsonrpc"`
	Error   *failure `json:"error"`
	Result  any      `json:"result"`
}

// request is what a client writes, and a notification of a server, which has no ID.
type request struct {
	ID      int    `json:"id,omitempty"`
	Version string `json:"jsonrpc"`
	Method  string `json:"method"`
	Params  any    `json:"params"`
}

type login struct {
	Login string   `json:"login"`
	Pass  string   `json:"pass"`
	Agent string   `json:"agent"`
	Algo  []string `json:"algo"`
}

type loggedIn struct {
	ID         string   `json:"id"`
	Job        *job     `json:"job"`
	Extensions []string `json:"extensions"`
	Status     string   `json:"status"`
}

// job is what a pool gives to do: find a nonce for the blob, so that its hash is below the target.
type job struct {
	Blob     string `json:"blob"`
	ID       string `json:"job_id"`
	Target   string `json:"target"` // 4 bytes, little endian
	Algo     string `json:"algo"`
	Height   int    `json:"height"`
	SeedHash string `json:"seed_hash"`
}

type submit struct {
	ID     string `json:"id"`
	JobID  string `json:"job_id"`
	Nonce  string `json:"nonce"`
	Result string `json:"result"`
}

type keepalive struct {
	ID string `json:"id"`
}

type status struct {
	Status string `json:"status"`
}

// algorithm is the name of the hash on the wire.
const algorithm = "rx/0"

// target gives a job's target for a difficulty.
func target(difficulty int) string {
	return hex.EncodeToString(binary.LittleEndian.AppendUint32(nil, uint32(math.MaxUint32/difficulty)))
}

// limit gives what the end of a hash must be below, from a job's target.
func limit(target string) (uint64, error) {
	b, err := hex.DecodeString(target)
	if err != nil || len(b) != 4 || binary.LittleEndian.Uint32(b) == 0 {
		return 0, fmt.Errorf("target %q: want 4 bytes that are not 0, in hex", target)
	}
	return math.MaxUint64 / (math.MaxUint32 / uint64(binary.LittleEndian.Uint32(b))), nil
}

// hash gives the hash of a blob with a nonce in it.
func hash(blob []byte, nonce uint32) [sha256.Size]byte {
	binary.LittleEndian.PutUint32(blob[nonceOffset:], nonce)
	return sha256.Sum256(blob)
}

// meets says whether a hash is below a limit.
func meets(hash [sha256.Size]byte, limit uint64) bool {
	return binary.LittleEndian.Uint64(hash[sha256.Size-8:]) < limit
}
