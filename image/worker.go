package image

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"detgen/internal/boundary"
	"detgen/internal/helper"
	"detgen/internal/userns"

	"golang.org/x/sys/unix"
)

// An ordinary user's images are built and packed by a worker: a process of this program in a user namespace, whose IDs
// are those of images, each one of the user's subordinate IDs on the machine, and the user's own ID as the last of all. So a
// layer's files have the owners in the namespace that they have in the image, and a build has the IDs of nobody else: it
// is no more the user than root's build is root. The user alone cannot remove such files either: the worker does that too.

// WorkerRole is the argument by which this program is a worker.
const WorkerRole = "image-worker"

var workerLayout = userns.Layout{First: 0, Count: boundary.IDRange, Own: 1<<32 - 2}

// CheckUser looks whether the user who runs this process can build images. The error says what is missing.
func CheckUser() error {
	if os.Geteuid() == 0 {
		return nil
	}
	return otherWay(workerLayout.Check())
}

// otherWay adds to an error what users do who cannot build.
func otherWay(err error) error {
	if errors.Is(err, userns.ErrForbidden) {
		return fmt.Errorf("building and packing images takes root, or a user namespace with subordinate IDs: %w; or bring images by \"detgen image save\" "+
			"where they can be built and \"detgen image load\" here", err)
	}
	return err
}

// direct tells whether this process itself can build, pack and remove.
func (s *Store) direct() bool { return s.worker || os.Geteuid() == 0 }

// task is what a worker is asked for: one of Build, Pack, Unpack and Remove.
type task struct {
	ID       uint64
	Dir      string // of the store
	Folders  []workFolder
	Pins     map[string][]Deb
	PinFiles string
	Limits   limits

	Build  string // name of an image, whose parents are built
	Pack   string // digest of a layer, and the image that it is packed for
	Unpack string // the same
	For    string
	Remove string // path below images/
}

// workFolder is a Folder; one without a path of this machine is the embedded catalogue.
type workFolder struct{ Name, Dir string }

// told is what a worker tells: the progress of an image, or at last that the task has ended, with what error.
type told struct {
	ID          uint64
	Image, Step string
	Error       string
}

// Replies implements helper.Message.
func (t told) Replies() uint64 { return t.ID }

// work lets a worker do a task. When ctx ends, the worker removes what it was making.
func (s *Store) work(ctx context.Context, t task) error {
	t.Dir, t.Pins, t.PinFiles, t.Limits = s.dir, s.pins, s.pinFiles, s.limits
	for _, f := range s.recipes.folders {
		t.Folders = append(t.Folders, workFolder{f.Name, f.Dir})
	}
	p, err := userns.Start(helper.Command{Args: []string{WorkerRole}, Namespaces: unix.CLONE_NEWNS | unix.CLONE_NEWPID}, workerLayout)
	if err != nil {
		return otherWay(err)
	}
	calls := helper.NewCalls(p.Conn, func(m told) { s.tell(m.Image, m.Step) })
	reply, err := calls.Call(ctx, func(number uint64) any { t.ID = number; return t })
	calls.Close()
	ended := p.Wait()
	<-calls.Gone()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("the process that works on images ended: %w", errors.Join(ended, err))
	case reply.Error != "":
		return errors.New(reply.Error)
	}
	return nil
}

// Worker is the main of a worker. embedded is the catalogue that this program has in it.
func Worker(embedded fs.FS) error {
	conn, err := userns.Enter()
	if err != nil {
		return err
	}
	tasks := json.NewDecoder(conn)
	var t task
	if err := tasks.Decode(&t); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		tasks.Decode(&struct{}{}) // ends when who asked does, or wants no more
		cancel()
	}()
	out := helper.NewOut(conn)
	reply := told{ID: t.ID}
	if err := t.do(ctx, embedded, func(p Progress) { out.Send(told{Image: p.Image, Step: p.Step}) }); err != nil {
		reply.Error = err.Error()
	}
	return out.Send(reply)
}

func (t task) do(ctx context.Context, embedded fs.FS, progress func(Progress)) error {
	if err := helper.EnterIsolated(); err != nil {
		return otherWay(userns.Explain(err))
	}
	unix.Umask(0o022) // builds read what is made here, and they are others
	if t.Remove != "" {
		return os.RemoveAll(filepath.Join(t.Dir, "images", t.Remove))
	}
	var folders []Folder
	for _, f := range t.Folders {
		if f.Dir == "" {
			folders = append(folders, Folder{FS: embedded, Name: f.Name})
		} else {
			folders = append(folders, DirFolder(f.Dir))
		}
	}
	recipes, err := Load(folders...)
	if err != nil {
		return err
	}
	s, err := Open(t.Dir, recipes, Options{Progress: progress})
	if err != nil {
		return err
	}
	s.worker, s.pins, s.pinFiles, s.limits = true, t.Pins, t.PinFiles, t.Limits
	if t.Pack != "" {
		return s.pack(ctx, t.For, t.Pack)
	}
	if t.Unpack != "" {
		return s.unpack(ctx, t.For, t.Unpack)
	}
	r, err := recipes.Recipe(t.Build)
	if err != nil {
		return err
	}
	return s.build(ctx, r)
}

// remove removes what is at a path below images/. What a worker made, a worker removes.
func (s *Store) remove(ctx context.Context, name string) error {
	err := os.RemoveAll(filepath.Join(s.dir, "images", name))
	if errors.Is(err, fs.ErrPermission) && !s.direct() {
		err = s.work(ctx, task{Remove: name})
	}
	return err
}

// giveToRoot makes the image's root the owner of what is the user's in a layer: folders that an archive does not name.
func giveToRoot(layer string) error {
	return filepath.WalkDir(layer, func(name string, _ fs.DirEntry, err error) error {
		var stat unix.Stat_t
		if err == nil {
			err = unix.Lstat(name, &stat)
		}
		if err != nil || int(stat.Uid) != os.Geteuid() {
			return err
		}
		return os.Lchown(name, 0, 0)
	})
}

// checkOwner looks whether a layer that is to be built on, or packed, is one of who builds: another's has owners that mean
// nothing here.
func (s *Store) checkOwner(digest string) error {
	var entry, layer unix.Stat_t
	dir := s.path(digest)
	if err := unix.Stat(dir, &entry); err != nil {
		return fmt.Errorf("look at %s: %w", dir, err)
	}
	err := unix.Stat(filepath.Join(dir, "layer"), &layer)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("image %s is here packed alone, as \"detgen image load\" brings it, so that nothing can be built on it: load those that stand on it too, or use another cache (--cache)", digest)
	case err != nil:
		return fmt.Errorf("look at %s: %w", dir, err)
	case int(entry.Uid) != os.Geteuid() || s.worker && layer.Uid >= boundary.IDRange-2:
		return fmt.Errorf("the layer %s was built by another user, or with other subordinate IDs: its files' owners are not those of the image here; "+
			"remove it (detgen image prune --all does), or use another cache (--cache)", dir)
	}
	return nil
}
