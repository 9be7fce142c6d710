package exact

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"detgen/engine/exact/internal/page"
	"detgen/record"
)

// readResults takes the results off the page device: the files into dir, and what the lab
// gave.
func readResults(device *os.File, dir string) (*record.Result, error) {
	read, write := io.Pipe()
	go func() { write.CloseWithError(page.Read(device, page.Result, make([]byte, 1<<20), write)) }()
	defer read.Close()
	answer, err := extract(read, dir)
	if err != nil {
		return nil, fmt.Errorf("take the results from the guest: %w", err)
	}
	if answer.Error != "" {
		return answer.Result, errors.New(answer.Error)
	}
	if answer.Result == nil {
		return nil, errors.New("take the results from the guest: there is no result")
	}
	return answer.Result, nil
}

// extract reads the archive to its end, so that its checksum is known to be right.
func extract(r io.Reader, dir string) (*page.Answer, error) {
	var answer *page.Answer
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if h.Name == page.AnswerFile {
			if err := json.NewDecoder(archive).Decode(&answer); err != nil {
				return nil, fmt.Errorf("%s: %w", h.Name, err)
			}
			continue
		}
		if !filepath.IsLocal(h.Name) {
			return nil, fmt.Errorf("file name %q leaves the run directory", h.Name)
		}
		if err := writeFile(filepath.Join(dir, h.Name), archive); err != nil {
			return nil, err
		}
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return nil, err
	}
	if answer == nil {
		return nil, fmt.Errorf("there is no %s", page.AnswerFile)
	}
	return answer, nil
}

func writeFile(path string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
