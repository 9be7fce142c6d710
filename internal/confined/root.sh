# Makes the root of a confined program (see confined.go).
# Arguments: a folder, to have the root as root/, and overlayfs's lowerdir. Further files for the root come as a tar
# archive on standard input.
cd "$1"
mkdir content root
mount -t tmpfs -o mode=755,size=1g,nosuid,nodev tmpfs content
mkdir content/upper content/work
mount -t overlay overlay root \
	-o "lowerdir=$2,upperdir=content/upper,workdir=content/work,redirect_dir=nofollow,metacopy=off,index=off,nosuid,nodev"
cd root
for dir in dev run tmp var/log; do
	mkdir -p "$dir"
	mount -t tmpfs -o mode=1777,size=256m,nosuid,nodev,noexec tmpfs "$dir"
done
tar -x --no-same-owner
# The program is nobody, who may not read the file itself.
mkfifo -m 644 run/input
