<?php
require 'start.inc';

if (!isset($_SESSION['name'])) {
	header('Location: login.php', true, 303);
	exit;
}
$select = database()->prepare('SELECT name, email, since FROM accounts WHERE name = ?');
$select->execute([$_SESSION['name']]);
$account = $select->fetch(PDO::FETCH_ASSOC);
$rows = '';
foreach ($account as $key => $value) {
	$rows .= '<tr><th>' . text($key) . '</th><td>' . text($value) . "</td></tr>\n";
}
page('Welcome, ' . text($account['name']), "<table>\n$rows</table>\n");
