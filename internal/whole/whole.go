// Package whole writes files that are complete or not there.
package whole

import "os"

// WriteFile writes a file so that a kill leaves the old one or the new one: it writes to path+".partial" and renames that.
func WriteFile(path string, content []byte) error {
	part := path + ".partial"
	if err := os.WriteFile(part, content, 0o644); err != nil {
		os.Remove(part)
		return err
	}
	return os.Rename(part, path)
}
