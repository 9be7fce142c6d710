package image

import (
	"archive/tar"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An image that an archive brought is packed alone. The live engine takes folders: unpack makes a layer's folder of its
// packed file, as a tar archive that untar writes, so that nothing in it leads elsewhere.

// packedAlone tells if an image is there packed, and its layer's folder is not.
func (s *Store) packedAlone(digest string) bool {
	if _, err := s.entry(digest); err != nil {
		return false
	}
	_, err := os.Stat(filepath.Join(s.path(digest), "layer"))
	return errors.Is(err, os.ErrNotExist) && isPacked(filepath.Join(s.path(digest), packed))
}

// unpack makes the folder of a layer that is packed alone, for the image of a name.
func (s *Store) unpack(ctx context.Context, name, id string) error {
	if !s.direct() {
		return s.work(ctx, task{Unpack: id, For: name})
	}
	l, err := acquire(ctx, s.lockFile(id), unix.LOCK_EX, func() { s.tell(name, "wait for another process") })
	if err != nil {
		return err
	}
	defer l.release()
	if s.exists(id) {
		return nil
	}
	s.tell(name, "unpack")
	fresh := filepath.Join(s.path(id), "layer.tmp")
	if err := os.RemoveAll(fresh); err != nil { // what a killed process left
		return err
	}
	defer os.RemoveAll(fresh)
	if err := os.Mkdir(fresh, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(fresh)
	if err != nil {
		return err
	}
	defer root.Close()
	file, err := os.Open(filepath.Join(s.path(id), packed))
	if err != nil {
		return err
	}
	defer file.Close()
	in, out := io.Pipe()
	go func() { out.CloseWithError(writeTar(out, file, s.overlayAttributes())) }()
	err = untar(ctx, in, root)
	in.CloseWithError(err) // ends the writer
	if err != nil {
		return fmt.Errorf("unpack %s: %w", file.Name(), err)
	}
	if err := unix.Syncfs(int(file.Fd())); err != nil {
		return fmt.Errorf("write the layer to disk: %w", err)
	}
	if err := os.Rename(fresh, filepath.Join(s.path(id), "layer")); err != nil {
		return err
	}
	s.tell(name, Built)
	return nil
}

// maxDepth is how deep folders of a layer may be.
const maxDepth = 200

// writeTar writes the files of a packed layer as a tar archive. notes is how the names of overlayfs's notes begin there.
func writeTar(to io.Writer, packed *os.File, notes string) error {
	u := &unpacker{erofs: erofs{file: packed, seen: map[uint64]bool{}}, out: tar.NewWriter(to), notes: notes, names: map[uint64]string{}, left: PackedSize}
	super, err := u.super()
	if err != nil {
		return err
	}
	u.time = time.Unix(int64(binary.LittleEndian.Uint64(super[24:])), int64(little32(super, 32)))
	if err := u.file(uint64(little16(super, 14)), ".", 0); err != nil {
		return err
	}
	return u.out.Close()
}

type unpacker struct {
	erofs
	out   *tar.Writer
	notes string
	time  time.Time         // of files that have none of their own
	names map[uint64]string // of files with several names, the first
	left  int64             // bytes of content that may come: no more than the packed file can have
}

// node is an inode.
type node struct {
	mode, links uint32
	size        int64
	data        uint32 // its first block, or the numbers of a device
	inline      int64  // where its last block is that is not whole; 0 for none
	header      *tar.Header
}

// node reads an inode (Linux, fs/erofs/erofs_fs.h: struct erofs_inode_compact, erofs_inode_extended).
func (u *unpacker) node(number uint64) (*node, error) {
	if number > PackedSize/erofsSlot {
		return nil, fmt.Errorf("inode %d is outside of the file", number)
	}
	at := u.meta + int64(number)*erofsSlot
	i, err := u.read(at, 64)
	if err != nil {
		return nil, err
	}
	format := little16(i, 0)
	n := &node{mode: uint32(little16(i, 4)), data: little32(i, 16)}
	h := &tar.Header{Format: tar.FormatPAX, Mode: int64(n.mode & 0o7777), ModTime: u.time, PAXRecords: map[string]string{}}
	n.header = h
	next := at + 32
	if format&1 == 0 {
		n.links, n.size = uint32(little16(i, 6)), int64(little32(i, 8))
		h.Uid, h.Gid = int(little16(i, 24)), int(little16(i, 26))
	} else {
		next = at + 64
		n.links, n.size = little32(i, 44), int64(binary.LittleEndian.Uint64(i[8:]))
		h.Uid, h.Gid = int(little32(i, 24)), int(little32(i, 28))
		h.ModTime = time.Unix(int64(binary.LittleEndian.Uint64(i[32:])), int64(little32(i, 40)))
	}
	if n.size < 0 || n.size > PackedSize {
		return nil, fmt.Errorf("inode %d has %d bytes", number, n.size)
	}
	if count := int64(little16(i, 2)); count > 0 {
		length := erofsXattrHead + (count-1)*erofsEntryHead
		if err := u.attributes(h, next, length); err != nil {
			return nil, fmt.Errorf("attributes of inode %d: %w", number, err)
		}
		next += length
	}
	switch format >> 1 & 7 {
	case 0:
	case erofsInline:
		n.inline = next
	default:
		return nil, fmt.Errorf("inode %d has data layout %d", number, format>>1&7)
	}
	return n, nil
}

// attributePrefixes are what an attribute's name begins with, by its number.
var attributePrefixes = map[byte]string{erofsUser: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default", erofsTrusted: "trusted.", 6: "security."}

// attributes reads an inode's: those that it shares with others, then its own.
func (u *unpacker) attributes(h *tar.Header, at, length int64) error {
	all, err := u.read(at, length)
	if err != nil {
		return err
	}
	own := erofsXattrHead + 4*int(all[4])
	if own > len(all) {
		return errors.New("they are cut")
	}
	for shared := erofsXattrHead; shared < own; shared += 4 {
		place := u.attr + 4*int64(little32(all, shared))
		head, err := u.read(place, erofsEntryHead)
		if err != nil {
			return err
		}
		entry, err := u.read(place, int64(entryLength(head)))
		if err != nil {
			return err
		}
		if err := u.attribute(h, entry); err != nil {
			return err
		}
	}
	for own+erofsEntryHead <= len(all) {
		entry := all[own:]
		end := entryLength(entry)
		if end > len(entry) {
			return errors.New("one is cut")
		}
		if err := u.attribute(h, entry[:end]); err != nil {
			return err
		}
		own += (end + 3) &^ 3
	}
	return nil
}

func entryLength(head []byte) int { return erofsEntryHead + int(head[0]) + int(little16(head, 2)) }

func (u *unpacker) attribute(h *tar.Header, entry []byte) error {
	prefix, ok := attributePrefixes[entry[1]]
	if !ok {
		return fmt.Errorf("one begins with the unknown name %d", entry[1])
	}
	name := prefix + string(entry[erofsEntryHead:erofsEntryHead+int(entry[0])])
	if note, ok := strings.CutPrefix(name, rootsAttributes); ok {
		name = u.notes + note
	}
	h.PAXRecords["SCHILY.xattr."+name] = string(entry[erofsEntryHead+int(entry[0]):])
	return nil
}

// file writes a file, and what is below it.
func (u *unpacker) file(number uint64, name string, depth int) error {
	if first := u.names[number]; first != "" {
		return u.out.WriteHeader(&tar.Header{Format: tar.FormatPAX, Typeflag: tar.TypeLink, Name: name, Linkname: first})
	}
	n, err := u.node(number)
	if err != nil {
		return err
	}
	h := n.header
	h.Name = name
	kind := n.mode & unix.S_IFMT
	if kind != unix.S_IFDIR && n.links > 1 {
		u.names[number] = name
	}
	switch kind {
	case unix.S_IFDIR:
		if u.seen[number] || depth > maxDepth {
			return fmt.Errorf("folder %s comes again, or is deeper than %d", name, maxDepth)
		}
		u.seen[number] = true
		h.Typeflag = tar.TypeDir
		h.Name += "/"
		if err := u.out.WriteHeader(h); err != nil {
			return err
		}
		if err := u.blocks(n, func(block []byte) error { return u.entries(block, name, depth) }); err != nil {
			return err
		}
		return u.out.WriteHeader(h) // again: what came into it has changed its time
	case unix.S_IFREG:
		h.Typeflag, h.Size = tar.TypeReg, n.size
		if u.left -= n.size; u.left < 0 {
			return fmt.Errorf("its files have more than %d bytes", int64(PackedSize))
		}
		if err := u.out.WriteHeader(h); err != nil {
			return err
		}
		return u.blocks(n, func(block []byte) error {
			_, err := u.out.Write(block)
			return err
		})
	case unix.S_IFLNK:
		h.Typeflag = tar.TypeSymlink
		if n.size > unix.PathMax {
			return fmt.Errorf("the link %s leads to a name of %d bytes", name, n.size)
		}
		err := u.blocks(n, func(block []byte) error {
			h.Linkname += string(block)
			return nil
		})
		if err != nil {
			return err
		}
	case unix.S_IFCHR, unix.S_IFBLK, unix.S_IFIFO:
		h.Typeflag = map[uint32]byte{unix.S_IFCHR: tar.TypeChar, unix.S_IFBLK: tar.TypeBlock, unix.S_IFIFO: tar.TypeFifo}[kind]
		h.Devmajor, h.Devminor = int64(unix.Major(uint64(n.data))), int64(unix.Minor(uint64(n.data)))
	default:
		return nil // a socket that a build left
	}
	return u.out.WriteHeader(h)
}

// blocks calls take with the content of an inode, block by block.
func (u *unpacker) blocks(n *node, take func([]byte) error) error {
	for done := int64(0); done < n.size; done += erofsBlock {
		at, length := int64(n.data)*erofsBlock+done, min(erofsBlock, n.size-done)
		if n.inline != 0 && length < erofsBlock {
			at = n.inline
		}
		block, err := u.read(at, length)
		if err == nil {
			err = take(block)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries writes the files of one block of a folder's.
func (u *unpacker) entries(block []byte, folder string, depth int) error {
	if len(block) < erofsDirent {
		return fmt.Errorf("folder %s is cut", folder)
	}
	first := int(little16(block, 8))
	if first%erofsDirent != 0 || first == 0 || first > len(block) {
		return fmt.Errorf("folder %s is damaged", folder)
	}
	for at := 0; at < first; at += erofsDirent {
		begin, end := int(little16(block, at+8)), len(block)
		if at+erofsDirent < first {
			end = int(little16(block, at+erofsDirent+8))
		}
		if begin < first || begin > end || end > len(block) {
			return fmt.Errorf("folder %s is damaged", folder)
		}
		name, _, _ := strings.Cut(string(block[begin:end]), "\x00")
		if name == "." || name == ".." {
			continue
		}
		if name == "" || strings.Contains(name, "/") || strings.HasPrefix(name, whiteout) {
			return fmt.Errorf("folder %s has a file named %q", folder, name)
		}
		if err := u.file(binary.LittleEndian.Uint64(block[at:]), path.Join(folder, name), depth+1); err != nil {
			return err
		}
	}
	return nil
}
