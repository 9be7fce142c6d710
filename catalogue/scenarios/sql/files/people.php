<?php
{{- $safe := eq .failure "safe"}}
// Who has a name. What is asked for {{if $safe}}is bound to{{else}}becomes a part of{{end}} the statement.
require 'start.inc';

$name = $_GET['name'] ?? '';
try {
{{- if $safe}}
	$select = database()->prepare('SELECT name, email FROM accounts WHERE name = ?');
	$select->execute([$name]);
{{- else}}
	$select = database()->query("SELECT name, email FROM accounts WHERE name = '$name'");
{{- end}}
	$people = $select->fetchAll(PDO::FETCH_NUM);
} catch (PDOException $e) {
	http_response_code(500);
	page('People', '<p>' . text(strtok($e->getMessage(), "\n")) . "</p>\n");
	exit;
}
$rows = '';
foreach ($people as [$name, $email]) {
	$rows .= '<tr><td>' . text($name) . '</td><td>' . text($email ?? '') . "</td></tr>\n";
}
page('People', $rows === '' ? "<p>Nobody has this name.</p>\n" : "<table>\n$rows</table>\n");
