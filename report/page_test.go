package report

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"detgen/plot"
	"detgen/record"
)

// markup is what a hostile name, label or line of a log may hold.
const markup = `</script><script>document.title="taken"</script><img src=x onerror="document.title='taken'">"'<b>`

// hostile gives a copy of a run's folder in which everything that is free text holds markup.
func hostile(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS("testdata/run")); err != nil {
		t.Fatal(err)
	}
	r, err := record.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	main := &r.Run.Activities[0]
	main.Scenario, main.Task = "web"+markup, "get"+markup
	main.Labels.Class, main.Labels.Family = "benign"+markup, markup
	r.Result.Activities[0].Outcome["said"] = markup
	r.Result.Activities[0].Phases[0].Name = "request" + markup
	r.Run.Values = append(r.Run.Values, record.Value{Name: markup, Value: markup, Origin: record.Given})
	r.Tool, r.Result.Engine.Kernel = markup, markup
	// What packets carry: the beginning of the page that the server sends.
	for i := range r.Result.Captures {
		c := &r.Result.Captures[i]
		path := filepath.Join(dir, c.File)
		frames, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		at := bytes.Index(frames, []byte("GET /files/"))
		if at < 0 {
			t.Fatalf("%s has no request", c.File)
		}
		copy(frames[at:], "<b>"+markup[:80])
		if err := os.WriteFile(path, frames, 0o644); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(frames)
		c.SHA256 = hex.EncodeToString(sum[:])
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{record.FileName: string(text), "logs/server/web.log": markup, "logs/server/" + strings.ReplaceAll(markup, "/", "_") + ".log": "x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// hostileFigure gives a copy of a corrected model's folder in which the model's name and a figure that is a file hold markup and a
// script.
func hostileFigure(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "correct")
	if err := os.CopyFS(dir, os.DirFS("testdata/correct")); err != nil {
		t.Fatal(err)
	}
	inJSON, err := json.Marshal(markup)
	if err != nil {
		t.Fatal(err)
	}
	var inXML bytes.Buffer
	if err := xml.EscapeText(&inXML, []byte(markup)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][]string{
		"correction.json": {`"name": "payload"`, `"name": ` + string(inJSON)},
		"arms.svg": {"<title>", "<title>" + inXML.String(), "</metadata>", "</metadata><script>document.title='taken'; parent.document.title='taken'</script><image href='x' onerror=\"document.title='taken'\"/>",
			`"A as it is"`, string(inJSON)},
	} {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		changed := strings.NewReplacer(change...).Replace(string(text))
		if strings.Count(changed, "taken") < len(change)/2 {
			t.Fatalf("%s does not have what is changed", name)
		}
		if err := os.WriteFile(path, []byte(changed), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestHostileName makes sure that a host whose name is markup is refused: names of hosts are names of files.
func TestHostileName(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	if err := os.CopyFS(dir, os.DirFS("testdata/run")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, record.FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), `"name": "client"`, `"name": "<b>client"`, 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), `name "<b>client": must be`) {
		t.Errorf("a host named by markup: %v", err)
	}
}

// TestHostileText makes sure that markup in a run is text in its page.
func TestHostileText(t *testing.T) {
	p, err := Open(hostile(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := p.Write(&b, Shell{Tool: markup}); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<img src=x", "<b>", "</script><script>document"} {
		if at := strings.Index(b.String(), bad); at >= 0 {
			t.Errorf("markup of the run is markup of the page: ...%s...", b.String()[max(0, at-80):at+40])
		}
	}
	for _, where := range []string{"title", "said", "request", "web.log"} {
		if !strings.Contains(b.String(), where) {
			t.Errorf("the page lacks %s", where)
		}
	}
}

// TestFile makes sure that a page is one file: nothing in it is loaded, its policy allows its own script and nothing else.
func TestFile(t *testing.T) {
	p, err := Open("testdata/twin", Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "twin.html")
	if err := p.WriteFile(path, Shell{Tool: "detgen test"}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := strings.NewReplacer("http://www.w3.org/2000/svg", "", "http://www.w3.org/1999/xlink", "").Replace(string(text))
	for _, bad := range []string{"http:", "https:", `src="/`, `href="/`, "@import", "url("} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"default-src &#39;none&#39;", "detgen twin web/get --engine exact --seed 1 --vary link.client.both.loss=5%", "cause", "they part"} {
		if !strings.Contains(strings.ToLower(page), want) && !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// TestThin makes sure that a figure of many frames is thinned evenly and keeps what was lost or sent again, and that a page of
// 10,000 frames is below 3 MB.
func TestThin(t *testing.T) {
	list := []*frames{made(8000), made(24000)}
	f, dropped, err := drawPackets("sequence", "many", &plot.Packets{Up: "sent", Down: "received"}, list, MaxFrames)
	if err != nil {
		t.Fatal(err)
	}
	kept, lost := 0, 0
	for _, p := range f.Packets.Panels {
		kept += len(p.Number)
		for _, m := range p.Mark {
			lost += m & 1
		}
	}
	if kept+dropped != 32000 || kept > MaxFrames || kept < MaxFrames*9/10 || lost != 32 || f.Packets.Whole {
		t.Errorf("%d kept, %d dropped, %d lost frames are there, whole is %v", kept, dropped, lost, f.Packets.Whole)
	}
	table := &Table{ID: "conversation", Columns: make([]Column, 12)}
	for i := range MaxRows {
		r := []string{fmt.Sprintf("%.6f", float64(i)/1000), "client", "-->", "server", fmt.Sprint(i % 40), "main: transfer", fmt.Sprintf("TCP PA    seq %d ack %d len 1448", i*1448, i*7), "",
			fmt.Sprintf("%.6f", float64(i*7919%10000)/500), "overtaken by 3", "captures/client.pcap", fmt.Sprint(i + 1)}
		table.Rows = append(table.Rows, r)
	}
	page := &Page{Title: "many", Sections: []*Section{{ID: "packets", Figures: []*Figure{f}, Tables: []*Table{table}}}}
	path := filepath.Join(t.TempDir(), "many.html")
	if err := page.WriteFile(path, Shell{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 3_000_000 {
		t.Errorf("the page of %d frames and %d rows has %d bytes", kept, len(table.Rows), info.Size())
	}
	t.Logf("%d bytes", info.Size())
}

// made gives n frames, one in a thousand lost.
func made(n int) *frames {
	s := &frames{Sample: plot.Sample{Name: "client"}}
	for i := range n {
		s.Packets = append(s.Packets, plot.Packet{Time: time.Duration(i*i%977+i*1000) * time.Microsecond, Size: 66 + i*7919%1448, Up: i%3 == 0, TCP: true, Flags: 0x10, Lost: i%1000 == 7})
		s.numbers, s.flags, s.fates, s.labels = append(s.numbers, i+1), append(s.flags, "A"), append(s.fates, "delivered"), append(s.labels, "benign")
		s.connections = append(s.connections, i%40)
	}
	return s
}

// TestRefusals makes sure that what is no folder of detgen's is refused.
func TestRefusals(t *testing.T) {
	if _, err := Open(t.TempDir(), Options{}); !errors.Is(err, ErrUnknown) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), Options{}); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := Open("testdata/run", Options{Connection: 99}); err == nil || !strings.Contains(err.Error(), "the run has 1 to 1") {
		t.Errorf("a connection that is not there: %v", err)
	}
}

// TestExperiments makes sure that a folder of each experiment has a page with its command, and that its figure has its values.
func TestExperiments(t *testing.T) {
	for _, name := range []string{"determinism", "factors", "mirror"} {
		dir := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		figure, err := (&plot.Lines{XLabel: "surprise", YLabel: "share", Series: []plot.Series{plot.Distribution("real", []float64{0.25, 0.5})}}).Draw()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(filepath.Join(dir, name+".json"), []byte("{}"), 0o644), figure.WriteFile(filepath.Join(dir, "one.svg"))); err != nil {
			t.Fatal(err)
		}
		p, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != "experiment" || p.Commands[0] != "detgen experiment "+name+" -o "+name || len(p.Section("figures").Figures[0].Points.X) != 4 {
			t.Errorf("%s: kind %s, commands %q, figure %+v", name, p.Kind, p.Commands, p.Section("figures").Figures[0].Points)
		}
		// The same folder, with a file that is no figure.
		if err := os.WriteFile(filepath.Join(dir, "two.svg"), []byte("<html/>"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "two.svg: read figure") {
			t.Errorf("%s with a file that is no figure: %v", name, err)
		}
	}
}
