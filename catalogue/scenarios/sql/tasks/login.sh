. /usr/local/lib/lab/web.sh
phase login
welcomed=0
refused=0
while read -r name password; do
	visit login.php "$name" "$password"
	case $(cat code) in
	200) if grep -q "<h1>Welcome, $name</h1>" last; then welcomed=$((welcomed + 1)); fi ;;
	403) refused=$((refused + 1)) ;;
	esac
done <people
outcome welcomed=$welcomed
outcome refused=$refused
