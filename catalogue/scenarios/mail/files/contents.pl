# contents.pl MAIL...: the SHA-256 of what each mail holds, a line a part: "text HASH" of texts, without the line
# ends at their end (programs add some), "file HASH" of attached files.
use strict;
use warnings;
use Digest::SHA 'sha256_hex';
use MIME::Base64 'decode_base64';
use MIME::QuotedPrint 'decode_qp';

sub part {
	my ($head, $body) = split /\n\n/, $_[0], 2;
	$head =~ s/\n[ \t]+/ /g;
	$body //= '';
	if ($head =~ /^Content-Type: multipart.*boundary="?([^";\s]+)/im) {
		my @parts = split /^--\Q$1\E(?:--)?[ \t]*\n/m, "$body\n";
		# Before the first boundary and after the last one there is nothing to read; the line end before a boundary is its own.
		part(s/\n\z//r) for @parts[1 .. $#parts - 1];
		return;
	}
	my ($encoding) = $head =~ /^Content-Transfer-Encoding: *(\S+)/im;
	$body = decode_base64($body) if lc($encoding // '') eq 'base64';
	$body = decode_qp($body) if lc($encoding // '') eq 'quoted-printable';
	if ($head =~ /^Content-Disposition: attachment/im) {
		print 'file ', sha256_hex($body), "\n";
	} else {
		$body =~ s/\n*\z//;
		print 'text ', sha256_hex($body), "\n";
	}
}

for my $path (@ARGV) {
	open my $mail, '<:raw', $path or die "$path: $!\n";
	my $content = do { local $/; <$mail> };
	$content =~ s/\r\n/\n/g;
	part($content);
}
