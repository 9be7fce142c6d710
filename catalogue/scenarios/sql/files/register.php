<?php
require 'start.inc';

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
	page('Register', form('register.php', ['name' => 'text', 'email' => 'email', 'password' => 'password']));
	exit;
}
$insert = database()->prepare('INSERT INTO accounts (name, email, hash) VALUES (?, ?, ?)');
try {
	$insert->execute([$_POST['name'], $_POST['email'], password_hash($_POST['password'], PASSWORD_BCRYPT)]);
} catch (PDOException $e) {
	if (!str_starts_with($e->getCode(), '23')) { // not an integrity constraint (SQLSTATE class 23)
		throw $e;
	}
	http_response_code(409);
	page('Register', '<p>The name ' . text($_POST['name']) . " is taken.</p>\n");
	exit;
}
session_regenerate_id();
$_SESSION['name'] = $_POST['name'];
header('Location: account.php', true, 303);
