package store

import (
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	bleve "github.com/blevesearch/bleve_index_api"

	"github.com/seed56735111/penstock/engine/internal/mapping"
)

// Names of what every document has beside its fields. A document's own fields are behind a prefix.
const (
	idColumn     = "_id"
	sourceColumn = "_source"
	metaColumn   = "_meta"
	SeqColumn    = "_seq"
	PathsColumn  = "_paths" // the fields that have a value
	TypeColumn   = "_type"  // before version 7
)

// Record is a document on its way into the index. It gives bleve the words and keys of each value itself, so that
// bleve's own mapping is not used.
type Record struct {
	key     string
	columns []column
	size    int
}

// column is the values of one field of a document.
type column struct {
	name    string
	options bleve.FieldIndexingOptions
	stored  []byte
	field   *mapping.Field
	leaves  []mapping.Leaf
	key     string // the only one, where there is no field
	length  int
	tokens  bleve.TokenFrequencies

	frequencies []bleve.TokenFreq
	locations   []bleve.TokenLocation
}

var (
	_ bleve.Document = (*Record)(nil)
	_ bleve.Field    = (*column)(nil)
)

// recordPool keeps records for reuse. Their maps and lists are most of what indexing would allocate.
type recordPool struct{ pool sync.Pool }

func (p *recordPool) get() *Record {
	if r, ok := p.pool.Get().(*Record); ok {
		return r
	}
	return &Record{}
}

// A record that is larger than this is not kept for reuse.
const (
	mostColumns = 500
	mostTokens  = 100
)

func (p *recordPool) put(r *Record) {
	if cap(r.columns) > mostColumns {
		return
	}
	for i := range r.columns {
		r.columns[i].reset()
	}
	r.columns, r.key = r.columns[:0], ""
	p.pool.Put(r)
}

// reset leaves the map and the lists of a column, empty.
func (c *column) reset() {
	kept := column{tokens: c.tokens, frequencies: c.frequencies, locations: c.locations}
	if len(c.tokens) > mostTokens || cap(c.locations) > mostTokens {
		kept = column{}
	}
	clear(kept.tokens)
	kept.frequencies = kept.frequencies[:cap(kept.frequencies)]
	for i := range kept.frequencies {
		t := &kept.frequencies[i]
		t.SetFrequency(0)
		t.Term, t.Locations = t.Term[:0], t.Locations[:0]
	}
	*c = kept
}

// newRecord makes a record of a document.
func (p *recordPool) newRecord(d *Stored, doc mapping.Parsed) *Record {
	r := p.get()
	r.key, r.size = d.Key, len(d.Source)
	r.add(sourceColumn, bleve.StoreField).stored = d.Source
	r.add(metaColumn, bleve.StoreField).stored = d.meta()
	r.add(SeqColumn, bleve.IndexField|bleve.DocValues|bleve.SkipFreqNorm).key = NumberKey(d.Seq, 0)
	if d.DocType != "" {
		r.add(TypeColumn, bleve.IndexField|bleve.SkipFreqNorm).key = d.DocType
	}
	r.add(PathsColumn, bleve.IndexField|bleve.SkipFreqNorm).key = pathsKey(doc.Paths)
	var at map[string]int
	if doc.Repeated {
		at = make(map[string]int, len(doc.Leaves))
	}
	for i, l := range doc.Leaves {
		if !l.Field.Searchable && !l.Field.DocValues {
			continue
		}
		if n, ok := at[l.Path]; ok {
			r.columns[n].leaves = append(r.columns[n].leaves, l)
			continue
		}
		if at != nil {
			at[l.Path] = len(r.columns)
		}
		c := r.add(l.Field.Column, optionsOf(l.Field))
		c.field, c.leaves = l.Field, doc.Leaves[i:i+1:i+1]
		if c.name == "" {
			c.name = mapping.FieldPrefix + l.Path
		}
	}
	return r
}

// add takes the next column, with what it has from before.
func (r *Record) add(name string, options bleve.FieldIndexingOptions) *column {
	if n := len(r.columns); n < cap(r.columns) {
		r.columns = r.columns[:n+1]
	} else {
		r.columns = append(r.columns, column{})
	}
	c := &r.columns[len(r.columns)-1]
	c.name, c.options = name, options
	return c
}

