await done
outcome left="$(ls "/srv/$SHARE")"
