<?php
// Subscribe to the newsletter, by a document of XML with a name and an address.
function page(string $content): void {
	echo "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Newsletter</title></head>\n<body>\n",
		"<h1>Newsletter</h1>\n$content</body>\n</html>\n";
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
	page("<p>Send us a document of this form:</p>\n<pre>" . htmlspecialchars("<subscription><name>...</name><email>...</email></subscription>") . "</pre>\n");
	exit;
}
$document = new DOMDocument;
{{- if eq .failure "safe"}}
$flags = LIBXML_NONET; // entities stay what they are
{{- else}}
$flags = LIBXML_NOENT | LIBXML_DTDLOAD | LIBXML_PARSEHUGE; // entities become what they stand for, from wherever it is
{{- end}}
if (!$document->loadXML(file_get_contents('php://input'), $flags)) {
	http_response_code(400);
	page("<p>This is no document of XML.</p>\n");
	exit;
}
$name = $document->getElementsByTagName('name')->item(0)?->textContent ?? '';
$email = $document->getElementsByTagName('email')->item(0)?->textContent ?? '';
file_put_contents('/var/lib/newsletter/subscriptions', json_encode([$name, $email]) . "\n", FILE_APPEND | LOCK_EX);
page('<p>Thank you, <b>' . htmlspecialchars($name) . '</b>. We write to ' . htmlspecialchars($email) . ".</p>\n");
