package mirror

import (
	"strings"
	"unicode"
)

// Task is a task of the catalogue that makes flows of a service, or of an attack.
type Task struct {
	Task   string   // SCENARIO/TASK
	Weight float64  // share of the flows, relative to the other tasks of the service
	Flows  float64  // flows of a run, about; 0: one
	Set    []string // KEY=VALUE; {size} is the law that fits the target's sizes, {part} that of an eighth, as a text
}

// flows is how many flows a run comes to, about.
func (t Task) flows() float64 { return max(t.Flows, 1) }

// overhead is what a service's connection carries besides what its tasks transfer, in bytes, about: heads of requests
// and answers, handshakes, logins. Measured on runs of a few bytes.
var overhead = map[string]float64{"http": 400, "ssl": 2600, "ssh": 7500, "smb": 3500, "smtp": 600}

func web(set ...string) []Task {
	with := func(more ...string) []string { return append(append([]string{}, set...), more...) }
	return []Task{
		{Task: "web/get", Weight: 4, Set: with("params.size={size}")},
		{Task: "web/multi-get", Weight: 2, Set: with("params.http=1.1", "params.object_size={part}", "params.page_size={part}")},
		{Task: "web/keep-alive", Weight: 2, Set: with("params.http=1.1", "params.object_size={part}", "params.page_size={part}", "params.think=~exp(1s, min=10ms, max=20s)")},
		{Task: "web/post", Weight: 1, Set: with("params.size={size}")},
		{Task: "web/range", Weight: 1, Set: with("params.size={size}", "params.start=~")},
		{Task: "web/streaming", Weight: 1, Set: with("params.size={size}", "params.rate=~")},
		{Task: "web/session", Weight: 1, Set: with("params.http=1.1", "params.page_size={part}")},
	}
}

// tasks are those that make each service, with the mix that a plan has when nobody says another.
var tasks = map[string][]Task{
	"http": web(),
	"ssl":  web("params.protocol=https"),
	"quic": {{Task: "web/get", Weight: 1, Set: []string{"params.protocol=https", "client.implementation=quic-go", "server.implementation=caddy", "params.size={size}"}}},
	"dns":  {{Task: "dns/recursive", Weight: 3, Flows: 20}, {Task: "dns/query", Weight: 2, Flows: 5}, {Task: "dns/forward", Weight: 1, Flows: 10}},
	"ssh": {
		{Task: "ssh/download", Weight: 2, Set: []string{"params.size={size}"}}, {Task: "ssh/upload", Weight: 2, Set: []string{"params.size={size}"}},
		{Task: "ssh/sftp", Weight: 1, Set: []string{"params.size={size}"}}, {Task: "ssh/interactive", Weight: 2}, {Task: "ssh/command", Weight: 2, Set: []string{"params.size={size}"}},
		{Task: "ssh/forward", Weight: 1, Set: []string{"params.size={size}"}}, {Task: "ssh/keyscan", Weight: 1},
	},
	"ftp": {
		{Task: "ftp/get", Weight: 3, Flows: 2}, {Task: "ftp/put", Weight: 2, Flows: 2}, {Task: "ftp/get-all", Weight: 2, Flows: 5}, {Task: "ftp/put-all", Weight: 1, Flows: 5},
		{Task: "ftp/put-folder", Weight: 1, Flows: 5}, {Task: "ftp/rename", Weight: 1, Flows: 2}, {Task: "ftp/delete", Weight: 1, Flows: 2}, {Task: "ftp/put-active", Weight: 1, Flows: 2}, {Task: "ftp/put-cycle", Weight: 1, Flows: 3},
	},
	"smtp": {
		{Task: "mail/plain", Weight: 3, Set: []string{"params.size=~"}}, {Task: "mail/recipients", Weight: 1, Set: []string{"params.recipients=~"}},
		{Task: "mail/attachment", Weight: 1, Set: []string{"params.attachment={size}"}},
	},
	"imap":       {{Task: "mail/imap", Weight: 1, Flows: 2}},
	"pop3":       {{Task: "mail/pop3", Weight: 1, Flows: 2}},
	"ntp":        {{Task: "ntp/lan", Weight: 2}, {Task: "ntp/far", Weight: 1}},
	"ldap":       {{Task: "ldap/search", Weight: 3, Set: []string{"params.wanted=~"}}, {Task: "ldap/paged", Weight: 2, Set: []string{"params.page=~"}}, {Task: "ldap/modify", Weight: 1, Set: []string{"params.changes=~"}}},
	"smb":        {{Task: "smb/get", Weight: 2, Set: []string{"params.size={part}"}}, {Task: "smb/put", Weight: 1, Set: []string{"params.size={part}"}}, {Task: "smb/change", Weight: 1}, {Task: "smb/shares", Weight: 1}},
	"krb":        {{Task: "kerberos/ticket", Weight: 2, Flows: 2}, {Task: "kerberos/service", Weight: 1, Flows: 4}},
	"netbios-ns": {{Task: "netbios/lookup", Weight: 2}, {Task: "netbios/status", Weight: 1}},
	"mdns":       {{Task: "mdns/browse", Weight: 2, Flows: 3}, {Task: "mdns/resolve", Weight: 1, Flows: 3}, {Task: "mdns/announce", Weight: 1, Flows: 3}},
	"mysql":      {{Task: "sql/queries", Weight: 2, Set: []string{"server.implementation=mariadb", "params.selects=~"}}, {Task: "sql/long-result", Weight: 1, Set: []string{"server.implementation=mariadb"}}},
	"postgresql": {{Task: "sql/queries", Weight: 2, Set: []string{"server.implementation=postgresql", "params.selects=~"}}, {Task: "sql/long-result", Weight: 1, Set: []string{"server.implementation=postgresql"}}},
	"irc":        {{Task: "irc/talk", Weight: 1, Flows: 3}, {Task: "irc/private", Weight: 1, Flows: 2}},
	"bittorrent": {{Task: "bittorrent/download", Weight: 2, Flows: 4}, {Task: "bittorrent/swarm", Weight: 1, Flows: 10}},
	"syncthing":  {{Task: "syncthing/add-random", Weight: 1, Flows: 2}, {Task: "syncthing/idle", Weight: 1, Flows: 2}},
	"tftp":       {{Task: "tftp/get", Weight: 2, Flows: 2}, {Task: "tftp/put", Weight: 1, Flows: 2}},
	"rtmp":       {{Task: "video/live", Weight: 1, Flows: 2}},
	"mpd":        {{Task: "music/first", Weight: 1, Flows: 2}, {Task: "music/playlist", Weight: 1, Flows: 2}},
	"icmp":       {{Task: "ping/echo", Weight: 1}},
}

