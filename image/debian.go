package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"detgen/record"
)

// debianKeyring has the keys that sign Debian's package lists (package debian-archive-keyring).
const debianKeyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// listsFresh is how long package lists are used before they are fetched again.
const listsFresh = time.Hour

// backports is the name of the suite of newer packages that belongs to a suite.
func backports(suite string) string { return suite + "-backports" }

// mirrors gives the lines of a sources.list(5) for a suite: what this machine's own apt uses
// for it, or Debian's public mirror on a machine that has other sources only.
func mirrors(ctx context.Context, suite string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--no-release-info",
		"--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for its sources: %w", commandError(err))
	}
	if lines := sourceLines(string(out), suite); lines != nil {
		return lines, nil
	}
	return sourceLines(fmt.Sprintf("http://deb.debian.org/debian %[1]s main\n"+
		"http://deb.debian.org/debian %[1]s-updates main\n"+
		"http://deb.debian.org/debian-security %[1]s-security main\n", suite), suite), nil
}

// mirrorsOf is mirrors, which tests replace.
var mirrorsOf = mirrors

// backportsLine makes the line for a suite's backports of the lines for the suite: they are on the same mirror. apt
// takes nothing from there but what is asked for by name.
func backportsLine(lines []string, suite string) (string, error) {
	for _, line := range lines {
		if before, after, ok := strings.Cut(line, " "+suite+" "); ok {
			return before + " " + backports(suite) + " " + after, nil
		}
	}
	return "", fmt.Errorf("no source of Debian's suite %s", suite)
}

