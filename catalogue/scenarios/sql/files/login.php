<?php
require 'start.inc';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
	page('Log in', form('login.php', ['name' => 'text', 'password' => 'password']));
	exit;
}
$select = database()->prepare('SELECT hash FROM accounts WHERE name = ?');
$select->execute([$_POST['name']]);
$hash = $select->fetchColumn();
if ($hash === false || !password_verify($_POST['password'], $hash)) {
	http_response_code(403);
	page('Log in', "<p>Name or password do not fit.</p>\n");
	exit;
}
session_regenerate_id();
$_SESSION['name'] = $_POST['name'];
header('Location: account.php', true, 303);
