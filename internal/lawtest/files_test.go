package lawtest

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/shape"
	"github.com/seed56735111/penstock/source"
)

// TestFilesLaw holds the law for files: whatever rotation, compression, links and other paths do to them between runs,
// in the end each line has exactly one document.
//
// It takes a sample of seeds, printed; PENSTOCK_TEST_FULL=1 runs 300, -seed N one.
func TestFilesLaw(t *testing.T) {
	t.Parallel()
	first, n := uint64(1), 300
	switch {
	case *seed != 0:
		first, n = *seed, 1
	case os.Getenv("PENSTOCK_TEST_FULL") == "":
		first, n = rand.Uint64N(1<<32), 6
		t.Logf("%d seeds from %d on; 300 with PENSTOCK_TEST_FULL=1", n, first)
	}
	for s := range uint64(n) {
		t.Run(fmt.Sprint(first+s), func(t *testing.T) {
			t.Parallel()
			w := newFileWorld(t, first+s)
			for range 12 {
				w.steps()
				w.run()
			}
			w.last()
			if t.Failed() {
				t.Errorf("run it alone with -run TestFilesLaw -seed %d", first+s)
			}
		})
	}
}

// fileWorld is a tree of files that programs write and rotation moves about.
type fileWorld struct {
	t      *testing.T
	rand   *rand.Rand
	root   string
	logs   []*logFile
	clock  time.Time // in the lines
	lines  map[string]int
	domain *indexed
}

// logFile is one file with its generations.
type logFile struct {
	path        string
	text        bool
	n           int // lines so far
	banner      int // lines that each generation begins with
	dated       bool
	torn        string // the rest of the last line
	generations int
	links       []string // hard ones
}

const banner = "starting up"

func newFileWorld(t *testing.T, seed uint64) *fileWorld {
	t.Helper()
	w := &fileWorld{
		t: t, rand: rand.New(rand.NewPCG(seed, 7)), root: realDir(t), clock: time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC),
		lines: map[string]int{}, domain: &indexed{docs: map[string]string{}},
	}
	for i := range 20 {
		dir := filepath.Join(w.root, fmt.Sprintf("host-%d", i%3))
		w.must(os.MkdirAll(dir, 0o700))
		l := &logFile{path: filepath.Join(dir, fmt.Sprintf("app-%d.log", i)), text: i%5 == 4, banner: 3}
		if l.text {
			l.banner = 1 // lines before the first time are one event
		}
		w.logs = append(w.logs, l)
		w.begin(l)
	}
	return w
}