// sourceLines makes sources of the lines "URI RELEASE COMPONENT", of which it takes those of
// the suite's main component. There are none when the suite itself is not among them.
func sourceLines(targets, suite string) []string {
	var lines []string
	found := false
	for target := range strings.Lines(targets) {
		f := strings.Fields(target)
		if len(f) != 3 || f[2] != "main" || strings.HasPrefix(f[0], "cdrom:") {
			continue
		}
		switch f[1] {
		case suite:
			found = true
		case suite + "-updates", suite + "-security":
		default:
			continue
		}
		line := fmt.Sprintf("deb [signed-by=%s] %s %s %s", debianKeyring, f[0], f[1], f[2])
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	if !found {
		return nil
	}
	return lines
}

// fetchOptions gives those of this machine's apt options that say how to fetch (proxies,
// certificates, retries), as lines of an apt.conf(5).
func fetchOptions(ctx context.Context) ([]string, error) {
	out, err := exec.CommandContext(ctx, "apt-config", "dump").Output()
	if err != nil {
		return nil, fmt.Errorf("ask apt for its options: %w", commandError(err))
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		for _, prefix := range []string{"http", "https", "ForceIPv4", "ForceIPv6", "Retries", "Check-Valid-Until", "Check-Date"} {
			if strings.HasPrefix(line, "Acquire::"+prefix+"::") || strings.HasPrefix(line, "Acquire::"+prefix+" ") {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
	}
	return lines, nil
}

// apt is this machine's apt, set up to work on a root of ours instead of on the machine: the
// image needs no apt of its own, and the machine's way to the mirror is used.
type apt struct {
	shared  string   // directory of what all builds share: package lists, archives
	build   string   // work directory of this build, with links to them
	sources []string // lines of sources.list
	options []string // lines of apt.conf
}

// Apt sets up this machine's apt in an empty folder for the packages of the own release of Debian, whatever the machine
// itself runs, and fetches their lists. It gives the environment in which apt-get and apt-cache work with them.
func Apt(ctx context.Context, dir string) (env []string, err error) {
	a, err := newApt(ctx, suiteOf[record.OwnRelease], false, dir, dir)
	if err != nil {
		return nil, err
	}
	if err := a.update(ctx); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "apt.conf")
	return buildEnv("APT_CONFIG=" + config), a.writeConfig(config, a.lists(), "/dev/null")
}

// CheckKeys looks for the keys that Debian's packages are checked with.
func CheckKeys() error {
	if _, err := os.Stat(debianKeyring); err != nil {
		return fmt.Errorf("no keys to check Debian's packages with: %w; install the package debian-archive-keyring", err)
	}
	return nil
}

// newApt prepares the folders of a build's apt, and finds its sources and options.
func newApt(ctx context.Context, suite string, withBackports bool, shared, build string) (*apt, error) {
	if err := CheckKeys(); err != nil {
		return nil, err
	}
	a := &apt{shared: shared, build: build}
	var err error
	if a.sources, err = mirrorsOf(ctx, suite); err != nil {
		return nil, err
	}
	if withBackports {
		line, err := backportsLine(a.sources, suite)
		if err != nil {
			return nil, err
		}
		a.sources = append(a.sources, line)
	}
	if a.options, err = fetchOptions(ctx); err != nil {
		return nil, err
	}
	for _, dir := range []string{a.shared, a.archives(), filepath.Join(build, "archives", "partial"), filepath.Join(build, "lists", "partial"), filepath.Join(build, "log")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, fmt.Errorf("prepare package tools: %w", err)
		}
	}
	return a, nil
}

// openApt gives a build its package lists, after fetching them if they are old, and the
// packages that were downloaded before.
func (s *Store) openApt(ctx context.Context, suite string, withBackports bool, build string, step func(string)) (*apt, error) {
	a, err := newApt(ctx, suite, withBackports, filepath.Join(s.dir, "apt"), build)
	if err != nil {
		return nil, err
	}
	if err := link(a.archives(), filepath.Join(build, "archives")); err != nil {
		return nil, err
	}
	l, err := acquire(ctx, filepath.Join(s.dir, "locks", "apt-lists"), unix.LOCK_EX, func() { step("wait for package lists") })
	if err != nil {
		return nil, err
	}
	defer l.release()
	if info, err := os.Stat(a.lists()); err != nil || time.Since(info.ModTime()) >= listsFresh {
		step("fetch package lists")
		if err := a.update(ctx); err != nil {
			return nil, err
		}
	}
	return a, link(a.lists(), filepath.Join(build, "lists"))
}

func (a *apt) archives() string { return filepath.Join(a.shared, "archives") }

// lists is the directory of the package lists of these very sources. It was modified when they
// were fetched.
func (a *apt) lists() string {
	return filepath.Join(a.shared, "lists-"+hexSum([]byte(strings.Join(a.sources, "\n")))[:12])
}

// update fetches the package lists. The caller has the lock on them.
func (a *apt) update(ctx context.Context) error {
	fresh := a.lists() + ".tmp"
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("remove package lists of a killed build: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(fresh, "partial"), 0o755); err != nil {
		return fmt.Errorf("make package lists: %w", err)
	}
	config := filepath.Join(a.build, "apt-update.conf")
	if err := a.writeConfig(config, fresh, "/dev/null"); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "apt-get", "update", "--error-on=any")
	cmd.Env = buildEnv("APT_CONFIG=" + config)
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("fetch package lists: %w", toolError(out, err))
	}
	now := time.Now()
	if err := os.Chtimes(fresh, now, now); err != nil {
		return fmt.Errorf("mark package lists: %w", err)
	}
	if err := os.RemoveAll(a.lists()); err != nil {
		return fmt.Errorf("remove old package lists: %w", err)
	}
	if err := os.Rename(fresh, a.lists()); err != nil {
		return fmt.Errorf("put package lists in place: %w", err)
	}
	return nil
}

// download fetches the packages, and those they need, that are not in the build's archives. It
// works from the dpkg database of the parent, so it needs no root file system.
func (a *apt) download(ctx context.Context, status string, packages []string, log *os.File) error {
	config := filepath.Join(a.build, "apt-download.conf")
	if err := a.writeConfig(config, filepath.Join(a.build, "lists"), status); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"install", "--download-only"}, packages...)...)
	cmd.Env = buildEnv("APT_CONFIG=" + config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return link(filepath.Join(a.build, "archives"), a.archives())
}

// writeConfig writes an apt.conf(5) for work on this machine with these package lists and this dpkg database.
func (a *apt) writeConfig(file, lists, status string) error {
	sources := filepath.Join(a.build, "sources.list")
	if err := os.WriteFile(sources, []byte(strings.Join(a.sources, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("write apt's sources: %w", err)
	}
	text := aptConfig(sources, lists, status, filepath.Join(a.build, "archives"), a.build) + strings.Join(a.options, "\n") + "\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write apt's configuration: %w", err)
	}
	return nil
}

