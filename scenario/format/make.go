package format

import (
	"detgen/internal/problem"
	"detgen/scenario/value"
)

// Made is a thing made from the run's seed; templates get its parts with {{made "NAME" "PART"}}.
// Exactly one kind is given.
type Made struct {
	// A certificate authority of the lab.
	Authority *Authority `yaml:"authority"`
	// A certificate with its private key.
	Certificate *Certificate `yaml:"certificate"`
	// A key pair for SSH.
	SSHKey *SSHKey `yaml:"ssh_key"`
	// A key that signs a DNS zone.
	ZoneKey *ZoneKey `yaml:"zone_key"`
	// Rows of drawn values: word lists, credentials, commands with think times.
	Table *Table `yaml:"table"`
	// Web pages that link to each other and show objects.
	Site *Site `yaml:"site"`
	// As many things, called NAME-1, NAME-2, ...; a template. They know their number as .i:
	// {{made (printf "device-%d" .self.index) "cert"}}.
	Repeat Text `yaml:"repeat"`

	At problem.Position `yaml:"-"`
}

// Kinds are the names of the kinds that are given.
func (m *Made) Kinds() []string {
	var given []string
	for name, set := range map[string]bool{
		"authority": m.Authority != nil, "certificate": m.Certificate != nil, "ssh_key": m.SSHKey != nil,
		"zone_key": m.ZoneKey != nil, "table": m.Table != nil, "site": m.Site != nil,
	} {
		if set {
			given = append(given, name)
		}
	}
	return given
}

// Authority is a certificate authority. Part: cert (PEM).
type Authority struct {
	// Common name; a template. Without this field "Lab CA".
	Name Text `yaml:"name"`
	// ecdsa (P-256, the default), rsa or ed25519.
	Key Text `yaml:"key"`

	At problem.Position `yaml:"-"`
}

// Certificate is a certificate for servers, or clients, valid from 2020 to 2049 unless it says
// otherwise. Parts: cert, key (PEM), chain (cert and the authority's), fingerprint (SHA-256),
// device_id (Syncthing's form of it).
type Certificate struct {
	// The made authority that signs it.
	Authority Text `yaml:"authority" jsonschema:"required"`
	// DNS names and addresses that it holds, the first also as common name; templates.
	Names []Text `yaml:"names" jsonschema:"required"`
	// ecdsa (P-256, the default), rsa or ed25519.
	Key Text `yaml:"key"`
	// First day: 2020-01-01.
	From Text `yaml:"from"`
	// Last day: 2049-12-31; one before 2020 makes a certificate that has expired.
	Until Text `yaml:"until"`
	// For clients that identify themselves.
	Client bool `yaml:"client"`

	At problem.Position `yaml:"-"`
}

// SSHKey is a key pair. Parts: private (OpenSSH's form), public (a line of authorized_keys),
// blob (algorithm and key, for known_hosts), fingerprint (SHA256:...), dropbear (its own form,
// in base64).
type SSHKey struct {
	// ed25519 (the default), ecdsa (P-256) or rsa (2048 bits).
	Type Text `yaml:"type"`
	// Comment of the public key; a template.
	Comment Text `yaml:"comment"`

	At problem.Position `yaml:"-"`
}

// ZoneKey is the key that signs a DNS zone (ECDSA P-256, algorithm 13). Parts: private and public
// (the files of BIND's dnssec-signzone; public is also the DNSKEY record), file (the name of those
// files without .private and .key), ds (the record of the zone above), tag, digest (of the ds).
type ZoneKey struct {
	// Name of the zone: "." or like example.test; a template.
	Zone Text `yaml:"zone" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Table is rows of drawn values. Parts: rows (a list of mappings, COLUMN: value, to range over),
// text (a line a row, values separated by tabs), and each column's name (a list of its values).
type Table struct {
	// How many rows; a template.
	Rows Text `yaml:"rows" jsonschema:"required"`
	// What each row holds.
	Columns map[string]*Column `yaml:"columns" jsonschema:"required"`

	At problem.Position `yaml:"-"`
}

// Column is a drawn value of each row of a table.
type Column struct {
	// Kind of value.
	Type value.Type `yaml:"type" jsonschema:"required"`
	// Law to draw from; a template.
	Law Text `yaml:"law" jsonschema:"required"`
	// No value occurs twice.
	Unique bool `yaml:"unique"`
	// Values put into given rows instead of drawn ones: ROW (from 1): value; templates.
	Put map[string]Text `yaml:"put"`

	At problem.Position `yaml:"-"`
}

// Place is where it is written.
func (c *Column) Place() problem.Position { return c.At }

// Site is pages that link to each other, in a tree, and show objects. Parts: files (for "tree"
// of a file), pages and objects (lists of paths, "/" first), bytes (of all files together).
type Site struct {
	// How many pages; a template.
	Pages Text `yaml:"pages" jsonschema:"required"`
	// How many objects each page shows: a number, or a law of whole numbers; a template.
	Objects Text `yaml:"objects"`
	// Size of a page: a size, or a law of sizes; a template. Never less than its links take.
	PageSize Text `yaml:"page_size"`
	// Size of an object: a size, or a law of sizes; a template.
	ObjectSize Text `yaml:"object_size"`
	// Addresses that the first page links to as well, a line each; a template.
	Links Text `yaml:"links"`

	At problem.Position `yaml:"-"`
}
