# Wrong passwords, a pause after each, then the right one and a file.
. /usr/local/lib/lab/ftp.sh
# session names its phase login; here it is one of mistakes.
right=$password
printf '%s' "$MISTAKEN" >/root/mistakes
denied=0
phase mistype
EXPECT_NO_WORK=1
while read -r think password; do
	(
		phase() { :; }
		session
	)
	if grep -q '530 ' answers; then
		denied=$((denied + 1))
	fi
	sleep "$think"
done </root/mistakes
EXPECT_NO_WORK=
password=$right
outcome denied=$denied
session "get:$first"
report
same
