# Have the resolver look up the other domain's mail exchanger and its address, so that it remembers them.
perl -MNet::DNS -e '
	my $resolver = Net::DNS::Resolver->new(nameservers => [$ARGV[0]]);
	my ($exchanger) = mx($resolver, $ARGV[1]) or die "no mail exchanger: ", $resolver->errorstring, "\n";
	my $answer = $resolver->send($exchanger->exchange, "A") or die $resolver->errorstring, "\n";
	print $answer->string;
' "$RESOLVER_ADDRESS" "$ELSEWHERE.test"