// optionsOf is what bleve keeps of a field.
func optionsOf(f *mapping.Field) bleve.FieldIndexingOptions {
	o := bleve.IndexField
	if f.Class == mapping.Analysed {
		o |= bleve.IncludeTermVectors
	} else {
		o |= bleve.SkipFreqNorm
	}
	if f.DocValues || f.Fielddata {
		o |= bleve.DocValues
	}
	return o
}

// ID is the key that the index knows the document by.
func (r *Record) ID() string { return r.key }

// VisitFields calls visit for every column.
func (r *Record) VisitFields(visit bleve.FieldVisitor) {
	for i := range r.columns {
		visit(&r.columns[i])
	}
}

// AddIDField adds the column of the key.
func (r *Record) AddIDField() {
	c := r.add(idColumn, bleve.IndexField|bleve.StoreField)
	c.stored, c.key = []byte(r.key), r.key
}

// VisitComposite has nothing to do: no column is made of others.
func (r *Record) VisitComposite(bleve.CompositeFieldVisitor) {}

// HasComposite says that no column is made of others.
func (r *Record) HasComposite() bool { return false }

// Size is about how many bytes the document has.
func (r *Record) Size() int { return r.size }

// NumPlainTextBytes is a statistic of bleve that nobody reads.
func (r *Record) NumPlainTextBytes() uint64 { return 0 }

// StoredFieldsBytes is a statistic of bleve that nobody reads.
func (r *Record) StoredFieldsBytes() uint64 { return 0 }

// Indexed says that the document can be found.
func (r *Record) Indexed() bool { return true }

func (c *column) Name() string { return c.name }

func (c *column) Value() []byte { return c.stored }

func (c *column) ArrayPositions() []uint64 { return nil }

func (c *column) EncodedFieldType() byte { return 't' }

func (c *column) Options() bleve.FieldIndexingOptions { return c.options }

func (c *column) AnalyzedLength() int { return c.length }

func (c *column) AnalyzedTokenFrequencies() bleve.TokenFrequencies { return c.tokens }

func (c *column) NumPlainTextBytes() uint64 { return 0 }

// Analyze makes the keys of the values. It runs beside that of other documents.
func (c *column) Analyze() {
	if c.tokens == nil {
		c.tokens = make(bleve.TokenFrequencies, 1)
	}
	switch {
	case c.field == nil && c.name == idColumn:
		c.length = 1
		c.token(c.key).SetFrequency(1)
	case c.field == nil:
		c.length = 1
		c.token(c.key)
	case c.field.Class == mapping.Analysed:
		c.words()
	default:
		c.length = len(c.leaves)
		eachKey(c.field, c.leaves, func(key string) { c.token(key) })
	}
}

// token returns the entry of a key, which is new when there is none.
func (c *column) token(key string) *bleve.TokenFreq {
	if t := c.tokens[key]; t != nil {
		return t
	}
	n := len(c.tokens)
	if n >= len(c.frequencies) {
		c.frequencies = make([]bleve.TokenFreq, 2*n+1) // the map still points into the old list
	}
	t := &c.frequencies[n]
	t.Term = append(t.Term[:0], key...)
	c.tokens[key] = t
	return t
}

// valueGap keeps a phrase from matching across two values of a field.
const valueGap = 100

func (c *column) words() {
	position := 0
	c.locations = c.locations[:0]
	for i := range c.leaves {
		if i > 0 {
			position += valueGap
		}
		c.field.Words.Split(c.leaves[i].Text, func(word string) {
			position++
			c.length++
			t := c.token(word)
			t.SetFrequency(t.Frequency() + 1)
			if len(c.locations) == cap(c.locations) {
				c.locations = make([]bleve.TokenLocation, 0, 2*cap(c.locations)+4)
			}
			c.locations = append(c.locations, bleve.TokenLocation{Position: position})
			t.Locations = append(t.Locations, &c.locations[len(c.locations)-1])
		})
	}
}

