#!/bin/sh
# Says how much it was sent, and the hash of it.
hash=$(head -c "$CONTENT_LENGTH" | tee /run/uploads/post | sha256sum)
printf 'Content-Type: text/plain\r\n\r\n%s %s\n' "$(wc -c </run/uploads/post)" "${hash%% *}"
