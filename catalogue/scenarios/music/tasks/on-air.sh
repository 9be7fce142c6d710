# Say when the jukebox sends to the radio.
mkfifo -m 0666 /run/on-air
signal ready
read -r _ </run/on-air
signal on-air
