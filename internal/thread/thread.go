// Package thread runs functions on threads that end with them, so that what they change of their thread (its namespaces,
// its working directory) ends too.
package thread

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// Go calls f on a thread of its own, which ends when f returns. It does not wait.
func Go(f func()) { go onOwn(f) }

func onOwn(f func()) {
	runtime.LockOSThread() // never unlocked, but on the first thread
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	// The process's first thread never ends, nor would its namespaces. While this goroutine holds it, another
	// goroutine is on another.
	defer runtime.UnlockOSThread()
	done := make(chan struct{})
	go func() {
		defer close(done)
		onOwn(f)
	}()
	<-done
}
