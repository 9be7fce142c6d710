package live_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"detgen/record"
)

// again is a script that only works where it has not been before, beside a service that goes on: it finds what the service
// writes, its socket, its new lines of the log, and nothing of what other scripts have written.
const again = `phase echo
mkdir /root/got /srv/mine
mkfifo /tmp/pipe
rm /etc/hostname
perl -MIO::Socket::UNIX -e 'IO::Socket::UNIX->new(Peer => "/run/service.sock") or die $!'
log keeper '^came' 1
outcome lines="$(log keeper | grep -c '^came')"
outcome seen="$(wc -l </srv/visits)"
outcome watched="$(wc -l <"$HOST_ROOT/srv/visits")"
outcome capabilities="$(sed -n 's/^Cap\(Prm\|Bnd\):\t//p' /proc/self/status | sort -u)"
signal done
await done
`

// A script can be played again and again in a lab, in a view of its host that is its own.
func TestViews(t *testing.T) {
	needsLab(t)
	run := twoHosts(again)
	host := &run.Hosts[0]
	host.Files = []record.File{{Path: "/etc/hostname", Text: "client\n"}, {Path: "/srv/visits"}}
	// The service tells of each visitor.
	host.Services = []record.Service{{
		Name: "keeper", Command: []string{"perl", "-MIO::Socket::UNIX", "-e", `
$| = 1;
my $door = IO::Socket::UNIX->new(Local => "/run/service.sock", Listen => 5) or die $!;
while ($door->accept) {
	open my $visits, ">>", "/srv/visits" or die $!;
	print $visits "x\n";
	close $visits;
	print "came\n";
}`},
		Ready: record.Ready{Listen: []string{"unix//run/service.sock"}}, Timeout: record.Duration(5 * time.Second),
	}}
	main := &run.Activities[0]
	expect := func(n string) map[string]string {
		return map[string]string{"lines": "1", "seen": n, "watched": n, "capabilities": "0000000000002000"} // NET_RAW
	}
	main.Expect = expect("1")
	main.Warmup = []record.Script{{Host: "client", Text: "echo warm >/root/warm\n"}}
	main.Scripts[0].Text = "test -e /root/warm\n" + again
	second := *main
	second.Name, second.Start, second.Warmup, second.Expect = "second", record.Duration(10*time.Second), nil, expect("2")
	second.Scripts = []record.Script{{Host: "client", Text: "test ! -e /root/warm\n" + again}}
	third := second
	third.Name, third.Start, third.Expect = "third", record.Duration(20*time.Second), expect("3")
	run.Activities = append(run.Activities, second, third)
	_, dir, err := execute(t, run)
	if err != nil {
		for _, name := range []string{"main", "second", "third", "keeper"} {
			log, _ := os.ReadFile(filepath.Join(dir, "logs/client", name+".log"))
			t.Logf("%s: %s", name, log)
		}
		t.Fatal(err)
	}
}
