# Say when the jukebox sends to the radio.
signal ready
log radio "listener count on /$MOUNT now 0" 1
signal on-air