// writeSandboxConfig writes an apt.conf(5) for work in the sandbox, where dpkg is run in the image's root.
func (a *apt) writeSandboxConfig(file string) error {
	// dpkg must find the archives inside the root
	text := aptConfig("/build/sources.list", "/build/lists", "/image/var/lib/dpkg/status", "/image/run/detgen/archives", "/tmp") +
		"DPkg::Chroot-Directory \"/image\";\n" +
		"Debug::NoLocking \"true\";\n" // nobody else works on this root, and what is shared is read-only
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return fmt.Errorf("write apt's configuration: %w", err)
	}
	return nil
}

func aptConfig(sources, lists, status, archives, state string) string {
	var b strings.Builder
	set := func(key, value string) { fmt.Fprintf(&b, "%s \"%s\";\n", key, value) }
	for _, key := range []string{"main", "parts", "preferences", "preferencesparts", "sourceparts"} {
		set("Dir::Etc::"+key, "/dev/null") // nothing of the machine's own configuration but how to fetch
	}
	set("Dir::Etc::sourcelist", sources)
	set("Dir::State", state)
	set("Dir::State::lists", lists)
	set("Dir::State::status", status)
	set("Dir::State::extended_states", filepath.Join(state, "extended_states"))
	set("Dir::Cache", state)
	set("Dir::Cache::archives", archives)
	set("Dir::Cache::pkgcache", "")
	set("Dir::Cache::srcpkgcache", "")
	set("Dir::Log", filepath.Join(state, "log"))
	set("Dir::Log::Planner", "")
	set("APT::Install-Recommends", "false")
	set("APT::Get::Assume-Yes", "true")
	set("APT::Sandbox::User", "root") // apt's own user cannot write the cache
	set("Acquire::Languages", "none")
	set("Dpkg::Use-Pty", "false")
	set("DPkg::Options::", "--force-unsafe-io") // the layer is written to disk once, at the end
	return b.String()
}

// link puts hard links to the files of one directory into another. Each build works on a
// directory of its own because apt locks it.
func link(from, to string) error {
	entries, err := os.ReadDir(from)
	if err != nil {
		return fmt.Errorf("share packages: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() == "lock" {
			continue
		}
		err := os.Link(filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return fmt.Errorf("share packages: %w", err)
		}
	}
	return nil
}

// installed reads the packages and versions that are installed in a dpkg database (its file "status").
func installed(status string) map[string]string {
	packages := map[string]string{}
	for name, e := range dpkgEntries(status) {
		packages[name] = e.Version
	}
	return packages
}

// buildEnv is the environment of everything that builds: nothing of the caller's but proxies.
func buildEnv(more ...string) []string {
	env := []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"HOME=/root", "LC_ALL=C.UTF-8", "TZ=UTC",
		"DEBIAN_FRONTEND=noninteractive", "DEBCONF_NONINTERACTIVE_SEEN=true",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch.Unix()),
	}
	for _, name := range []string{"http_proxy", "https_proxy", "no_proxy"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return append(env, more...)
}

// toolError finds a package tool's own words about why it failed in its output.
func toolError(output []byte, err error) error {
	var messages, lines []string
	for line := range strings.Lines(string(output)) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case strings.Contains(line, "No space left on device"):
			return unix.ENOSPC
		case strings.HasPrefix(line, "E: "):
			messages = append(messages, strings.TrimPrefix(line, "E: "))
		case strings.HasPrefix(line, "dpkg: error "):
			messages = append(messages, line)
		}
		lines = append(lines, line)
	}
	if messages == nil {
		messages = lines[max(0, len(lines)-5):]
	}
	if len(messages) == 0 {
		return commandError(err)
	}
	return errors.New(strings.Join(messages, "; "))
}

// commandError adds what a command wrote to its standard error.
func commandError(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && len(exit.Stderr) > 0 {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(exit.Stderr))
	}
	return err
}
