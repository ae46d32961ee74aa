package rules

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/seed56735111/penstock/internal/quote"
)

// MaxTable is how much memory a table may take, in bytes.
const MaxTable = 256 << 20

// TableSource says where a table is, as it is written.
type TableSource struct {
	Name string
	// CSV is the path or s3:// URL of a file whose first line names its columns; Key is the column that is looked up.
	CSV, Key string
	// MMDB is the path or s3:// URL of a MaxMind database, in which addresses are looked up.
	MMDB string
}

// At is the path or URL.
func (s *TableSource) At() string { return s.CSV + s.MMDB }

// Table is a table in memory. It is safe for concurrent use.
type Table struct {
	rows map[string]span // of a CSV file
	text []byte          // their objects

	addresses *maxminddb.Reader
	mu        sync.RWMutex
	seen      map[uintptr][]byte // objects of the database, by their place in it
	room      int                // what they may still take
}

type span struct{ start, end uint32 }

// keptObjects is how much memory the objects take that have been read from a database.
const keptObjects = 8 << 20

// rowCost is about what a row takes beside its text.
const rowCost = 64

// ReadTable reads a table.
func ReadTable(s *TableSource, r io.Reader) (*Table, error) {
	if s.MMDB != "" {
		data, err := io.ReadAll(io.LimitReader(r, MaxTable+1))
		if err != nil {
			return nil, err
		}
		if len(data) > MaxTable {
			return nil, errTooLarge
		}
		db, err := maxminddb.OpenBytes(data)
		if err != nil {
			return nil, fmt.Errorf("read the database: %w", err)
		}
		return &Table{addresses: db, seen: map[uintptr][]byte{}, room: keptObjects}, nil
	}
	return readCSV(s, r)
}

var errTooLarge = fmt.Errorf("the table takes more than %d MiB", MaxTable>>20)

// Database says what is wrong with a file that should be a MaxMind database, by its end alone.
func (s *TableSource) Database(r io.ReaderAt, size int64) error {
	end := make([]byte, min(size, 128<<10)) // as far as the description of a database may be from its end
	if _, err := r.ReadAt(end, size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if !bytes.Contains(end, []byte("\xab\xcd\xefMaxMind.com")) {
		return errors.New("it is no MaxMind database")
	}
	return nil
}

// Columns reads the first line of a CSV file, and returns the names in it and which is the key.
func (s *TableSource) Columns(r io.Reader) (c *csv.Reader, names []string, key int, err error) {
	c = csv.NewReader(r)
	c.ReuseRecord = true
	first, err := c.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, nil, 0, errors.New("the file is empty")
	case err != nil:
		return nil, nil, 0, err
	}
	names = slices.Clone(first)
	names[0] = strings.TrimPrefix(names[0], "\ufeff")
	seen := map[string]bool{}
	for _, name := range names {
		if err := checkName("table." + name); err != nil {
			return nil, nil, 0, fmt.Errorf("column %q: %w", name, err)
		}
		if seen[name] {
			return nil, nil, 0, fmt.Errorf("two columns are called %q", name)
		}
		seen[name] = true
	}
	key = slices.Index(names, s.Key)
	if key < 0 {
		return nil, nil, 0, fmt.Errorf("no column is called %q; there are %s", s.Key, strings.Join(names, ", "))
	}
	return c, names, key, nil
}

func readCSV(s *TableSource, r io.Reader) (*Table, error) {
	c, names, key, err := s.Columns(r)
	if err != nil {
		return nil, err
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = string(quote.Append(nil, []byte(name)))
	}
	t := &Table{rows: map[string]span{}}
	keys := 0
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		if _, twice := t.rows[cells[key]]; twice {
			return nil, fmt.Errorf("line %d: the key %q is there twice", line, cells[key])
		}
		start := len(t.text)
		o := begin(t.text)
		for i, cell := range cells {
			if i != key {
				o.text(quoted[i], []byte(cell))
			}
		}
		t.text = o.end()
		keys += len(cells[key]) + rowCost
		if len(t.text)+keys > MaxTable {
			return nil, errTooLarge
		}
		t.rows[strings.Clone(cells[key])] = span{uint32(start), uint32(len(t.text))} //nolint:gosec // below MaxTable
	}
}

// Find returns the object for a key. It reports false when the table has none.
func (t *Table) Find(key []byte) ([]byte, bool) {
	if t.addresses == nil {
		at, ok := t.rows[string(key)]
		return t.text[at.start:at.end:at.end], ok
	}
	addr, err := netip.ParseAddr(string(key))
	if err != nil {
		return nil, false
	}
	found := t.addresses.Lookup(addr.Unmap().WithZone(""))
	if !found.Found() {
		return nil, false
	}
	at := found.Offset()
	t.mu.RLock()
	object, ok := t.seen[at]
	t.mu.RUnlock()
	if ok {
		return object, len(object) > 0
	}
	object = objectOf(found)
	t.mu.Lock()
	if t.room -= len(object) + rowCost; t.room < 0 {
		clear(t.seen)
		t.room = keptObjects - len(object) - rowCost
	}
	t.seen[at] = object
	t.mu.Unlock()
	return object, len(object) > 0
}

// objectOf returns what a database has at a place, as JSON; nil for what is no object.
func objectOf(found maxminddb.Result) []byte {
	var value any
	if found.Decode(&value) != nil {
		return nil
	}
	if object, ok := value.(map[string]any); !ok || len(object) == 0 {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(value) != nil {
		return nil
	}
	return bytes.TrimSpace(b.Bytes())
}
