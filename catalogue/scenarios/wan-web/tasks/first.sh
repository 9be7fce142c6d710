# Download the first site once before.
. /usr/local/lib/lab/visit.sh
visit /var/cache/sites -r --page-requisites "$protocol://www.$first.test/"
