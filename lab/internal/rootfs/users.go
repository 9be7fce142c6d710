package rootfs

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"detgen/record"

	"golang.org/x/sys/unix"
)

// addUser adds an account to the host's account files (passwd(5), shadow(5), group(5)) and makes its home.
func (r root) addUser(u *record.User) error {
	password := u.Password
	if password == "" {
		password = "*"
	}
	id := strconv.Itoa(u.UID)
	for file, line := range map[string]string{
		"/etc/passwd": strings.Join([]string{u.Name, "x", id, id, "", u.Home, u.Shell}, ":"),
		"/etc/shadow": u.Name + ":" + password + ":20000:0:99999:7:::",
		"/etc/group":  u.Name + ":x:" + id + ":",
	} {
		if err := r.rewrite(file, func(lines []string) ([]string, error) {
			// A machine may have it from an earlier run.
			lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, u.Name+":") })
			return append(lines, line), nil
		}); err != nil {
			return err
		}
	}
	for _, group := range u.Groups {
		join := func(lines []string) ([]string, error) {
			i := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, group+":") })
			if i < 0 {
				return nil, fmt.Errorf("the image has no group %q", group)
			}
			members := strings.Split(lines[i][strings.LastIndexByte(lines[i], ':')+1:], ",")
			if slices.Contains(members, u.Name) {
				return lines, nil
			}
			if !strings.HasSuffix(lines[i], ":") {
				lines[i] += ","
			}
			lines[i] += u.Name
			return lines, nil
		}
		if err := r.rewrite("/etc/group", join); err != nil {
			return err
		}
	}
	return r.write(&record.File{Path: u.Home, Directory: true, Mode: 0o700, Owner: id + ":" + id})
}

// rewrite changes the lines of an account file of the host, keeping its owner and mode.
func (r root) rewrite(file string, change func([]string) ([]string, error)) error {
	f, err := Open(r.dir, file, unix.O_RDWR)
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	lines, err := change(strings.Split(strings.TrimRight(string(content), "\n"), "\n"))
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(strings.Join(lines, "\n")+"\n"), 0)
	return err
}
