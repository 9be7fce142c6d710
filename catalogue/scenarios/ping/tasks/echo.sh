# Echo requests to the target's address.
phase echo
. /usr/local/lib/lab/echo.sh
echo_to "$TARGET_ADDRESS"
