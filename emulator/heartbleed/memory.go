package heartbleed

import "sync"

const (
	memorySize = 1 << 16
	// recentMost is how much of what visitors have sent the memory holds, in bytes.
	recentMost = 1 << 10
)

// memory is what a heartbeat's answer is made of behind the request: the newest of what visitors have
// sent, then words, and a secret at a certain depth.
type memory struct {
	mu     sync.Mutex
	recent []byte // newest first
	bottom []byte
}

func newMemory(secret []byte, depth int) *memory {
	m := &memory{bottom: make([]byte, memorySize)}
	for i := range m.bottom {
		m.bottom[i] = "malloc free list "[i%17]
	}
	copy(m.bottom[min(depth, memorySize):], secret)
	return m
}

// remember puts what a visitor has sent on top.
func (m *memory) remember(b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.recent = append(append([]byte{}, b[:min(len(b), recentMost)]...), m.recent...)
	m.recent = m.recent[:min(len(m.recent), recentMost)]
}

// read gives the first n bytes, at most memorySize.
func (m *memory) read(n int) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := append([]byte{}, m.bottom[:min(n, memorySize)]...)
	copy(b, m.recent)
	return b
}

// answer gives the response to a heartbeat message, or nil when none is sent. A patched server discards what
// claims more than it holds (RFC 6520, 4).
func (m *memory) answer(request []byte, patched bool) []byte {
	r := reader{rest: request}
	kind, length := r.number(1), r.number(2)
	if r.cut || kind != heartbeatRequest {
		return nil
	}
	if patched && length+paddingLeast > len(r.rest) {
		return nil
	}
	payload := append([]byte{}, r.rest[:min(length, len(r.rest))]...)
	payload = append(payload, m.read(length-len(payload))...)
	response := appendShort([]byte{heartbeatResponse}, payload)
	return append(response, make([]byte, paddingLeast)...)
}
