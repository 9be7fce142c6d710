package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"detgen/internal/beneath"
)

// What a run.json may hold, so that a hostile one takes bounded memory and time. The largest of the catalogue has a
// hundredth of both.
const (
	MaxRecordSize = 64 << 20  // bytes
	maxElements   = 150_000   // values in all its lists
	maxMembers    = 1_000_000 // members of all its objects
)

// ReadBelow is Read of the run directory name below the folder dir, which is not trusted: a name that leads out of it, or a
// part of it that is a symbolic link, is an error (beneath.Folder).
func ReadBelow(dir, name string) (*Record, error) {
	path, err := beneath.Folder(dir, name)
	if err != nil {
		return nil, err
	}
	return Read(path)
}

// Read reads the Record of a run directory, which is not trusted: what it says is checked (Check).
func Read(dir string) (*Record, error) {
	content, err := beneath.ReadFile(dir, FileName, MaxRecordSize)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not a run directory: it has no %s", dir, FileName)
	}
	if err != nil {
		return nil, err
	}
	r, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("%s %w", filepath.Join(dir, FileName), err)
	}
	return r, nil
}

// Parse reads the content of a run.json and checks it.
func Parse(content []byte) (*Record, error) {
	var r Record
	err := ParseJSON(content, &r)
	if r.Format != Format && r.Format != 0 { // a later one may have what this one does not know
		return nil, fmt.Errorf("has format %d; this detgen reads format %d", r.Format, Format)
	}
	if err != nil {
		return nil, err
	}
	if r.Format == 0 {
		return nil, fmt.Errorf("is damaged: format: is missing")
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("is damaged: %w", err)
	}
	return &r, nil
}

// ParseJSON reads one JSON value into v: no unknown fields, nothing behind it, and no more values than a file of a
// run directory has.
func ParseJSON(content []byte, v any) error { return parseJSON(content, v, true) }

// ParseSomeJSON is ParseJSON for who wants a part of what is there: fields that v has not are left out.
func ParseSomeJSON(content []byte, v any) error { return parseJSON(content, v, false) }

func parseJSON(content []byte, v any, whole bool) error {
	elements, members := count(content)
	if elements > maxElements {
		return fmt.Errorf("has %d values in lists; at most %d are read", elements, maxElements)
	}
	if members > maxMembers {
		return fmt.Errorf("has %d members of objects; at most %d are read", members, maxMembers)
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	if whole {
		decoder.DisallowUnknownFields()
	}
	err := decoder.Decode(v)
	var kind *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &kind):
		return fmt.Errorf("is damaged: %s cannot be a %s", kind.Field, kind.Value)
	case errors.As(err, &syntax):
		return fmt.Errorf("is damaged at byte %d: %w", syntax.Offset, err)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("is damaged: it ends too early")
	case err != nil:
		return fmt.Errorf("is damaged: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := decoder.Token(); err != io.EOF {
		return fmt.Errorf("is damaged: something follows the value that ends at byte %d", decoder.InputOffset())
	}
	return nil
}

// count counts the values in all lists and the members of all objects of a JSON text, before anything is made of them.
func count(text []byte) (elements, members int) {
	inString := false
	var open []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '[' || c == '{':
			open = append(open, c)
			if c == '[' {
				elements++
			}
		case (c == ']' || c == '}') && len(open) > 0:
			open = open[:len(open)-1]
		case c == ',' && len(open) > 0 && open[len(open)-1] == '[':
			elements++
		case c == ':':
			members++
		}
	}
	return elements, members
}

// OpenCapture opens a capture of a run directory, decompressed where only the compressed one is there.
func OpenCapture(dir string, c *Capture) (*os.File, error) {
	file, err := beneath.Open(dir, c.File)
	if errors.Is(err, fs.ErrNotExist) {
		if file, err := openCompressed(dir, c); !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		return nil, fmt.Errorf("the run's capture %s is missing from %s", c.File, dir)
	}
	if err != nil {
		return nil, err
	}
	// The lab writes them as they are. A small compressed file can hold more frames than memory.
	var magic [4]byte
	if _, err := file.ReadAt(magic[:], 0); err == nil && (bytes.HasPrefix(magic[:], []byte("\x1f\x8b")) || string(magic[:]) == "\x28\xb5\x2f\xfd") {
		file.Close()
		return nil, fmt.Errorf("%s is compressed; captures of a run are not", file.Name())
	}
	return file, nil
}

// CheckCapture compares a capture of a run directory with what the record says about it: its length and its SHA-256. A
// record that is not written yet (Staging.Commit), or is Unchecked, says nothing about it.
func (r *Record) CheckCapture(dir string, c *Capture) error {
	if r.Unchecked || c.SHA256 == "" {
		return nil
	}
	file, err := OpenCapture(dir, c)
	if err != nil {
		return err
	}
	defer file.Close()
	name := filepath.Join(dir, CaptureFile(dir, c))
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() != c.Bytes {
		return fmt.Errorf("%s is not as it was recorded: it has %d bytes, %s says %d", name, info.Size(), FileName, c.Bytes)
	}
	sum, _, err := digest(file)
	if err != nil {
		return err
	}
	if sum != c.SHA256 {
		return fmt.Errorf("%s is not as it was recorded: its SHA-256 is %s, %s says %s", name, sum, FileName, c.SHA256)
	}
	return nil
}
