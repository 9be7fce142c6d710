// Command resolved prints the digest of the resolved run of every task of the catalogue: for each seed with its
// defaults, with every parameter drawn, with each failure, each caching option and each implementation, and once with
// a background activity. Two versions of detgen that print the same lines resolve alike:
//
//	go run ./internal/resolved > before.txt; ...; go run ./internal/resolved | diff before.txt -
//
// With -runs DIR the runs themselves are left there too, a JSON file a line's name, to see what differs.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"detgen/catalogue"
	"detgen/scenario"
)

func main() {
	seeds := flag.Int("seeds", 20, "seeds a task")
	runs := flag.String("runs", "", "a folder for the runs")
	flag.Parse()
	if err := printAll(*seeds, *runs); err != nil {
		fmt.Fprintln(os.Stderr, "resolved:", err)
		os.Exit(1)
	}
}

func printAll(seeds int, runs string) error {
	c, err := scenario.Open(scenario.Source{Name: "catalogue", FS: catalogue.FS})
	if err != nil {
		return err
	}
	for _, name := range c.Names() {
		s, err := c.Scenario(name)
		if err != nil {
			return err
		}
		about := s.About()
		for _, task := range about.Tasks {
			for _, v := range variants(about, &task) {
				for seed := range seeds {
					if err := printOne(c, name+"/"+task.Name, v, uint64(seed+1), runs); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// variant is one way to ask for a task.
type variant struct {
	name       string
	settings   []string
	background bool
}

func variants(about *scenario.About, task *scenario.AboutTask) []variant {
	list := []variant{{name: "default"}, {name: "background", background: true}}
	drawn := variant{name: "drawn", settings: []string{"link.all.both.delay=~exp(20ms)", "link.all.both.loss=1%", "load.cpu=1"}}
	for _, p := range about.Parameters {
		if p.Law != "" && (len(p.Tasks) == 0 || slices.Contains(p.Tasks, task.Name)) {
			drawn.settings = append(drawn.settings, "params."+p.Name+"=~")
		}
	}
	list = append(list, drawn)
	for _, f := range task.Failures {
		list = append(list, variant{name: "failure=" + f, settings: []string{"failure=" + f}})
	}
	for _, o := range task.Caching {
		list = append(list, variant{name: "caching=" + o, settings: []string{"caching=" + o}})
	}
	for _, h := range about.Hosts {
		for _, i := range h.Implementations {
			if slices.Contains(task.Hosts, h.Name) {
				setting := h.Name + ".implementation=" + i.Name
				list = append(list, variant{name: setting, settings: []string{setting}})
			}
		}
	}
	return list
}

// printOne prints a line: task, variant, seed, and the digest of the run or of what keeps it from being.
func printOne(c *scenario.Catalogue, task string, v variant, seed uint64, runs string) error {
	spec := &scenario.Spec{Task: task}
	for _, text := range v.settings {
		setting, err := scenario.ParseSetting(text)
		if err != nil {
			return err
		}
		if err := spec.Override(setting); err != nil {
			return err
		}
	}
	if v.background {
		spec.Background = []*scenario.Background{{Name: "beside", Task: "ping/echo"}, {Name: "other", Task: task}}
	}
	run, err := c.Resolve(spec, seed, digest)
	var text []byte
	if err != nil {
		text = []byte("refused: " + err.Error())
	} else if text, err = json.Marshal(run); err != nil {
		return err
	}
	fmt.Printf("%s %s %d %x\n", task, v.name, seed, sha256.Sum256(text))
	if runs == "" {
		return nil
	}
	file := fmt.Sprintf("%s %s %d.json", strings.ReplaceAll(task, "/", "-"), v.name, seed)
	return os.WriteFile(filepath.Join(runs, file), text, 0o644)
}

// digest stands for that of an image, so that changes of images do not show.
func digest(image string) (string, error) {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(image))), nil
}
