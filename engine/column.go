package engine

import (
	"encoding/binary"
	"encoding/json"

	bleve "github.com/blevesearch/bleve_index_api"
)

// Names of what every document has beside its fields. A document's own fields are behind a prefix.
const (
	idColumn     = "_id"
	sourceColumn = "_source"
	metaColumn   = "_meta"
	seqColumn    = "_seq"
	pathsColumn  = "_paths" // the fields that have a value
	typeColumn   = "_type"  // before version 7
	fieldPrefix  = "."
)

// record is a document on its way into the index. It builds what bleve asks for, past bleve's own mapping: which words and
// keys a value has is decided here.
type record struct {
	key     string
	columns []*column
	size    int
}

// column is the values of one field of a document.
type column struct {
	name    string
	options bleve.FieldIndexingOptions
	stored  []byte
	field   *field
	leaves  []leaf
	keys    []string
	length  int
	tokens  bleve.TokenFrequencies
}

var (
	_ bleve.Document = (*record)(nil)
	_ bleve.Field    = (*column)(nil)
)

// newRecord makes a record of a document.
func newRecord(d *stored, p parsed) *record {
	r := &record{key: d.key, columns: make([]*column, 0, len(p.leaves)+6), size: len(d.source)}
	r.keep(sourceColumn, d.source)
	r.keep(metaColumn, d.meta())
	r.columns = append(r.columns, &column{name: seqColumn, options: bleve.IndexField | bleve.DocValues | bleve.SkipFreqNorm, keys: []string{numberKey(d.seq, 0)}})
	if d.docType != "" {
		r.columns = append(r.columns, &column{name: typeColumn, options: bleve.IndexField | bleve.SkipFreqNorm, keys: []string{d.docType}})
	}
	if len(p.paths) > 0 {
		r.columns = append(r.columns, &column{name: pathsColumn, options: bleve.IndexField | bleve.SkipFreqNorm, keys: p.paths})
	}
	at := make(map[string]*column, len(p.leaves))
	for i, l := range p.leaves {
		if !l.field.searchable && !l.field.docValues {
			continue
		}
		if c := at[l.path]; c != nil {
			c.leaves = append(c.leaves, l)
			continue
		}
		c := &column{name: fieldPrefix + l.path, options: l.field.options(), field: l.field, leaves: p.leaves[i : i+1 : i+1]}
		at[l.path] = c
		r.columns = append(r.columns, c)
	}
	return r
}

func (r *record) keep(name string, value []byte) {
	r.columns = append(r.columns, &column{name: name, options: bleve.StoreField, stored: value})
}

// options is what bleve keeps of a field.
func (f *field) options() bleve.FieldIndexingOptions {
	o := bleve.IndexField
	if f.class == analysed {
		o |= bleve.IncludeTermVectors
	} else {
		o |= bleve.SkipFreqNorm
	}
	if f.docValues || f.fielddata {
		o |= bleve.DocValues
	}
	return o
}

// ID, VisitFields and the other methods of bleve's document.

func (r *record) ID() string { return r.key }

func (r *record) VisitFields(visit bleve.FieldVisitor) {
	for _, c := range r.columns {
		visit(c)
	}
}

func (r *record) AddIDField() {
	r.columns = append(r.columns, &column{name: idColumn, options: bleve.IndexField | bleve.StoreField, stored: []byte(r.key), keys: []string{r.key}})
}

func (r *record) VisitComposite(bleve.CompositeFieldVisitor) {}
func (r *record) HasComposite() bool                         { return false }
func (r *record) Size() int                                  { return r.size }
func (r *record) NumPlainTextBytes() uint64                  { return 0 }
func (r *record) StoredFieldsBytes() uint64                  { return 0 }
func (r *record) Indexed() bool                              { return true }

func (c *column) Name() string                                     { return c.name }
func (c *column) Value() []byte                                    { return c.stored }
func (c *column) ArrayPositions() []uint64                         { return nil }
func (c *column) EncodedFieldType() byte                           { return 't' }
func (c *column) Options() bleve.FieldIndexingOptions              { return c.options }
func (c *column) AnalyzedLength() int                              { return c.length }
func (c *column) AnalyzedTokenFrequencies() bleve.TokenFrequencies { return c.tokens }
func (c *column) NumPlainTextBytes() uint64                        { return 0 }

