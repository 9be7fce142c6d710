package thread

import (
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// No function is called on the process's first thread, which would keep its namespaces, and each is called on one of its own.
func TestGo(t *testing.T) {
	const calls = 50
	var mu sync.Mutex
	threads := map[int]bool{}
	release, all := make(chan struct{}), sync.WaitGroup{}
	for range calls {
		all.Add(1)
		Go(func() {
			mu.Lock()
			threads[unix.Gettid()] = true
			mu.Unlock()
			all.Done()
			<-release
		})
	}
	for range 1000 { // the first thread is free to take calls
		runtime.Gosched()
	}
	all.Wait()
	close(release)
	if len(threads) != calls || threads[unix.Getpid()] {
		t.Errorf("%d threads for %d calls; the first among them: %v", len(threads), calls, threads[unix.Getpid()])
	}
}
