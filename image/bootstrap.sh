# Makes the first root of an image with mmdebstrap (see sandbox.go, debian.go).
# Arguments: those of mmdebstrap.
mmdebstrap "$@" || exit 10
