package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"detgen/internal/beneath"
	"detgen/record"
	"detgen/runner"

	"golang.org/x/sys/unix"
)

// Merge joins the runs of one plan that were made in several folders, the shards of a build on machines that share no
// disk, into the dataset at dir, and writes its tables. Folders of different plans, a run that two folders hold, and a
// run that is none of the plan's as this detgen resolves it are refused before anything is written. Files are linked
// where the disk is the same and copied where it is not; captures are checked against their digests. The same call goes
// on after an interrupt.
func Merge(ctx context.Context, dir string, folders []string, r *runner.Runner, o Options) (*Built, error) {
	planName := filepath.Join(folders[0], PlanFile)
	text, err := ReadPlan(folders[0])
	if err != nil {
		return nil, runner.RequestError{Err: fmt.Errorf("%s is no shard of a dataset: %w", folders[0], err)}
	}
	for _, folder := range folders[1:] {
		other, err := ReadPlan(folder)
		if err != nil {
			return nil, runner.RequestError{Err: fmt.Errorf("%s is no shard of a dataset: %w", folder, err)}
		}
		if string(other) != string(text) {
			return nil, runner.RequestError{Err: fmt.Errorf("%s and %s are of different plans", folders[0], folder)}
		}
	}
	d, err := Open(ctx, dir, planName, text, r)
	if err != nil {
		return nil, err
	}
	if e := d.Plan.Wanting(); e != nil {
		return nil, d.unshardable(e)
	}
	found, err := d.find(folders)
	if err != nil {
		return nil, runner.RequestError{Err: err}
	}
	if err := checkRoom(filepath.Dir(filepath.Clean(dir))); err != nil {
		return nil, runner.RequestError{Err: err}
	}
	if err := d.claim(); err != nil {
		return nil, err
	}
	b := &Built{}
	for _, f := range found {
		if ctx.Err() != nil {
			return nil, errors.New("interrupted; the same command goes on")
		}
		if o.Report != nil {
			o.Report(runner.Event{Done: b.Tally.Made + b.Tally.There + b.Tally.Failed, All: len(found)})
		}
		there, err := d.adopt(f)
		switch {
		case err != nil:
			return nil, err
		case f.kind == Failed:
			b.Tally.Failed++
		case there:
			b.Tally.There++
		default:
			b.Tally.Made++
		}
	}
	b.Description, err = d.Tables(ctx, o)
	return b, err
}

// found is a run in a folder of a shard.
type found struct {
	folder, kind, id string // kind: RunsFolder or Failed
}

func (f *found) dir() string { return filepath.Join(f.folder, f.kind, f.id) }

// find gives the plan's runs that are in the folders, in the order of the plan. Each run is in one folder, and no
// folder holds another run.
func (d *Dataset) find(folders []string) ([]*found, error) {
	by := map[string]*found{}
	for _, folder := range folders {
		for _, kind := range []string{RunsFolder, Failed} {
			path, err := beneath.Folder(folder, kind)
			if err != nil {
				return nil, err
			}
			entries, err := os.ReadDir(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, e := range entries {
				if !idPattern.MatchString(e.Name()) {
					continue // a run that was not finished
				}
				f := &found{folder, kind, e.Name()}
				if other := by[f.id]; other != nil {
					return nil, fmt.Errorf("run %s is in %s and in %s; shards of one build hold different runs", f.id, other.dir(), f.dir())
				}
				by[f.id] = f
			}
		}
	}
	var list []*found
	for r := range d.Plan.Runs() {
		_, id, err := d.resolve(r)
		if err != nil {
			return nil, err
		}
		if f := by[id]; f != nil {
			list = append(list, f)
			delete(by, id)
		}
	}
	for _, f := range by {
		return nil, fmt.Errorf("%s is no run of the plan as this detgen makes it on %s: it was made by another version, from another catalogue, or on another engine", f.dir(), d.engine)
	}
	return list, nil
}

// adopt puts a run of a shard into the dataset. It tells whether the same run was there.
func (d *Dataset) adopt(f *found) (there bool, err error) {
	to := filepath.Join(d.Dir, f.kind, f.id)
	if _, err := os.Stat(filepath.Join(to, record.FileName)); err == nil {
		ours, _, err1 := record.Digest(filepath.Join(to, record.FileName))
		theirs, _, err2 := record.DigestBelow(f.folder, filepath.Join(f.kind, f.id, record.FileName))
		if err := errors.Join(err1, err2); err != nil {
			return false, err
		}
		if ours != theirs {
			return false, fmt.Errorf("%s and %s differ, though they are of one run; remove one", to, f.dir())
		}
		return true, nil
	}
	s, err := record.Create(to)
	if err != nil {
		return false, err
	}
	if err := copyRun(f.dir(), s.Dir()); err != nil {
		return false, errors.Join(fmt.Errorf("merge %s: %w", f.dir(), err), s.Discard())
	}
	return false, s.Publish()
}

// copyRun links or copies the files of a run directory into an empty one, and checks its captures there.
func copyRun(from, to string) error {
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case name == ".":
			return nil
		case e.IsDir():
			return os.Mkdir(target, 0o755)
		case !e.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", path)
		}
		if err := os.Link(path, target); !errors.Is(err, unix.EXDEV) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EOPNOTSUPP) {
			return err
		}
		return copyFile(path, target)
	})
	if err != nil {
		return err
	}
	r, err := record.Read(to)
	if err != nil {
		return err
	}
	for i := range r.Result.Captures {
		if err := r.CheckCapture(to, &r.Result.Captures[i]); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, err := beneath.Open(filepath.Dir(from), filepath.Base(from))
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
