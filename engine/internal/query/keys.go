package query

import (
	"math"
	"time"

	"github.com/seed56735111/penstock/engine/internal/mapping"
	"github.com/seed56735111/penstock/engine/internal/store"
	"github.com/seed56735111/penstock/engine/internal/wire"
)

// Beside the fields of the mapping, documents can be sorted by their score, the order of changes, and their id.
const (
	scoreField = "_score"
	orderField = "_doc"
	idField    = "_id"
)

// reader returns a function that reads the keys of documents, which come in order.
func (t *Top) reader(s *Searcher) (func(*Candidate) error, error) {
	columns := []string{store.SeqColumn}
	fields := make([]*mapping.Field, len(t.page.Sort))
	for i := range t.page.Sort {
		k := &t.page.Sort[i]
		if k.Field == scoreField || k.Field == orderField || k.Field == idField && !s.Index.Typed {
			continue
		}
		f, err := s.sortable(k.Field, k.unmapped)
		if err != nil {
			return nil, err
		}
		if fields[i] = f; f != nil {
			columns = append(columns, mapping.FieldPrefix+k.Field)
		}
	}
	values, err := s.snap.Values(columns)
	if err != nil {
		return nil, err
	}
	read := map[string]*sortReading{}
	readings := make([]sortReading, len(fields))
	keys := make([]Value, len(fields)) // of one Candidate at a time; offer copies them
	for i, f := range fields {
		if f != nil {
			readings[i] = sortReading{f: f, k: &t.page.Sort[i]}
			read[mapping.FieldPrefix+t.page.Sort[i].Field] = &readings[i]
		}
	}
	return func(c *Candidate) error {
		clear(keys)
		for i := range readings {
			readings[i].value, readings[i].sum, readings[i].count = Value{}, 0, 0
		}
		err := values(c.Document, func(column string, term []byte) {
			if column == store.SeqColumn {
				if n, _, ok := store.KeyNumber(term); ok {
					c.seq = n
				}
				return
			}
			if r := read[column]; r != nil {
				r.take(term)
			}
		})
		if err != nil {
			return err
		}
		for i := range fields {
			k := &t.page.Sort[i]
			switch {
			case k.Field == scoreField:
				keys[i] = Value{Kind: FloatValue, Num: mapping.Sortable(float64(c.Score))}
			case k.Field == orderField:
				const indexBits = 40
				keys[i] = Value{Kind: WholeValue, Num: int64(s.order)<<indexBits | c.seq}
			case k.Field == idField && fields[i] == nil:
				d, err := s.snap.Load(c.Document, false)
				if err != nil {
					return err
				}
				keys[i] = Value{Kind: TextValue, Text: d.ID}
			case fields[i] != nil:
				if keys[i], err = readings[i].result(s.Now); err != nil {
					return err
				}
			}
		}
		c.Keys = keys
		return nil
	}, nil
}

// sortReading works out the value of one key from the values of a field.
type sortReading struct {
	f     *mapping.Field
	k     *SortKey
	value Value
	sum   float64
	count int
}

func (r *sortReading) take(term []byte) {
	v, times, ok := StoredValue(r.f, term)
	if !ok {
		return
	}
	if v.Kind != TextValue && r.f.Class != mapping.Truth {
		r.sum += v.Float() * float64(times)
		r.count += times
	}
	largest := r.k.mode == "max" || r.k.mode == "" && r.k.desc
	switch {
	case r.value.Kind == NoValue:
		r.value = v
	case largest == (v.Compare(r.value) > 0):
		r.value = v
	}
}

func (r *sortReading) result(now time.Time) (Value, error) {
	if r.value.Kind == NoValue {
		if r.k.missing != nil {
			return ValueOf(r.f, r.k.missing, now)
		}
		return Value{Field: r.f}, nil
	}
	if r.count > 0 && (r.k.mode == "sum" || r.k.mode == "avg") {
		v := r.sum
		if r.k.mode == "avg" {
			v /= float64(r.count)
		}
		if r.value.Kind == FloatValue {
			r.value.Num = mapping.Sortable(v)
		} else {
			r.value.Num = int64(math.Round(v))
		}
	}
	return r.value, nil
}

// sortable returns the field that is sorted by. Where the mapping has none, unmapped stands for it.
func (s *Searcher) sortable(path string, unmapped *mapping.Field) (*mapping.Field, error) {
	f, inside := s.Mapping.Find(path)
	switch {
	case f == nil && unmapped != nil:
		return unmapped, nil
	case f == nil && IsSpecial(path):
		return nil, wire.NotOffered("sorting by [%s]", path)
	case f == nil || f.IsObject():
		return nil, s.ShardFailure(wire.Errorf(400, "query_shard_exception",
			"No mapping found for [%s] in order to sort on", path).With("index", s.Index.Name, "index_uuid", s.Index.UUID))
	case inside:
		return nil, wire.NotOffered("sorting by [%s]", path)
	}
	return f, s.Readable(path, f)
}

// Readable refuses fields whose values are not kept document by document.
func (s *Searcher) Readable(path string, f *mapping.Field) error {
	switch {
	case f.Class == mapping.Analysed && !f.Fielddata:
		return s.ShardFailure(wire.Illegal("Text fields are not optimised for operations that require per-document "+
			"field data like aggregations and sorting, so these operations are disabled by default. Please use a keyword "+
			"field instead. Alternatively, set fielddata=true on [%s] in order to load field data by uninverting the "+
			"inverted index. Note that this can use significant memory.", path))
	case f.Class == mapping.Unindexed:
		return wire.NotOffered("reading the values of the field [%s], which is a %s", path, f.Kind)
	case f.Class != mapping.Analysed && !f.DocValues:
		return s.ShardFailure(wire.Illegal("Can't load fielddata on [%s] because fielddata is unsupported on fields of "+
			"type [%s]. Use doc values instead.", path, f.Kind))
	}
	return nil
}