func realDir(t *testing.T) string {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func (w *fileWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// begin writes the banner of a generation. All have the same, and most write on at once.
func (w *fileWorld) begin(l *logFile) {
	l.dated = false
	l.generations++
	for range l.banner {
		w.append(l, w.undated(l, banner)+"\n")
	}
	if w.rand.IntN(3) > 0 {
		w.write(l)
	}
}

func (w *fileWorld) undated(l *logFile, text string) string {
	if l.text {
		w.lines[text]++
		return text
	}
	line := fmt.Sprintf(`{"msg":%q}`, text)
	w.lines[line]++
	return line
}

func (w *fileWorld) date(l *logFile) string {
	w.clock = w.clock.Add(time.Duration(1+w.rand.IntN(5000)) * time.Millisecond)
	l.n++
	line := fmt.Sprintf("%s %s line %d", w.clock.Format("2006-01-02 15:04:05.000"), filepath.Base(l.path), l.n)
	if !l.text {
		line = fmt.Sprintf(`{"time":%q,"log":%q,"n":%d}`, w.clock.Format(time.RFC3339Nano), filepath.Base(l.path), l.n)
	}
	w.lines[line]++
	return line
}

// write appends some lines, the last one not always whole.
func (w *fileWorld) write(l *logFile) {
	text := l.torn
	if l.torn != "" {
		text += "\n"
		l.torn = ""
	}
	for range 1 + w.rand.IntN(6) {
		if !l.text && w.rand.IntN(3) == 0 {
			text += w.undated(l, fmt.Sprintf("tick %d", w.rand.IntN(3))) + "\n"
			continue
		}
		text += w.date(l) + "\n"
		l.dated = true
	}
	if w.rand.IntN(4) == 0 {
		line := w.date(l)
		cut := 1 + w.rand.IntN(len(line)-1)
		text += line[:cut]
		l.torn = line[cut:]
	}
	w.append(l, text)
}

func (w *fileWorld) append(l *logFile, text string) {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	w.must(err)
	_, err = f.WriteString(text)
	w.must(err)
	w.must(f.Close())
	if l.dated && l.torn == "" && w.rand.IntN(2) == 0 {
		w.age(l.path)
	}
}

// age makes a file look as if it was last written to an hour ago.
func (w *fileWorld) age(path string) {
	at := time.Now().Add(-time.Hour)
	w.must(os.Chtimes(path, at, at))
}

// steps lets some files change.
func (w *fileWorld) steps() {
	for range 15 {
		l := w.logs[w.rand.IntN(len(w.logs))]
		switch w.rand.IntN(8) {
		case 0, 1, 2, 3:
			w.write(l)
		case 4:
			w.rotate(l, w.rand.IntN(2) == 0)
		case 5:
			w.compress(l)
		case 6:
			w.link(l)
		}
	}
}

// rotate moves every generation on by one, or gives the newest one a date, and begins the next.
func (w *fileWorld) rotate(l *logFile, copied bool) {
	if !l.dated {
		return
	}
	if l.torn != "" {
		w.write(l)
	}
	if l.torn != "" {
		w.append(l, l.torn+"\n")
		l.torn = ""
	}
	to := l.path + ".1"
	if w.rand.IntN(3) == 0 {
		to = fmt.Sprintf("%s-%s-%d", l.path, w.clock.Format("20060102"), l.generations)
	} else {
		for n := 30; n > 0; n-- {
			for _, suffix := range []string{"", ".gz", ".zst"} {
				if from := fmt.Sprintf("%s.%d%s", l.path, n, suffix); exists(from) {
					w.must(os.Rename(from, fmt.Sprintf("%s.%d%s", l.path, n+1, suffix)))
				}
			}
		}
	}
	if copied {
		text, err := os.ReadFile(l.path)
		w.must(err)
		w.must(os.WriteFile(to, text, 0o600))
		w.must(os.Truncate(l.path, 0))
	} else {
		w.must(os.Rename(l.path, to))
	}
	w.begin(l)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// compress compresses a generation. The plain file goes at once, or stays for a while beside the other.
func (w *fileWorld) compress(l *logFile) {
	plain, err := filepath.Glob(l.path + "?*")
	w.must(err)
	for _, path := range plain {
		if strings.HasSuffix(path, ".gz") || strings.HasSuffix(path, ".zst") {
			continue
		}
		text, err := os.ReadFile(path)
		w.must(err)
		var out bytes.Buffer
		suffix := ".gz"
		if w.rand.IntN(3) == 0 {
			suffix = ".zst"
			z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1))
			w.must(err)
			_, _ = z.Write(text)
			w.must(z.Close())
		} else {
			cut := w.rand.IntN(len(text) + 1)
			for _, part := range [][]byte{text[:cut], text[cut:]} {
				z := gzip.NewWriter(&out)
				_, _ = z.Write(part)
				w.must(z.Close())
			}
		}
		if w.rand.IntN(3) == 0 { // a run may come while it is written
			w.must(os.WriteFile(path+suffix, out.Bytes()[:w.rand.IntN(out.Len())], 0o600))
			w.run()
		}
		w.must(os.WriteFile(path+suffix, out.Bytes(), 0o600))
		if w.rand.IntN(2) == 0 {
			w.run()
		}
		for _, link := range l.links { // one that is left alone would be a file of its own
			w.must(os.Remove(link))
		}
		l.links = nil
		w.must(os.Remove(path))
		return
	}
}

// link makes another name for a file, which sorts behind its own.
func (w *fileWorld) link(l *logFile) {
	name := fmt.Sprintf("%s/zz-%d", w.root, w.rand.IntN(1<<30))
	if w.rand.IntN(2) == 0 {
		w.must(os.Symlink(l.path, name))
	} else {
		w.must(os.Link(l.path, name))
		l.links = append(l.links, name)
	}
}

// run ships the tree, by one of its paths and in any order.
func (w *fileWorld) run() {
	root := w.root
	switch w.rand.IntN(3) {
	case 0:
		root = filepath.Join(w.t.TempDir(), "elsewhere")
		w.must(os.Symlink(w.root, root))
	case 1:
		root += "/host-1/.."
	}
	paths := []string{root}
	if w.rand.IntN(2) == 0 {
		entries, err := os.ReadDir(root)
		w.must(err)
		paths = nil
		for _, i := range w.rand.Perm(len(entries)) {
			paths = append(paths, root+"/"+entries[i].Name())
		}
	}
	w.ship(paths)
}

func (w *fileWorld) ship(paths []string) penstock.Counts {
	w.t.Helper()
	files, err := source.NewFiles(paths)
	w.must(err)
	d, err := format.New(format.Config{})
	w.must(err)
	s, err := shape.New(shape.Config{Index: "logs"})
	w.must(err)
	p := &penstock.Pipeline{
		Source: files, Decoder: decode.New(decode.Limits{}), Recognizer: d, Shaper: s, Deliverer: w.domain,
		DeadLetters: w.domain,
	}
	result := p.Run(w.t.Context())
	w.must(result.Err())
	if !result.Balanced() {
		w.t.Errorf("the counts do not add up: %+v", result.Counts)
	}
	return result.Counts
}

// last ends every line, lets time pass, ships what is left, and compares the documents with the lines.
func (w *fileWorld) last() {
	for _, l := range w.logs {
		for !l.dated || l.torn != "" {
			w.write(l)
		}
	}
	w.must(filepath.WalkDir(w.root, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			w.age(path)
		}
		return err
	}))
	if c := w.ship([]string{w.root}); c.ItemsGivenBack != 0 {
		w.t.Errorf("%d files are given back although nobody writes to them", c.ItemsGivenBack)
	}
	if c := w.ship([]string{w.root}); c.Delivered != 0 || c.Records != c.Duplicate {
		w.t.Errorf("shipped again: %d delivered, %d of %d duplicate", c.Delivered, c.Duplicate, c.Records)
	}
	got := map[string]int{}
	for _, raw := range w.domain.docs {
		got[raw]++
	}
	for line, n := range w.lines {
		if got[line] != n {
			w.t.Errorf("%d documents of a line that was written %d times: %s", got[line], n, line)
		}
		delete(got, line)
	}
	for line, n := range got {
		w.t.Errorf("%d documents of what is no line: %s", n, line)
	}
	if len(w.domain.letters) != 0 {
		w.t.Errorf("dead letters: %v", w.domain.letters)
	}
}

