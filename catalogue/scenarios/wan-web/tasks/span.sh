# Download the first site, and all that it links to.
. /usr/local/lib/lab/visit.sh
phase visit
visit /var/cache/sites -r -l inf --page-requisites --span-hosts --domains=test "$protocol://www.$first.test/"
report
outcome files="$(find . -type f | wc -l)"
outcome content="$(diff -r . /srv/sites >/dev/null && echo same || echo different)"
