<?php
define('DB_HOST', '{{.hosts.database.urlhost}}');
define('DB_PASSWORD', '{{.params.database_password}}');
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
// Wget takes no cookie for a path other than the page's own
define('ADMIN_COOKIE_PATH', '/');
define('PLUGINS_COOKIE_PATH', '/');
{{range list "AUTH_KEY" "SECURE_AUTH_KEY" "LOGGED_IN_KEY" "NONCE_KEY" "AUTH_SALT" "SECURE_AUTH_SALT" "LOGGED_IN_SALT" "NONCE_SALT" -}}
define('{{.}}', '{{hash (print . $.params.database_password)}}');
{{end -}}
