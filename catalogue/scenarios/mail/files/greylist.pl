# A filter of OpenSMTPD (version 0.6 of its protocol): asks Postgrey about each recipient, as Postfix does by itself.
use strict;
use warnings;
use IO::Socket::UNIX;

$| = 1;
my (%address, %sender);
while (my $line = <STDIN>) {
	chomp $line;
	my ($kind, undef, undef, undef, $event, $session, @rest) = split /\|/, $line, -1;
	if ($line eq 'config|ready') {
		print "register|report|smtp-in|link-connect\n", map({ "register|filter|smtp-in|$_\n" } qw(mail-from rcpt-to)), "register|ready\n";
	} elsif ($kind eq 'report') {
		($address{$session}) = $rest[2] =~ /^([\d.]+):/;
	} elsif ($kind eq 'filter') {
		my ($token, $mail) = @rest;
		($mail) = $mail =~ /<?([^<> ]*)/;
		my $answer = 'proceed';
		if ($event eq 'mail-from') {
			$sender{$session} = $mail;
		} else {
			my $socket = IO::Socket::UNIX->new(Peer => '/run/postgrey.sock') or die "postgrey: $!\n";
			print $socket "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=$address{$session}\n",
				"client_name=unknown\nsender=$sender{$session}\nrecipient=$mail\n\n";
			my $action = <$socket> // die "postgrey does not answer\n";
			$answer = "reject|450 4.2.0 $1" if $action =~ /^action=DEFER\w* (.*)/;
		}
		print "filter-result|$session|$token|$answer\n";
	}
}
