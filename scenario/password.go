package scenario

import "math/rand/v2"

// passwordHash hashes a password for /etc/shadow.
func passwordHash(password string, r *rand.Rand) string { return "" }
