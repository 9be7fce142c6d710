<?php
{{- $safe := eq .failure "safe" "safe-page"}}
// Shows the page that is asked for by its file's name.
$name = $_GET['name'] ?? '';
{{- if $safe}}
$name = basename($name); // whatever folders are before it
{{- else if eq (index .params "evasion") "double"}}
if (str_contains($name, '..')) { // what is still encoded is not seen here
	http_response_code(400);
	exit("<p>No.</p>\n");
}
$name = rawurldecode($name);
{{- else if eq (index .params "evasion") "nested"}}
$name = str_replace('../', '', $name); // what is left may be one again
{{- end}}
ob_start();
if (!(include '/srv/pages/' . $name)) {
	http_response_code(404);
	ob_clean();
	echo "<p>There is no such page.</p>\n";
}
