# Say when there are segments of every rendition.
. /usr/local/lib/lab/cut.sh
case $TASK in
dash) cut /srv/dash 4 ;;
*) cut /srv/hls 12 ;; # four of each rendition
esac