// Analyze makes the keys of the values. It runs beside that of other documents.
func (c *column) Analyze() {
	switch {
	case c.field == nil:
		c.length = 1
		c.exactly(c.keys)
	case c.field.class == analysed:
		c.words()
	default:
		c.length = len(c.leaves)
		c.exactly(c.field.keys(c.leaves))
	}
}

func (c *column) exactly(keys []string) {
	c.tokens = make(bleve.TokenFrequencies, len(keys))
	frequencies := make([]bleve.TokenFreq, len(keys))
	for i, key := range keys {
		frequencies[i].Term = []byte(key)
		if c.name == idColumn {
			frequencies[i].SetFrequency(1)
		}
		c.tokens[key] = &frequencies[i]
	}
}

// valueGap keeps a phrase from matching across two values of a field.
const valueGap = 100

func (c *column) words() {
	c.tokens = make(bleve.TokenFrequencies)
	position := 0
	for i := range c.leaves {
		if i > 0 {
			position += valueGap
		}
		c.field.words.split(c.leaves[i].text, func(word string) {
			position++
			c.length++
			t := c.tokens[word]
			if t == nil {
				t = &bleve.TokenFreq{Term: []byte(word)}
				c.tokens[word] = t
			}
			t.SetFrequency(t.Frequency() + 1)
			t.Locations = append(t.Locations, &bleve.TokenLocation{Position: position})
		})
	}
}

// keys are what a field's values are found by, and what they are read back from.
func (f *field) keys(leaves []leaf) []string {
	switch f.class {
	case whole, floating, instant:
		keys := make([]string, 0, len(leaves)*len(numberLevels))
		var times map[int64]int
		if len(leaves) > 1 {
			times = make(map[int64]int, len(leaves))
		}
		for i := range leaves {
			for _, shift := range numberLevels {
				keys = append(keys, numberKey(leaves[i].num, shift))
			}
			if times != nil {
				times[leaves[i].num]++
			}
		}
		for n, count := range times {
			if count > 1 {
				keys = append(keys, repeatKey(n, count))
			}
		}
		return keys
	}
	keys := make([]string, len(leaves))
	for i := range leaves {
		keys[i] = leaves[i].text
	}
	return keys
}

// numberLevels are the precisions at which numbers are indexed: ranges use the coarse ones for what is far from their ends.
var numberLevels = []uint{0, 16, 32, 48}

// Keys of numbers begin with a byte for their level, then have the number's bits, seven to a byte, in an order that is that
// of the numbers. No byte is 0xff, which bleve puts between values.
const (
	firstLevel = ' '
	repeatMark = '~'
	keyBits    = 7
	signBit    = 1 << 63
)

func numberKey(n int64, shift uint) string {
	v := uint64(n) ^ signBit //nolint:gosec // bits
	v >>= shift
	size := int(64-shift+keyBits-1) / keyBits //nolint:gosec // small
	b := make([]byte, size+1)
	b[0] = byte(firstLevel + shift/16)
	for i := size; i > 0; i-- {
		b[i] = byte(v & (1<<keyBits - 1))
		v >>= keyBits
	}
	return string(b)
}

// repeatKey says that a document has a number more than once.
func repeatKey(n int64, times int) string {
	b := []byte(numberKey(n, 0))
	b[0] = repeatMark
	for ; times > 0; times >>= keyBits {
		b = append(b, byte(times&(1<<keyBits-1)))
	}
	return string(b)
}

const fullKey = 1 + (64+keyBits-1)/keyBits

// keyNumber reads a key of the finest level, or one that says how often a number is there.
func keyNumber(key []byte) (n int64, times int, ok bool) {
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
	return int64(v ^ signBit), times, true //nolint:gosec // bits
}

// stored is a document as it is kept.
type stored struct {
	key     string // what the index knows it by
	id      string
	docType string // before version 7
	version int64
	seq     int64
	routing string
	source  json.RawMessage
}

// meta is what is kept of a document beside its source.
func (d *stored) meta() []byte {
	b := binary.AppendVarint(nil, d.version)
	b = binary.AppendVarint(b, d.seq)
	b = append(binary.AppendUvarint(b, uint64(len(d.docType))), d.docType...)
	b = append(binary.AppendUvarint(b, uint64(len(d.routing))), d.routing...)
	return append(b, d.id...)
}

func (d *stored) readMeta(b []byte) {
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
	d.version, d.seq = number(), number()
	d.docType, d.routing = text(), text()
	d.id = string(b)
}
