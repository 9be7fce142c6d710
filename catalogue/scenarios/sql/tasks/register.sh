. /usr/local/lib/lab/web.sh
phase register
registered=0
refused=0
while read -r name password; do
	visit register.php "$name" "$password" --data-urlencode "email=$name@example.test"
	case $(cat code) in
	200) if grep -q "<h1>Welcome, $name</h1>" last; then registered=$((registered + 1)); fi ;;
	409) refused=$((refused + 1)) ;;
	esac
done <people
outcome registered=$registered
outcome refused=$refused
signal done
