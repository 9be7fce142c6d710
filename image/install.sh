# Answers questions of packages and installs them (see stage.go, build.go). The root is this machine's programs:
#   /image       the image's root
#   /build       what to apply, read-only; each may be missing:
#     apt.conf     configuration for the machine's apt
#     archives     downloaded packages; the image has them in /run/detgen/archives
#     status       dpkg database to start from; missing when it is that of the root
#     stand-in     the package in status that has no content
#     debconf      answers
# Arguments: the packages.
# The exit status says which part failed: see check in build.go.

if [ -e /build/debconf ]; then
	chroot /image debconf-set-selections </build/debconf || exit 11
fi

if [ $# -gt 0 ]; then
	mkdir /tmp/log
	if [ -e /build/status ]; then
		cp /build/status /image/var/lib/dpkg/status
		: >"/image/var/lib/dpkg/info/$(cat /build/stand-in).list"
		: >"/image/var/lib/dpkg/info/$(cat /build/stand-in).md5sums"
	fi
	# invoke-rc.d asks this program before it starts a service; 101 forbids it
	policy=/image/usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	APT_CONFIG=/build/apt.conf apt-get install --no-download "$@" </dev/null || exit 12
	rm "$policy"
fi
# Processes that the packages left behind die with this one.
