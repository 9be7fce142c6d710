# control COMMAND...: tell the jukebox.
control() {
	mpc --quiet "$@" 2>/root/errors
}

# playing: the title of what is played now.
playing() {
	control --format '%file%' current | sed 's|.*/||; s|\.wav$||'
}
