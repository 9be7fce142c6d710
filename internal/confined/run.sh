# Runs a program of an image on one file (see confined.go).
# Arguments: a folder to mount on, overlayfs's lowerdir, the file, the result's path in the root, then the program and
# its arguments. Further files for the root come as a tar archive on standard input.
work=$1 lower=$2 input=$3 result=$4
shift 4

mount -t tmpfs -o mode=755,size=1g,nosuid,nodev tmpfs "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay "$work/root" \
	-o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work,redirect_dir=nofollow,metacopy=off,index=off,nosuid,nodev"
cd "$work/root"
for dir in dev run tmp var/log; do
	mkdir -p "$dir"
	mount -t tmpfs -o mode=1777,size=256m,nosuid,nodev,noexec tmpfs "$dir"
done
tar -x --no-same-owner
umount -q dev || true
mount -t tmpfs -o mode=755,size=1m,nosuid,noexec tmpfs dev
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
# The program is nobody, who may not read the file itself.
mkfifo -m 644 run/input
cat -- "$input" >run/input &
set -- chroot --userspec=65534:65534 --groups=65534 . "$@"
ulimit -c 0
ulimit -v 4194304
status=0
setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid "$@" >&2 </dev/null || status=$?
[ "$status" = 0 ] || exit "$status"
setpriv --no-new-privs --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid \
	chroot --userspec=65534:65534 --groups=65534 . /bin/cat -- "$result" </dev/null
# What still runs dies with this process, the first of its namespace.
