package inside

import (
	"fmt"
	"io"
	"os"
)

// PrepareNamespace is the main of the first process of a host's user namespace: it forbids user
// namespaces below it, in which a program would have all capabilities, and ends when standard
// input does (namespaces(7), /proc/sys/user).
func PrepareNamespace() error {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return fmt.Errorf("forbid user namespaces in the host: %w", err)
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
