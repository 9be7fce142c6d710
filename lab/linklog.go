package lab

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"detgen/lab/link"
	"detgen/record"
)

// writeLinkLog keeps what the link driver did to each frame, when it is one that knows. It is
// called when the captures are finished.
func (l *lab) writeLinkLog() error {
	driver, ok := l.links.(link.DecisionLog)
	if !ok {
		return nil
	}
	file, err := os.Create(filepath.Join(l.Dir, record.LinkLogFile))
	if err != nil {
		return fmt.Errorf("write the log of the links: %w", err)
	}
	log, err := driver.Log()
	if err == nil {
		_, err = log.WriteTo(file)
	}
	return errors.Join(err, file.Close())
}
