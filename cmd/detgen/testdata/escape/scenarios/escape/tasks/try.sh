phase try
status=0
/escape || status=$?
outcome out=$status
