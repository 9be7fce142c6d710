# Log in, read the guest book, search it, and write.
. /usr/local/lib/lab/browse.sh
phase login
log_in
outcome welcomed="$welcomed"
phase read
get "http://$WEB_NAME/guestbook.php" guestbook >/dev/null
# The first posts are those that there are; after them others may have written.
grep 'class="post"' guestbook | head -n "$POSTS" >posts || true
outcome read="$(wc -l <posts)"
phase search
printf '%s' "$SEARCHES" >searches
found=0
while read -r think word; do
	sleep "$think"
	get "http://$WEB_NAME/guestbook.php?search=$word" results >/dev/null
	found=$((found + $(grep -cxF -f posts results || true)))
done <searches
outcome found=$found
phase write
get "http://$WEB_NAME/guestbook.php" guestbook >/dev/null
write "$AUTHOR" "$TEXT"
signal written
