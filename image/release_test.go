package image

import (
	"slices"
	"strings"
	"testing"

	"detgen/record"
)

func TestRecipesServeOtherReleases(t *testing.T) {
	rs, err := load(t, map[string]string{
		"base": "bootstrap: bookworm\npackages: [iproute2]\n",
		"web": `from: base
packages: [nginx]
run: echo 12
releases:
  11: {packages: [nginx-light, libssl1.1]}
  13: {run: echo 13, without: []}
`,
		"backported": "from: base\nbackports: [suricata]\nreleases: {11: {lacks: \"has no Suricata 7\"}, 13: {backports: [], packages: [suricata]}}\n",
		"rules":      "from: backported\nrun: echo rules\n",
		"other":      "bootstrap: trixie\n",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(rs.Names(), " "); got != "backported base other rules web" {
		t.Errorf("images of the own release: %s", got)
	}
	of := func(name, release string) *Recipe {
		t.Helper()
		r, err := rs.Recipe(record.ImageOfRelease(name, release))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := of("base", "11"); r.Bootstrap != "bullseye" || r.Name != "base@11" {
		t.Errorf("base of 11: %+v", r)
	}
	if r := of("web", "11"); r.From != "base@11" || !slices.Equal(r.Packages, []string{"nginx-light", "libssl1.1"}) || r.Run != "echo 12" {
		t.Errorf("web of 11: %+v", r)
	}
	if r := of("web", "13"); r.From != "base@13" || !slices.Equal(r.Packages, []string{"nginx"}) || r.Run != "echo 13" {
		t.Errorf("web of 13: %+v", r)
	}
	if r := of("backported", "13"); len(r.Backports) > 0 || !slices.Equal(r.Packages, []string{"suricata"}) {
		t.Errorf("backported of 13: %+v", r)
	}
	digests := map[string]string{}
	for _, name := range []string{"base", "base@11", "base@13", "web", "web@11", "web@13", "rules@13"} {
		d, err := rs.Digest(name)
		if err != nil {
			t.Fatal(err)
		}
		if other := digests[d]; other != "" {
			t.Errorf("%s and %s have one digest", name, other)
		}
		digests[d] = name
	}
	for _, name := range []string{"backported@11", "rules@11"} {
		if _, err := rs.Recipe(name); err == nil || !strings.Contains(err.Error(), "is not there for Debian 11: has no Suricata 7") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"other@11", "web@14"} {
		if _, err := rs.Recipe(name); err == nil {
			t.Errorf("there is an image %s", name)
		}
	}
}

func TestReleasesOfARecipeThatAreWrong(t *testing.T) {
	for text, want := range map[string]string{
		"bootstrap: bookworm\nreleases: {12: {run: x}}\n":                     `cat/images/x/image.yaml:2: releases: "12"`,
		"bootstrap: bookworm\nreleases: {11: {lacks: none, packages: [a]}}\n": "lacks stands alone",
		"bootstrap: bookworm\nreleases:\n  11: {packages: [UPPER]}\n":         `"UPPER" is not a Debian package name`,
		"bootstrap: bookworm\nreleases: {11: {remove: [/x]}}\n":               "remove",
		"bootstrap: sarge\n": `unknown Debian suite "sarge"; known: bookworm, bullseye, trixie`,
	} {
		if _, err := load(t, map[string]string{"x": text}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
