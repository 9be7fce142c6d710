package agent

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// seedRandom mixes entropy into the kernel's random number generator and makes it use it at
// once (random(4)). Everything that was in the generator is the same in every run from one
// snapshot, so what it gives from here on follows from entropy alone.
func seedRandom(entropy []byte) error {
	f, err := os.OpenFile("/dev/urandom", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	// struct rand_pool_info: bits of entropy, bytes, the bytes
	info := binary.NativeEndian.AppendUint32(nil, uint32(len(entropy)*8))
	info = binary.NativeEndian.AppendUint32(info, uint32(len(entropy)))
	info = append(info, entropy...)
	if err := ioctl(f, unix.RNDADDENTROPY, info); err != nil {
		return fmt.Errorf("RNDADDENTROPY: %w", err)
	}
	if err := ioctl(f, unix.RNDRESEEDCRNG, nil); err != nil {
		return fmt.Errorf("RNDRESEEDCRNG: %w", err)
	}
	return nil
}