// eachKey calls each with the keys of the values of a field: searches find them, and sorts and aggregations read them.
func eachKey(f *mapping.Field, leaves []mapping.Leaf, each func(key string)) {
	switch f.Class {
	case mapping.Whole, mapping.Floating, mapping.Instant:
	default:
		for i := range leaves {
			each(leaves[i].Text)
		}
		return
	}
	var times map[int64]int
	if len(leaves) > 1 {
		times = make(map[int64]int, len(leaves))
	}
	for i := range leaves {
		for _, shift := range NumberLevels {
			each(NumberKey(leaves[i].Num, shift))
		}
		if times != nil {
			times[leaves[i].Num]++
		}
	}
	for n, count := range times {
		if count > 1 {
			each(repeatKey(n, count))
		}
	}
}

// pathsKey is a single key for all the fields that have a value. Documents with the same fields share it.
func pathsKey(paths []string) string {
	slices.Sort(paths)
	var b strings.Builder
	b.WriteByte(0)
	for _, path := range slices.Compact(paths) {
		b.WriteString(path)
		b.WriteByte(0)
	}
	return b.String()
}

// NumberLevels are the precisions at which numbers are indexed. Ranges use the coarse ones far from their ends.
var NumberLevels = []uint{0, LevelBits, 2 * LevelBits}

// LevelBits is how many bits of a number each level leaves out.
const LevelBits = 20

// Keys of numbers begin with a byte for their level, then have the number's bits, seven to a byte, in an order that is
// that of the numbers. No byte is 0xff, which bleve puts between values.
const (
	firstLevel = ' '
	repeatMark = '~'
	keyBits    = 7
	SignBit    = 1 << 63
)

// NumberKey is what a number is found by at one level.
func NumberKey(n int64, shift uint) string {
	v := uint64(n) ^ SignBit //nolint:gosec // bits
	v >>= shift
	size := int(64-shift+keyBits-1) / keyBits
	b := make([]byte, size+1)
	b[0] = byte(firstLevel + shift/LevelBits) //nolint:gosec // there are three levels
	for i := size; i > 0; i-- {
		b[i] = byte(v & (1<<keyBits - 1))
		v >>= keyBits
	}
	return string(b)
}

// repeatKey says that a document has a number more than once.
func repeatKey(n int64, times int) string {
	b := []byte(NumberKey(n, 0))
	b[0] = repeatMark
	for ; times > 0; times >>= keyBits {
		b = append(b, byte(times&(1<<keyBits-1)))
	}
	return string(b)
}

const fullKey = 1 + (64+keyBits-1)/keyBits

// KeyNumber reads a key of the finest level, or one that says how often a number is there.
func KeyNumber(key []byte) (n int64, times int, ok bool) {
	if len(key) < fullKey || key[0] != firstLevel && key[0] != repeatMark {
		return 0, 0, false
	}
	var v uint64
	for _, c := range key[1:fullKey] {
		v = v<<keyBits | uint64(c)
	}
	times = 1
	if key[0] == repeatMark {
		times = 0
		for i := len(key) - 1; i >= fullKey; i-- {
			times = times<<keyBits | int(key[i])
		}
	}
	return int64(v ^ SignBit), times, true //nolint:gosec // bits
}

// Stored is a document as it is kept.
type Stored struct {
	Key     string // what the index knows it by
	ID      string
	DocType string // before version 7
	Version int64
	Seq     int64
	Routing string
	Source  json.RawMessage
}

// meta is what is kept of a document beside its source.
func (d *Stored) meta() []byte {
	b := binary.AppendVarint(nil, d.Version)
	b = binary.AppendVarint(b, d.Seq)
	b = append(binary.AppendUvarint(b, uint64(len(d.DocType))), d.DocType...)
	b = append(binary.AppendUvarint(b, uint64(len(d.Routing))), d.Routing...)
	return append(b, d.ID...)
}

func (d *Stored) readMeta(b []byte) {
	number := func() int64 {
		v, n := binary.Varint(b)
		b = b[max(n, 0):]
		return v
	}
	text := func() string {
		v, n := binary.Uvarint(b)
		b = b[max(n, 0):]
		end := int(min(v, uint64(len(b)))) //nolint:gosec // no more than there is
		s := string(b[:end])
		b = b[end:]
		return s
	}
	d.Version, d.Seq = number(), number()
	d.DocType, d.Routing = text(), text()
	d.ID = string(b)
}
