# Applies the rest of a recipe, in the image's own root (see stage.go, build.go).
# /run/detgen has what to apply, each may be missing: files.tar, owners, run, remove
# The exit status says which part failed: see check in build.go.

if [ -e /run/detgen/files.tar ]; then
	tar -xp -C / --keep-directory-symlink </run/detgen/files.tar || exit 13
	while read -r owner path; do
		chown -h -- "$owner" "$path" || {
			echo "E: $path: there is no owner $owner"
			exit 13
		}
	done </run/detgen/owners
fi

if [ -e /run/detgen/run ]; then
	/bin/sh -eu /run/detgen/run </dev/null || exit 14
fi

if [ -e /run/detgen/remove ]; then
	while read -r pattern; do
		# the script is another shell's, so that the pattern is expanded and nothing else
		/bin/sh -euc 'IFS=; for p in $1; do rm -rf -- "$p"; done' sh "$pattern" || exit 15
	done </run/detgen/remove
fi
