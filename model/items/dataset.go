package items

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"detgen/flow"
	"detgen/internal/beneath"
	"detgen/internal/plain"
	"detgen/model"
	"detgen/record"
	"detgen/table"
	"detgen/truth"
)

// MaxConnections bounds how many connections a dataset may have: each takes about 2 KB.
const MaxConnections = 5_000_000

// runsFolder holds a dataset's run directories, by id (docs/datasets.md).
const runsFolder = "runs"

// Dataset is connections with labels and, where there are run directories, with their packets.
type Dataset struct {
	Path        string   // as the user gave it
	Columns     []string // of the table of connections, trimmed
	Connections []Connection
	Unlabelled  int // connections of the table that belong to no activity: they are left out

	single string         // a run directory alone: its folder
	runs   bool           // there are run directories
	index  map[string]int // of Columns
}

// Connection is a row of the table of connections.
type Connection struct {
	ID     string // RUN/NUMBER; of tables by others: the number of the row, from 1
	Run    string // "" in tables by others that have none
	Split  string
	Label  string // "benign", or the attack's name
	Attack bool
	Ends   model.Ends

	number int // in its run, from 1
	cells  []string
}

// Open reads the table of connections of a dataset directory, of a run directory, or a table of flows (CSV) by itself.
func Open(path string) (*Dataset, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	d := &Dataset{Path: path}
	var in *os.File
	name := path
	switch {
	case !info.IsDir():
		in, err = beneath.OpenNamed(path)
	default:
		if _, missing := os.Lstat(filepath.Join(path, record.FileName)); missing == nil {
			d.single = path
		}
		d.runs = true
		in, name, err = openTable(path, truth.ConnectionsFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf(`%s is no dataset and no complete run: it has no %s ("detgen dataset build" and "detgen run" write one)`, path, truth.ConnectionsFile)
		}
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	text, err := csvOf(in, name)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	if err := d.read(name, bufio.NewReaderSize(text, 1<<20)); err != nil {
		return nil, err
	}
	if len(d.Connections) == 0 {
		return nil, fmt.Errorf("%s: no connection has a label", name)
	}
	return d, nil
}

// openTable opens a table of a folder, which is CSV, or has the same name and is Parquet. It gives the file's path too.
func openTable(dir, name string) (*os.File, string, error) {
	in, err := beneath.Open(dir, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return in, filepath.Join(dir, name), err
	}
	other := strings.TrimSuffix(name, ".csv") + parquetExtension
	if in, missing := beneath.Open(dir, other); missing == nil {
		return in, filepath.Join(dir, other), nil
	}
	return nil, filepath.Join(dir, name), err
}

const parquetExtension = ".parquet"

// csvOf reads a table as CSV.
func csvOf(in *os.File, name string) (io.ReadCloser, error) {
	if filepath.Ext(name) != parquetExtension {
		return io.NopCloser(in), nil
	}
	info, err := in.Stat()
	if err != nil {
		return nil, err
	}
	text, err := table.AsCSV(in, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, nil
}

// Table opens a table of the dataset's folder as CSV, whichever it is; fs.ErrNotExist without one. The caller closes it.
func (d *Dataset) Table(name string) (io.ReadCloser, string, error) {
	in, path, err := openTable(d.Path, name)
	if err != nil {
		return nil, path, err
	}
	text, err := csvOf(in, path)
	if err != nil {
		in.Close()
		return nil, path, err
	}
	return both{text, in}, path, nil
}

// both closes a text and the file that it is read from.
type both struct {
	io.ReadCloser
	file io.Closer
}

func (b both) Close() error { return errors.Join(b.ReadCloser.Close(), b.file.Close()) }

// read reads the table.
func (d *Dataset) read(name string, in io.Reader) error {
	rows := table.ReadRows(in)
	rows.LazyQuotes = true // published files have stray quotes
	head, err := rows.Read()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	d.index = map[string]int{}
	for i, c := range head {
		c = strings.TrimSpace(strings.TrimPrefix(c, "\ufeff"))
		d.Columns = append(d.Columns, c)
		if _, twice := d.index[c]; !twice {
			d.index[c] = i
		}
	}
	t := d.roles()
	if t.label < 0 && t.class < 0 {
		return fmt.Errorf("%s: it has no column of labels (label, Attack Type or class)", name)
	}
	seen := map[string]int{}
	for {
		cells, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		line, _ := rows.FieldPos(0)
		if len(d.Connections) == MaxConnections {
			return fmt.Errorf("%s:%d: more than %d connections: split the dataset", name, line, MaxConnections)
		}
		c, err := d.connection(&t, cells, line-1)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if c.Label == "" {
			d.Unlabelled++
			continue
		}
		if first, twice := seen[c.ID]; twice {
			return fmt.Errorf("%s:%d: connection %s is there already, in line %d", name, line, c.ID, first)
		}
		seen[c.ID] = line
		d.Connections = append(d.Connections, c)
	}
}

// roles are the indexes of the columns that are not measured, -1 for those that are not there.
type roles struct {
	id, run, split, label, class, scenario, client, server, clientPort, serverPort, protocol, start int
}

func (d *Dataset) roles() roles {
	find := func(names ...string) int {
		for _, name := range names {
			for i, c := range d.Columns {
				if flow.PlainName(c) == name {
					return i
				}
			}
		}
		return -1
	}
	r := roles{
		id: find("id"), run: find("run", "runid"), split: find("split"), label: find("label", "attacktype", "attackcat"),
		class: find("class"), scenario: find("scenario"),
		client: find("client", "srcip", "sourceip"), server: find("server", "dstip", "destinationip"),
		clientPort: find("clientport", "srcport", "sourceport"), serverPort: find("serverport", "dstport", "destinationport"),
		protocol: find("protocol"), start: find("start", "timestamp"),
	}
	return r
}

// connection makes a row's connection.
func (d *Dataset) connection(t *roles, cells []string, row int) (Connection, error) {
	at := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.TrimSpace(cells[i])
	}
	c := Connection{cells: cells, Run: at(t.run), Split: at(t.split), Label: strings.ToValidUTF8(at(t.label), "\ufffd")}
	if t.label < 0 {
		if c.Label = at(t.class); c.Label == "attack" && t.scenario >= 0 {
			c.Label = at(t.scenario)
		}
	}
	if d.runs && at(t.class) == "" {
		c.Label = "" // of no activity
	}
	c.Attack = c.Label != "" && !benign(c.Label)
	if d.runs {
		if d.single != "" {
			c.Run = filepath.Base(filepath.Clean(d.single))
		}
		if !isFolder(c.Run) {
			return c, fmt.Errorf("run: %q is no name of a folder", c.Run)
		}
		n, err := strconv.ParseInt(at(t.id), 10, 32)
		if err != nil || n < 1 {
			return c, fmt.Errorf("id: %q is no number of a connection", at(t.id))
		}
		c.number, c.ID = int(n), c.Run+"/"+at(t.id)
	} else {
		c.ID = strconv.Itoa(row)
	}
	var err error
	number := func(i int, name string, bits int) uint64 {
		text := strings.TrimSuffix(at(i), ".0") // as pandas writes a column that once had an empty cell
		if text == "" {
			return 0
		}
		n, wrong := strconv.ParseUint(text, 10, bits)
		if wrong != nil && d.runs {
			err = errors.Join(err, fmt.Errorf("%s: %q is not a number of %d bits", name, text, bits))
		}
		return n
	}
	c.Ends = model.Ends{Client: at(t.client), Server: at(t.server), ClientPort: uint16(number(t.clientPort, "client_port", 16)),
		ServerPort: uint16(number(t.serverPort, "server_port", 16)), Protocol: uint8(number(t.protocol, "protocol", 8))}
	if d.runs {
		c.Ends.Start = int64(number(t.start, "start", 63))
	} else if at, wrong := time.Parse(time.DateTime, at(t.start)); wrong == nil { // of the corrected CICIDS-2017; fractions are taken
		c.Ends.Start = at.UnixNano()
	}
	return c, err
}

// isFolder tells if a text is the name of a folder, of characters that are shown; a name has at most 255 bytes (NAME_MAX).
func isFolder(name string) bool {
	return fs.ValidPath(name) && name != "." && len(name) <= 255 && !strings.ContainsAny(name, "/\n\t") && plain.Text(name) == name
}

// benign tells whether a label means that nothing is wrong, as published tables write it.
func benign(label string) bool {
	switch flow.PlainName(label) {
	case "benign", "normal", "normaltraffic", "background", "nolabel":
		return true
	}
	return false
}

// Value gives a connection's cell in a column of the table, and whether there is such a column.
func (d *Dataset) Value(connection int, column string) (string, bool) {
	i, ok := d.index[column]
	if !ok {
		return "", false
	}
	return d.Connections[connection].cells[i], true
}

// Runs lists the runs of the connections, in the order of the table.
func (d *Dataset) Runs() []string {
	var list []string
	seen := map[string]bool{}
	for i := range d.Connections {
		if r := d.Connections[i].Run; !seen[r] {
			seen[r] = true
			list = append(list, r)
		}
	}
	return list
}

// HasRuns tells whether there are run directories: the dataset is no table alone.
func (d *Dataset) HasRuns() bool { return d.runs }

// Single gives the run directory that the dataset is, "" when it is no run alone.
func (d *Dataset) Single() string { return d.single }

// runDir gives the run directory of a run, which is below the dataset's folder.
func (d *Dataset) runDir(run string) (string, error) {
	if d.single != "" {
		return d.single, nil
	}
	return beneath.Folder(d.Path, filepath.Join(runsFolder, run))
}
