package truth

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/problem"
	"detgen/table"
)

// Export says in which form the labels of a run are written.
type Export struct {
	Path string // of the file; its extension is the form
	What string // "packets" or "connections"
	Host string // pcapng: only the captures of this host; "" for all
	Tool string // pcapng: the program that wrote it, as the file names it

	Unchecked bool // take the captures as they are
}

// pcapngExtension is that of files with frames; the others have tables.
const pcapngExtension = ".pcapng"

func (e *Export) extension() string { return strings.ToLower(filepath.Ext(e.Path)) }

// Check finds what cannot be written. Its messages name the flags of "detgen export".
func (e *Export) Check() error {
	extension := e.extension()
	switch {
	case e.Path == "":
		return errors.New("say where to write: -o FILE.pcapng, FILE.parquet or FILE.csv")
	case extension != pcapngExtension && extension != ".parquet" && extension != ".csv":
		return fmt.Errorf("-o %s: the name must end with .pcapng, .parquet or .csv", e.Path)
	case e.What != "packets" && e.What != "connections":
		return fmt.Errorf("--what %s: must be packets or connections", e.What)
	case extension == pcapngExtension && e.What != "packets":
		return errors.New("--what connections: a pcapng file has packets")
	case extension != pcapngExtension && e.Host != "":
		return errors.New("--host: only for pcapng files")
	}
	_, err := os.Stat(filepath.Dir(e.Path))
	return err
}

// Write writes the labels of the run of a run directory.
func (e *Export) Write(dir string) error {
	if err := e.Check(); err != nil {
		return problem.InRequest(err)
	}
	_, t, err := Open(dir, e.Unchecked)
	if err != nil {
		return err
	}
	if err := t.Has(Selection{Host: e.Host}); err != nil {
		return problem.InRequest(fmt.Errorf("--%w", err))
	}
	return t.Export(e)
}

// Export writes the labels of the run.
func (t *Truth) Export(e *Export) error {
	extension := e.extension()
	format := table.Format(extension[1:])
	switch {
	case extension == pcapngExtension:
		return t.WritePcapngFile(e.Path, e.Tool, e.Host)
	case e.What == "connections":
		return t.WriteConnections(e.Path, format)
	}
	return t.WritePackets(e.Path, format)
}
