# The account's folder as it is now; restore brings it back for those who come the next time.
if [ "$FAILURE" = none ]; then
	mkdir /tmp/before
	cp -a "/home/$USER/." /tmp/before
fi
restore() {
	[ "$FAILURE" = none ] || return 0
	find "$HOST_ROOT/home/$USER" -mindepth 1 -delete
	cp -a /tmp/before/. "$HOST_ROOT/home/$USER"
}
