<?php
{{- $safe := eq .failure "safe" "safe-search"}}
// A guest book. {{if not $safe}}What people write is shown as it is, also what they search for.{{end}}
require 'start.inc';
{{- if eq .failure "policy"}}
header("Content-Security-Policy: script-src 'self'");
{{- end}}

function shown(string $text): string {
{{- if $safe}}
	return text($text);
{{- else if eq .params.filter "script"}}
	return str_ireplace('<script>', '', $text);
{{- else}}
	return $text;
{{- end}}
}

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
	$insert = database()->prepare('INSERT INTO posts (author, text) VALUES (?, ?)');
	$insert->execute([$_POST['author'], $_POST['text']]);
	header('Location: guestbook.php', true, 303);
	exit;
}
$search = $_GET['search'] ?? '';
$select = database()->prepare('SELECT author, text FROM posts WHERE text LIKE ? ORDER BY id');
$select->execute(["%$search%"]);
$posts = $search === '' ? '' : '<p>Posts with: ' . shown($search) . "</p>\n";
foreach ($select->fetchAll(PDO::FETCH_NUM) as [$author, $text]) {
	$posts .= '<p class="post"><b>' . text($author) . '</b> ' . shown($text) . "</p>\n";
}
page('Guest book', $posts . form('guestbook.php', ['author' => 'text', 'text' => 'text']));
