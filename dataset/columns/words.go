package columns

import "detgen/truth"

// words are what a connection's labels are made of.
type words struct{ class, family, scenario, task string }

func wordsOf(t *truth.Truth, c *truth.Connection) words {
	l, scenario, task := t.LabelsOf(c)
	return words{l.Class, l.Family, scenario, task}
}

// attack tells whether the connection is one of an attack.
func (w words) attack() bool { return w.class == "attack" }

// benign is what CICIDS-2017 calls all that is no attack.
const benign = "BENIGN"

// cicLabels are the labels of CICIDS-2017 by what does the attack here (docs/cicids2017.md): a task, or all of a
// scenario.
var cicLabels = map[string]string{
	"ftp-bruteforce":     "FTP-Patator",
	"ssh-bruteforce":     "SSH-Patator",
	"slowhttp/header":    "DoS slowloris",
	"slowhttp":           "DoS Slowhttptest",
	"http-flood/several": "DDoS",
	"http-flood":         "DoS Hulk",
	"goldeneye":          "DoS GoldenEye",
	"heartbleed":         "Heartbleed",
	"web-bruteforce":     "Web Attack - Brute Force",
	"xss":                "Web Attack - XSS",
	"sqli":               "Web Attack - Sql Injection",
	"infiltration":       "Infiltration",
	"ares":               "Bot",
	"port-scan":          "PortScan",
}

// cnsLabels are the labels that the corrected release writes otherwise.
var cnsLabels = map[string]string{
	"Bot":                        "Botnet",
	"PortScan":                   "Portscan",
	"DoS slowloris":              "DoS Slowloris",
	"Web Attack - Sql Injection": "Web Attack - SQL Injection",
}

// unswCategories are the attack categories of UNSW-NB15 (Moustafa and Slay, 2015) by what does the attack here: a
// scenario, or a family.
var unswCategories = map[string]string{
	"url-fuzz":     "Fuzzers",
	"dos":          "DoS",
	"scan":         "Reconnaissance",
	"injection":    "Exploits",
	"leak":         "Exploits",
	"traversal":    "Exploits",
	"botnet":       "Backdoors",
	"infiltration": "Backdoors",
}

// in gives the label in the words of a set. An attack for which it has no word is called as its scenario here.
func (w words) in(set Set) string {
	switch {
	case set == UNSW:
		return w.category()
	case !w.attack():
		return benign
	}
	label := w.scenario
	for _, name := range []string{w.scenario + "/" + w.task, w.scenario} {
		if l, ok := cicLabels[name]; ok {
			label = l
			break
		}
	}
	if l, ok := cnsLabels[label]; ok && set == CNS2022 {
		return l
	}
	return label
}

// category is the category of UNSW-NB15, "" for what is no attack; an attack for which it has none has its family.
func (w words) category() string {
	if !w.attack() {
		return ""
	}
	for _, name := range []string{w.scenario, w.family} {
		if c, ok := unswCategories[name]; ok {
			return c
		}
	}
	return w.family
}
