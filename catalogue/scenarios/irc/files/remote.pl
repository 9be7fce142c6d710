# Lets a script use irssi as a person would: commands come in by one pipe, and what the server sends
# and what becomes of files goes out by another.
use strict;
use warnings;
use Irssi;
use IO::Handle;

open(my $commands, '<', '/root/commands') or die "commands: $!";
open(my $events, '>', '/root/events') or die "events: $!";
$events->autoflush(1);

my $command = '';
my $watch;
$watch = Irssi::input_add(fileno($commands), INPUT_READ, sub {
	my $read = sysread($commands, my $byte, 1);
	unless ($read) {
		Irssi::input_remove($watch);
		return;
	}
	if ($byte ne "\n") {
		$command .= $byte;
		return;
	}
	my $server = Irssi::active_server();
	if ($server) { $server->command($command) } else { Irssi::command($command) }
	$command = '';
}, '');
Irssi::signal_add_first('server incoming', sub { print $events "$_[1]\n" });
Irssi::signal_add('dcc closed', sub { print $events "DCC CLOSED $_[0]->{nick} $_[0]->{transfd}\n" });
# Who takes a file closes when all of it is there. The sender would wait for ever where the last
# acknowledgement comes before irssi has looked for the end of its file.
Irssi::signal_add_last('dcc transfer update', sub {
	my $dcc = shift;
	Irssi::command("dcc close get $dcc->{nick} $dcc->{arg}")
		if $dcc->{type} eq 'GET' && $dcc->{transfd} == $dcc->{size};
});
