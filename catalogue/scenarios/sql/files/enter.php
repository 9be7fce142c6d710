<?php
{{- $safe := eq .failure "safe"}}
// Log in. The name {{if $safe}}is bound to{{else}}becomes a part of{{end}} the statement.
require 'start.inc';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
	page('Log in', form('enter.php', ['name' => 'text', 'password' => 'password']));
	exit;
}
$name = $_POST['name'] ?? '';
$hash = hash('sha256', $_POST['password'] ?? '');
try {
{{- if $safe}}
	$select = database()->prepare('SELECT name FROM accounts WHERE name = ? AND hash = ?');
	$select->execute([$name, $hash]);
{{- else}}
	$select = database()->query("SELECT name FROM accounts WHERE name = '$name' AND hash = '$hash'");
{{- end}}
	$found = $select->fetchColumn();
} catch (PDOException $e) {
	http_response_code(500);
	page('Log in', '<p>' . text(strtok($e->getMessage(), "\n")) . "</p>\n");
	exit;
}
if ($found === false) {
	http_response_code(403);
	page('Log in', "<p>Name or password do not fit.</p>\n");
	exit;
}
session_regenerate_id();
$_SESSION['name'] = $found;
header('Location: account.php', true, 303);