// severalKinds are services whose runs have connections of other services too, which their cut-offs would leave out.
var severalKinds = map[string]bool{"ftp": true, "krb": true}

// attackTasks are the tasks of an attack, by words of its label in order; the first that fits counts. The names are
// those of both releases of CICIDS-2017 and of docs/cicids2017.md, without case, blanks and signs.
var attackTasks = []struct {
	words string
	tasks []Task
}{
	{"ftppatator", []Task{{Task: "ftp-bruteforce/one-user", Weight: 1, Flows: 20, Set: []string{"attacker.implementation=patator"}}}},
	{"sshpatator", []Task{{Task: "ssh-bruteforce/one-user", Weight: 1, Flows: 20, Set: []string{"attacker.implementation=patator"}}}},
	{"slowloris", []Task{{Task: "slowhttp/header", Weight: 1, Flows: 100}}},
	{"slowhttptest", []Task{{Task: "slowhttp/body", Weight: 1, Flows: 100}}},
	{"hulk", []Task{{Task: "http-flood/one", Weight: 1, Flows: 120}}},
	{"goldeneye", []Task{{Task: "goldeneye/get", Weight: 2, Flows: 200}, {Task: "goldeneye/post", Weight: 1, Flows: 200}, {Task: "goldeneye/random", Weight: 1, Flows: 200}}},
	{"ddos", []Task{{Task: "http-flood/several", Weight: 1, Flows: 360}}},
	{"heartbleed", []Task{{Task: "heartbleed/leak", Weight: 3, Set: []string{"params.times=~"}}, {Task: "heartbleed/check", Weight: 1}}},
	{"xss", []Task{{Task: "xss/stored", Weight: 1, Flows: 8}, {Task: "xss/reflected", Weight: 1, Flows: 8}, {Task: "xss/probe", Weight: 1, Flows: 40}}},
	{"sqlinjection", []Task{{Task: "sqli/union", Weight: 1, Flows: 5}, {Task: "sqli/error", Weight: 1, Flows: 5}, {Task: "sqli/list", Weight: 1, Flows: 60}}},
	{"bruteforce", []Task{{Task: "web-bruteforce/one-user", Weight: 1, Flows: 20}}},
	{"portscan", []Task{{Task: "port-scan/syn", Weight: 3, Flows: 100}, {Task: "port-scan/connect", Weight: 1, Flows: 100}, {Task: "port-scan/version", Weight: 1, Flows: 100}}},
	{"infiltration", []Task{{Task: "infiltration/infiltrate", Weight: 1, Flows: 60}}},
	{"bot", []Task{{Task: "ares/command", Weight: 2, Flows: 20}, {Task: "ares/upload", Weight: 1, Flows: 20}, {Task: "ares/download", Weight: 1, Flows: 20}}},
}

// TasksOfAttack gives the tasks that do what a label says; none when there are none. A label that says that the attack
// was only tried ("- Attempted", of the corrected release) has none: what a failed attempt was is not in its name.
func TasksOfAttack(label string) []Task {
	plain := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, label)
	if strings.Contains(plain, "attempted") {
		return nil
	}
	for _, a := range attackTasks {
		if strings.Contains(plain, a.words) {
			return a.tasks
		}
	}
	return nil
}

// programs are the factors that an implementation seen on the wire sets: the first word that its name has.
var programs = map[string][]struct{ word, key, value string }{
	"http": servers, "ssl": {{"TLS 1.3", "params.tls", "1.3"}, {"TLS 1.2", "params.tls", "1.2"}},
	"ssh":   {{"OpenSSH", "server.implementation", "openssh"}, {"dropbear", "server.implementation", "dropbear"}},
	"ftp":   {{"vsFTPd", "server.implementation", "vsftpd"}, {"ProFTPD", "server.implementation", "proftpd"}, {"Pure-FTPd", "server.implementation", "pure-ftpd"}},
	"smtp":  {{"Postfix", "server.implementation", "postfix"}, {"Exim", "server.implementation", "exim4"}, {"OpenSMTPD", "server.implementation", "opensmtpd"}},
	"mysql": {{"MariaDB", "server.implementation", "mariadb"}},
}

var servers = []struct{ word, key, value string }{
	{"nginx", "server.implementation", "nginx"}, {"Apache", "server.implementation", "apache2"},
	{"lighttpd", "server.implementation", "lighttpd"}, {"Caddy", "server.implementation", "caddy"},
}
