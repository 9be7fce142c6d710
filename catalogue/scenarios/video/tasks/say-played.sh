# Say when a viewer waits for the stream.
signal ready
log video "play: name='$NAME'" 1
signal played
