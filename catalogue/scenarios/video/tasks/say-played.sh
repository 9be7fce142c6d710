# Say when a viewer waits for the stream.
mkfifo /run/played
signal ready
read -r _ </run/played
signal played