// indexed is a domain with one index, which never fails.
type indexed struct {
	mu      sync.Mutex
	docs    map[string]string // records by the ids of their documents
	letters []string
}

var (
	_ penstock.Deliverer   = (*indexed)(nil)
	_ penstock.DeadLetters = (*indexed)(nil)
	_ penstock.Delivery    = (*indexing)(nil)
)

func (*indexed) Hold() (release func()) { return func() {} }

func (d *indexed) Begin(penstock.RejectFunc) penstock.Delivery { return &indexing{domain: d} }

func (d *indexed) Put(_ context.Context, letters ...penstock.Letter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range letters {
		d.letters = append(d.letters, l.ID+" "+l.Source.Object+" "+l.Detail)
	}
	return nil
}

type indexing struct {
	domain  *indexed
	outcome penstock.Outcome
}

func (d *indexing) Add(_ context.Context, doc penstock.Document) error {
	d.domain.mu.Lock()
	defer d.domain.mu.Unlock()
	if _, there := d.domain.docs[string(doc.ID)]; there {
		d.outcome.Duplicate++
		return nil
	}
	d.domain.docs[string(doc.ID)] = string(doc.Raw)
	d.outcome.Delivered++
	return nil
}

func (d *indexing) Wait(context.Context) (penstock.Outcome, error) { return d.outcome, nil }

// Different files are never taken for generations of one, however much of them is equal.
func TestFilesThatBeginAlikeStayApart(t *testing.T) {
	t.Parallel()
	for name, common := range map[string]string{
		"dated":   `{"time":"2026-11-27T10:00:00Z","n":%d}`,
		"undated": `{"n":%d}`,
		"text":    "2026-11-27 10:00:00 line %d",
		"plain":   "line %d",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &fileWorld{
				t: t, rand: rand.New(rand.NewPCG(1, 1)), root: realDir(t), domain: &indexed{docs: map[string]string{}},
			}
			const files, own = 20, 5
			for i := range files {
				dir := filepath.Join(w.root, fmt.Sprint("host-", i%2))
				w.must(os.MkdirAll(dir, 0o700))
				var text strings.Builder
				for n := range 100 {
					_, _ = fmt.Fprintf(&text, common+"\n", n)
				}
				for n := range own {
					_, _ = fmt.Fprintf(&text, common+"\n", 1000+i*own+n)
				}
				path := filepath.Join(dir, []string{"app%d.log", "app-%d.log", "10.0.0.%d", "app.%d.log"}[i%4])
				path = fmt.Sprintf(path, i)
				w.must(os.WriteFile(path, []byte(text.String()), 0o600))
				w.age(path)
			}
			for range 2 {
				w.ship([]string{w.root})
			}
			if got, want := len(w.domain.docs), files*(100+own); got != want {
				t.Errorf("%d documents of %d lines", got, want)
			}
		})
	}
}
