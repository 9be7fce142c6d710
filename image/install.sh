# Applies a recipe to a root (see sandbox.go, build.go).
# Arguments: the work directory of the build, then the packages.
# The work directory has
#   lower        file with overlayfs's lowerdir; missing when the layer is the whole root
#   entry/layer  the layer to make
#   work         overlayfs's own directory
#   root         where the root is mounted
#   apt.conf     configuration for the host's apt
#   archives     downloaded packages
#   status       dpkg database to start from; missing when it is that of the root
#   stand-in     the package in status that has no content
#   debconf, files.tar, owners, run, remove   what to apply, each may be missing
# The exit status says which part failed: see steps in build.go.

build=$1
shift
root=$build/root

hostname localhost
mount -t proc proc /proc
if [ -e "$build/lower" ]; then
	mount -t overlay overlay "$root" \
		-o "lowerdir=$(cat "$build/lower"),upperdir=$build/entry/layer,workdir=$build/work,redirect_dir=nofollow,metacopy=off,index=off" || exit 10
else
	mount --bind "$build/entry/layer" "$root" || exit 10
fi
for dir in dev proc run sys tmp; do
	[ -d "$root/$dir" ] || mkdir "$root/$dir"
done
mount -t proc proc "$root/proc" || exit 10
mount -t tmpfs -o mode=755 tmpfs "$root/run" || exit 10
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp" || exit 10
mount -t tmpfs -o mode=755 tmpfs "$root/dev" || exit 10
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/zero" c 1 5
mknod -m 666 "$root/dev/full" c 1 7
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
mknod -m 666 "$root/dev/tty" c 5 0
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
mkdir -m 1777 "$root/dev/shm"
mkdir "$root/run/lock" "$root/run/detgen"

if [ -e "$build/debconf" ]; then
	chroot "$root" debconf-set-selections <"$build/debconf" || exit 11
fi

if [ $# -gt 0 ]; then
	if [ -e "$build/status" ]; then
		cp "$build/status" "$root/var/lib/dpkg/status"
		: >"$root/var/lib/dpkg/info/$(cat "$build/stand-in").list"
		: >"$root/var/lib/dpkg/info/$(cat "$build/stand-in").md5sums"
	fi
	mkdir "$root/run/detgen/archives"
	mount --bind "$build/archives" "$root/run/detgen/archives"
	# invoke-rc.d asks this program before it starts a service; 101 forbids it
	policy=$root/usr/sbin/policy-rc.d
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod 755 "$policy"
	APT_CONFIG=$build/apt.conf apt-get install --no-download "$@" </dev/null || exit 12
	rm "$policy"
	umount "$root/run/detgen/archives"
fi

if [ -e "$build/files.tar" ]; then
	chroot "$root" tar -xp -C / --keep-directory-symlink <"$build/files.tar" || exit 13
	while read -r owner path; do
		chroot "$root" chown -h -- "$owner" "$path" || {
			echo "E: $path: there is no owner $owner"
			exit 13
		}
	done <"$build/owners"
fi

if [ -e "$build/run" ]; then
	cp "$build/run" "$root/run/detgen/run"
	chroot "$root" /bin/sh -eu /run/detgen/run </dev/null || exit 14
fi

if [ -e "$build/remove" ]; then
	while read -r pattern; do
		# the pattern is expanded inside the root, where no link leads out
		chroot "$root" /bin/sh -euc 'IFS=; for p in $1; do rm -rf -- "$p"; done' sh "$pattern" || exit 15
	done <"$build/remove"
fi
# Processes that the packages left behind die with this one.
