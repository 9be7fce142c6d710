package image

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// overlayfs keeps its notes about files in attributes that only the machine's root may set, or in others for who mounts
// it in a user namespace (option userxattr). A packed layer has root's, whoever built it: a guest's root mounts it, and a
// layer's bytes do not tell who made it.
const (
	rootsAttributes = "trusted.overlay."
	usersAttributes = "user.overlay."
)

// overlayAttributes is how the names of overlayfs's notes begin in this process's layers.
func (s *Store) overlayAttributes() string {
	if s.worker {
		return usersAttributes
	}
	return rootsAttributes
}

// What erofs images have where (Linux, fs/erofs/erofs_fs.h), bytes.
const (
	erofsSuper     = 1024
	erofsBlock     = 4096
	erofsMagic     = 0xe0f5e1e2
	erofsSlot      = 32 // of which inode numbers count
	erofsDirent    = 12
	erofsXattrHead = 12
	erofsEntryHead = 4

	erofsHasChecksum = 1 // of the features
	erofsInline      = 2 // data layout: the last block follows the inode
	erofsUser        = 1 // what an attribute's name begins with: "user."
	erofsTrusted     = 4 // "trusted."
)

// trustOpaque makes user.overlay.opaque trusted.overlay.opaque in an erofs image that mkfs.erofs wrote without
// compression: both names have the same place and length, but for the number of how they begin. Only folders have it.
func trustOpaque(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	e := &erofs{file: f, seen: map[uint64]bool{}}
	return errors.Join(e.trust(), f.Close())
}

// erofs is an image whose attributes are changed.
type erofs struct {
	file *os.File
	meta int64 // where inode 0 would be
	attr int64 // where shared attributes are
	seen map[uint64]bool
}

// super reads the superblock and what follows it in the first block, and notes where inodes and attributes are.
func (e *erofs) super() ([]byte, error) {
	super, err := e.read(erofsSuper, erofsBlock-erofsSuper)
	if err != nil {
		return nil, err
	}
	if little32(super, 0) != erofsMagic || super[12] != 12 { // blocks of 2^12 bytes
		return nil, errors.New("it is no erofs image with blocks of 4096 bytes")
	}
	e.meta, e.attr = int64(little32(super, 40))*erofsBlock, int64(little32(super, 44))*erofsBlock
	return super, nil
}

func (e *erofs) trust() error {
	super, err := e.super()
	if err != nil {
		return err
	}
	if err := e.folder(uint64(little16(super, 14))); err != nil {
		return err
	}
	if little32(super, 8)&erofsHasChecksum == 0 {
		return nil
	}
	// Of the rest of the first block, which may have inodes, with 0 in its own place; begun and left without inverting.
	if super, err = e.read(erofsSuper, erofsBlock-erofsSuper); err != nil {
		return err
	}
	binary.LittleEndian.PutUint32(super[4:], 0)
	sum := ^crc32.Checksum(super, crc32.MakeTable(crc32.Castagnoli))
	return e.write(erofsSuper+4, binary.LittleEndian.AppendUint32(nil, sum))
}

// folder changes the folder of an inode and all below it.
func (e *erofs) folder(number uint64) error {
	if e.seen[number] {
		return nil
	}
	e.seen[number] = true
	at := e.meta + int64(number)*erofsSlot
	inode, err := e.read(at, 64)
	if err != nil {
		return err
	}
	format := little16(inode, 0)
	if little16(inode, 4)&unix.S_IFMT != unix.S_IFDIR {
		return fmt.Errorf("inode %d is no folder", number)
	}
	size, next := int64(little32(inode, 8)), at+32
	if format&1 != 0 { // the longer form
		size, next = int64(binary.LittleEndian.Uint64(inode[8:])), at+64
	}
	if n := little16(inode, 2); n > 0 {
		length := int64(erofsXattrHead + (int(n)-1)*erofsEntryHead)
		if err := e.attributes(next, length); err != nil {
			return fmt.Errorf("attributes of inode %d: %w", number, err)
		}
		next += length
	}
	start, layout := int64(little32(inode, 16))*erofsBlock, format>>1&7
	if layout != 0 && layout != erofsInline {
		return fmt.Errorf("folder %d has data layout %d", number, layout)
	}
	for done := int64(0); done < size; done += erofsBlock {
		from := start + done
		if layout == erofsInline && size-done < erofsBlock {
			from = next
		}
		block, err := e.read(from, min(erofsBlock, size-done))
		if err != nil {
			return err
		}
		if err := e.entries(block, number); err != nil {
			return err
		}
	}
	return nil
}

// entries goes into the folders of one block of a folder's.
func (e *erofs) entries(block []byte, number uint64) error {
	const folder = 2 // the kind of file
	if len(block) < erofsDirent {
		return fmt.Errorf("folder %d is cut", number)
	}
	count := int(little16(block, 8)) / erofsDirent // the first name follows the entries
	if count*erofsDirent > len(block) {
		return fmt.Errorf("folder %d is damaged", number)
	}
	for i := range count {
		entry := block[i*erofsDirent:]
		if entry[10] != folder {
			continue
		}
		if err := e.folder(binary.LittleEndian.Uint64(entry)); err != nil { // "." and ".." were seen
			return err
		}
	}
	return nil
}

// attributes changes an inode's: those that it shares with others, then its own.
func (e *erofs) attributes(at, length int64) error {
	all, err := e.read(at, length)
	if err != nil {
		return err
	}
	shared := int(all[4])
	own := erofsXattrHead + 4*shared
	if own > len(all) {
		return errors.New("they are cut")
	}
	for i := range shared {
		place := e.attr + 4*int64(little32(all, erofsXattrHead+4*i))
		entry, err := e.read(place, erofsEntryHead+int64(len("overlay.opaque")))
		if err != nil {
			return err
		}
		if err := e.attribute(place, entry); err != nil {
			return err
		}
	}
	for own+erofsEntryHead <= len(all) {
		entry := all[own:]
		if err := e.attribute(at+int64(own), entry); err != nil {
			return err
		}
		own += (erofsEntryHead + int(entry[0]) + int(little16(entry, 2)) + 3) &^ 3
	}
	return nil
}

func (e *erofs) attribute(at int64, entry []byte) error {
	name := []byte("overlay.opaque")
	if int(entry[0]) != len(name) || entry[1] != erofsUser || !bytes.HasPrefix(entry[erofsEntryHead:], name) {
		return nil
	}
	return e.write(at+1, []byte{erofsTrusted})
}

func (e *erofs) read(at, length int64) ([]byte, error) {
	b := make([]byte, length)
	if _, err := e.file.ReadAt(b, at); err != nil && !errors.Is(err, io.EOF) { // the last inode is shorter than what is read of it
		return nil, err
	}
	return b, nil
}

func (e *erofs) write(at int64, b []byte) error {
	_, err := e.file.WriteAt(b, at)
	return err
}

func little16(b []byte, at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
func little32(b []byte, at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
