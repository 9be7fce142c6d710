package scenario

import (
	"fmt"
	"reflect"
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

	At Position `yaml:"-"`
}

// maker makes all parts of a thing.
type maker interface {
	make(r *resolver, name, field string) (map[string]any, error)
}

// kinds gives the kinds that are set, by their name.
func (m *Made) kinds() map[string]maker {
	set := map[string]maker{}
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("yaml")
		if kind, ok := v.Field(i).Interface().(maker); ok && !v.Field(i).IsNil() {
			set[name] = kind
		}
	}
	return set
}

// make makes all parts of the thing called name.
func (m *Made) make(r *resolver, name string) (map[string]any, error) {
	for kind, maker := range m.kinds() {
		return maker.make(r, name, "make."+name+"."+kind)
	}
	return nil, fmt.Errorf("nothing to make")
}
