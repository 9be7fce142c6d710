ALTER USER wordpress@'%' IDENTIFIED BY '{{.params.database_password}}';
USE wordpress;
UPDATE wp_options SET option_value = 'http://{{.params.site}}.test' WHERE option_name IN ('siteurl', 'home');
UPDATE wp_options SET option_value = '{{.params.site}}' WHERE option_name = 'blogname';
UPDATE wp_users SET user_login = '{{.params.user}}', user_nicename = '{{.params.user}}', display_name = '{{.params.user}}', user_email = '{{.params.user}}@people.test', user_pass = MD5('{{.params.password}}') WHERE ID = 1;
{{range $i, $post := made "posts" "rows" -}}
INSERT INTO wp_posts (ID, post_author, post_date, post_date_gmt, post_modified, post_modified_gmt, post_title, post_name, post_content, post_excerpt, to_ping, pinged, post_content_filtered) VALUES ({{add 100 $i}}, 1, '2020-01-01 00:00:00' + INTERVAL {{$i}} DAY, '2020-01-01 00:00:00' + INTERVAL {{$i}} DAY, '2020-01-01 00:00:00' + INTERVAL {{$i}} DAY, '2020-01-01 00:00:00' + INTERVAL {{$i}} DAY, '{{$post.title}}', '{{$post.name}}', CONCAT('<img src="/wp-content/uploads/{{$post.name}}.jpg" alt="{{$post.name}}">', LOAD_FILE('/srv/posts/{{add 1 $i}}')), '', '', '', '');
{{end -}}
