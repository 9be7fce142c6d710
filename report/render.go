package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"io/fs"

	"detgen/internal/plain"
	"detgen/internal/whole"
)

//go:embed assets/page.html assets/page.css assets/page.js
var assets embed.FS

// Assets are the files that a page of the local server names: page.css, page.js.
func Assets() fs.FS {
	sub, err := fs.Sub(assets, "assets")
	if err != nil {
		panic("the pages' files are not in this program: " + err.Error()) // they are part of it
	}
	return sub
}

var pageTemplate = template.Must(template.ParseFS(assets, "assets/page.html"))

// Shell is what stands around a page.
type Shell struct {
	Tool  string // this program and its version
	Trail []Fact // the folders above, of the local server

	Scripts []string // addresses of further scripts
}

// Write writes a page that names the assets of the local server.
func (p *Page) Write(w io.Writer, shell Shell) error { return p.write(w, shell, "", "", "") }

// WriteFile writes a page as one file that needs nothing else.
func (p *Page) WriteFile(path string, shell Shell) error {
	style, err := assets.ReadFile("assets/page.css")
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/page.js")
	if err != nil {
		return err
	}
	policy := fmt.Sprintf("default-src 'none'; img-src data:; script-src %s; style-src %s; base-uri 'none'; form-action 'none'", digestOf(script), digestOf(style))
	var b bytes.Buffer
	if err := p.write(&b, shell, policy, template.CSS(style), template.JS(script)); err != nil {
		return err
	}
	return whole.WriteFile(path, b.Bytes())
}

// digestOf names a script or style in a content security policy.
func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// write writes the page. Names and texts that are not trusted show what turns the direction of writing, and what is not
// seen, by name.
func (p *Page) write(w io.Writer, shell Shell, policy string, style template.CSS, script template.JS) error {
	return pageTemplate.Execute(plain.Writer(w), struct {
		Shell
		Page   *Page
		Policy string
		Style  template.CSS
		Script template.JS
	}{shell, p, policy, style, script})
}
