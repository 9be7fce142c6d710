package resolve

import (
	"cmp"
	"reflect"
	"regexp"
	"strconv"

	"detgen/record"
	"detgen/scenario/format"
	"detgen/scenario/material"
	"detgen/seed"
)

// firstUID is where the numbers of users without one start, as in Debian.
const firstUID = 1000

// maxUID is the highest number of a user, below "nobody" (Debian policy 9.2).
const maxUID = 65533

// addUser adds a user. One of this name that another activity brought must be the same.
func (sc *scope) addUser(p *part, u *format.User, field string) {
	out := record.User{
		Name: sc.must(u.Name, field+".name"), UID: u.UID, Home: sc.must(u.Home, field+".home"), Shell: sc.must(u.Shell, field+".shell"),
		Groups: sc.texts(u.Groups, field+".groups"),
	}
	if !userName.MatchString(out.Name) {
		sc.problems.Add(u.Name.At, field+".name", out.Name, "must be a login name: a letter or _, then letters, digits, _ . or -, at most 255")
	}
	if out.UID < 0 || out.UID > maxUID {
		sc.problems.Add(u.At, field+".uid", strconv.Itoa(out.UID), "must be from 0 (one that is free) to %d", maxUID)
	}
	if len(p.Users) == maxUsers {
		sc.problems.Add(u.At, field, "", "makes more than %d users on host %q: %s", maxUsers, p.Name, fewer)
		return
	}
	out.Home = cmp.Or(out.Home, "/home/"+out.Name)
	out.Shell = cmp.Or(out.Shell, "/bin/sh")
	if password := sc.must(u.Password, field+".password"); password != "" {
		out.Password = material.ShadowHash(password, seed.Stream(sc.seed, "user."+p.Name+"."+out.Name))
	}
	next := firstUID
	for _, old := range p.Users {
		if old.Name == out.Name {
			out.UID = cmp.Or(out.UID, old.UID)
			if !p.shared {
				sc.problems.Add(u.At, field+".name", out.Name, "is already a user of host %q", p.Name)
			} else if !reflect.DeepEqual(old, out) {
				sc.conflict(p, u.At, field)
			}
			return
		}
		next = max(next, old.UID+1)
	}
	out.UID = cmp.Or(out.UID, next)
	p.Users = append(p.Users, out)
}

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,254}$`)
