package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lock is a hold on an image across processes: flock(2) on a file of the store. Who uses the
// image holds it shared, who builds or removes it holds it alone. The kernel lets go of it when
// the last process that has the file open is gone, so a kill leaves no stale lock.
type lock struct{ file *os.File }

// openLock opens a lock's file without locking it. A user who may not write the store can
// still hold existing images shared.
func openLock(name string) (*lock, error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, os.ErrPermission) || errors.Is(err, unix.EROFS) {
		file, err = os.Open(name)
	}
	if err != nil {
		return nil, fmt.Errorf("open lock: %w", err)
	}
	return &lock{file}, nil
}

// acquire waits for the lock. waiting is called once when another process has it. When ctx
// ends first, the lock is closed.
func acquire(ctx context.Context, name string, how int, waiting func()) (*lock, error) {
	l, err := openLock(name)
	if err != nil {
		return nil, err
	}
	got, err := l.try(how)
	if got || err != nil {
		return l, err
	}
	if waiting != nil {
		waiting()
	}
	result := make(chan error, 1)
	go func() { result <- flock(l.file, how) }()
	select {
	case err := <-result:
		if err != nil {
			l.release()
			return nil, err
		}
		return l, nil
	case <-ctx.Done():
		go func() { // flock cannot be called off; let go as soon as it returns
			<-result
			l.release()
		}()
		return nil, fmt.Errorf("wait for %s: %w", filepath.Base(name), ctx.Err())
	}
}

// try takes the lock if nobody is in the way.
func (l *lock) try(how int) (bool, error) {
	err := flock(l.file, how|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

func flock(file *os.File, how int) error {
	for {
		err := unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			if err != nil {
				err = fmt.Errorf("lock %s: %w", file.Name(), err)
			}
			return err
		}
	}
}

// release closes the lock's file. The lock itself lasts until processes that were handed the
// file are gone too.
func (l *lock) release() { l.file.Close() }
