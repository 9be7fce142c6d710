. /usr/local/lib/lab/browse.sh
phase read
get "$site/?p=100" /root/page >/dev/null
phase comment
post "$site/wp-comments-post.php" /root/after comment="$COMMENT" author="$AUTHOR" email="$AUTHOR@$AUTHOR.test" url= submit="Post Comment" comment_post_ID=100 comment_parent=0 >/dev/null
outcome comment="$(if grep -q -F "$COMMENT" /root/after; then echo shown; else echo missing; fi)"
