await done
outcome folder="$([ -e "/home/$USER/$FOLDER" ] && echo there || echo gone)"
