package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/seed56735111/penstock/decode"
)

// The structures and constants are those of parquet.thrift in the Parquet format; the numbers are those of its fields.

// physical is how values are stored.
type physical int32

const (
	boolean physical = iota
	int32s
	int64s
	int96
	float
	double
	byteArray
	fixed
)

// The older annotations of types.
const (
	convertedUTF8            = 0
	convertedMap             = 1
	convertedMapKeyValue     = 2
	convertedList            = 3
	convertedEnum            = 4
	convertedDecimal         = 5
	convertedDate            = 6
	convertedTimeMillis      = 7
	convertedTimeMicros      = 8
	convertedTimestampMillis = 9
	convertedTimestampMicros = 10
	convertedUint8           = 11
	convertedUint64          = 14
	convertedJSON            = 19
	convertedInterval        = 21
)

// The logical types, by the number of their field in the union.
const (
	logicalString    = 1
	logicalMap       = 2
	logicalList      = 3
	logicalEnum      = 4
	logicalDecimal   = 5
	logicalDate      = 6
	logicalTime      = 7
	logicalTimestamp = 8
	logicalInteger   = 10
	logicalJSON      = 12
	logicalUUID      = 14
	logicalFloat16   = 15
)

type element struct {
	name       string
	physical   physical
	length     int32 // of fixed
	repetition int32 // 0 required, 1 optional, 2 repeated
	children   int32 // -1 for a column with values
	converted  int32 // -1 for none
	logical    int16 // 0 for none
	scale      int32
	unit       int16 // 1 milli, 2 micro, 3 nano
	utc        bool  // of a time
	signed     bool  // of an integer
}

type fileMeta struct {
	schema    []element
	groups    []rowGroup
	encrypted bool
}

type rowGroup struct {
	chunks []chunk
	rows   int64
}

type chunk struct {
	codec      int32
	values     int64
	size       int64 // stored
	data       int64 // where the first page of data begins
	dictionary int64 // where the dictionary begins, 0 for none
	elsewhere  bool  // in another file
	encrypted  bool
}

const (
	magic = "PAR1"
	// tail is the length of what follows the footer: how long it is, and the magic.
	tail = 4 + len(magic)
	// maxFooter is the longest footer. It describes every column of every group of rows.
	maxFooter = 16 << 20
	// maxDescribed is how many columns of groups and fields of the schema a footer may have. Each takes some 100 bytes of
	// memory.
	maxDescribed = 200_000
)

// footerAhead is how much of the end of a file that is somewhere else is asked for at once. Most footers are shorter.
const footerAhead = 64 << 10

// readMeta reads the footer.
func (r *rows) readMeta(f decode.RandomAccess) (*fileMeta, error) {
	if f.Size < int64(len(magic)+tail) {
		return nil, io.ErrUnexpectedEOF
	}
	if f.Ahead > 0 {
		last := span{max(0, f.Size-footerAhead), f.Size}
		end := &window{layout: &layout{f: f}, span: last, room: make([]byte, last.size()), next: last.at}
		if err := end.load(); err != nil {
			return nil, err
		}
		end.at = 0 // what is before it is read by itself
		f.ReaderAt = end
	}
	var end [tail]byte
	if n, err := f.ReadAt(end[:], f.Size-int64(tail)); n < tail {
		return nil, unexpected(err)
	}
	length := int64(binary.LittleEndian.Uint32(end[:]))
	switch {
	case string(end[4:]) == "PARE":
		return nil, errEncrypted
	case string(end[4:]) != magic:
		return nil, fmt.Errorf("no footer at the end: %w", io.ErrUnexpectedEOF)
	case length > f.Size-int64(len(magic)+tail):
		return nil, fmt.Errorf("footer of %d bytes in a file of %d", length, f.Size)
	case length > maxFooter:
		return nil, decode.OverLimit("Parquet footer of more than %d bytes", maxFooter)
	}
	footer, err := r.bytes(nil, int(length))
	if err != nil {
		return nil, err
	}
	if n, err := f.ReadAt(footer, f.Size-int64(tail)-length); n < len(footer) {
		return nil, unexpected(err)
	}
	in := &input{rest: footer}
	meta := in.fileMeta(&r.memory)
	switch {
	case in.err != nil:
		return nil, fmt.Errorf("read footer: %w", in.err)
	case meta.encrypted:
		return nil, errEncrypted
	}
	return meta, r.use(-length)
}

// unexpected is the error of a reading that came to the end before it had all.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

var errEncrypted = &decode.UnsupportedError{Container: "encrypted Parquet"}

func (in *input) fileMeta(memory *memory) *fileMeta {
	m := &fileMeta{}
	described := 0
	more := func(size int64) {
		if described++; described > maxDescribed {
			in.fail(decode.OverLimit("Parquet footer that describes more than %d columns", maxDescribed))
		} else if err := memory.use(size); err != nil {
			in.fail(err)
		}
	}
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id == 2 && kind == thriftList:
			in.list(func(byte) {
				more(ofField)
				m.schema = append(m.schema, in.element())
			})
		case id == 4 && kind == thriftList:
			in.list(func(byte) {
				more(ofChunk)
				m.groups = append(m.groups, in.group(more))
			})
		case id == 8:
			m.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	return m
}

func (in *input) element() element {
	e := element{children: -1, converted: -1}
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id == 4 && kind == thriftBinary:
			e.name = string(in.binary())
		case id == 10 && kind == thriftStruct:
			in.logical(&e)
		case kind != thriftI32:
			return false
		case id == 1:
			e.physical = physical(in.i32())
		case id == 2:
			e.length = in.i32()
		case id == 3:
			e.repetition = in.i32()
		case id == 5:
			e.children = in.i32()
		case id == 6:
			e.converted = in.i32()
		case id == 7:
			e.scale = in.i32()
		default:
			return false
		}
		return true
	})
	return e
}

// logical reads the union of logical types, of which a decimal, times and integers have members.
func (in *input) logical(e *element) {
	in.fields(func(id int16, kind byte) bool {
		e.logical = id
		if kind != thriftStruct {
			return false
		}
		in.fields(func(member int16, kind byte) bool {
			switch {
			case id == logicalDecimal && member == 1 && kind == thriftI32:
				e.scale = in.i32()
			case (id == logicalTime || id == logicalTimestamp) && member == 1:
				e.utc = kind == thriftTrue
				return false
			case (id == logicalTime || id == logicalTimestamp) && member == 2 && kind == thriftStruct:
				in.fields(func(unit int16, _ byte) bool {
					e.unit = unit
					return false
				})
			case id == logicalInteger && member == 2:
				e.signed = kind == thriftTrue
				return false
			default:
				return false
			}
			return true
		})
		return true
	})
}

func (in *input) group(more func(size int64)) rowGroup {
	var g rowGroup
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == thriftList:
			in.list(func(byte) {
				more(ofChunk)
				g.chunks = append(g.chunks, in.chunk())
			})
		case id == 3 && kind == thriftI64:
			g.rows = in.number()
		default:
			return false
		}
		return true
	})
	return g
}

func (in *input) chunk() chunk {
	var c chunk
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id == 1 && kind == thriftBinary:
			c.elsewhere = len(in.binary()) > 0
		case id == 3 && kind == thriftStruct:
			in.columnMeta(&c)
		case id == 8 || id == 9:
			c.encrypted = true
			return false
		default:
			return false
		}
		return true
	})
	return c
}

func (in *input) columnMeta(c *chunk) {
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id == 4 && kind == thriftI32:
			c.codec = in.i32()
		case kind != thriftI64:
			return false
		case id == 5:
			c.values = in.number()
		case id == 7:
			c.size = in.number()
		case id == 9:
			c.data = in.number()
		case id == 11:
			c.dictionary = in.number()
		default:
			return false
		}
		return true
	})
}

// The kinds of pages.
const (
	dataPage       = 0
	dictionaryPage = 2
	dataPage2      = 3
)

type pageHeader struct {
	kind            int32
	decoded, stored int32
	sum             int32
	summed          bool
	values          int32
	encoding        int32
	levels          [2]int32 // encodings of the definition and repetition levels, of a page of version 1
	// Of a page of version 2: how long the levels are, and whether the values are compressed.
	definition, repetition int32
	plain                  bool
	length                 int64 // of the header
}

// maxHeader is the longest head of a page. It may hold the least and the largest value of the page, more than once.
const maxHeader = 4 << 20

// The head of a page is looked for in a few bytes, and then in as many as hold nearly every one.
const (
	shortHead = 256
	longHead  = 16 * shortHead
)

// header reads the head of the next page.
func (c *column) header() (h pageHeader, err error) {
	for size := int64(shortHead); ; size *= longHead / shortHead {
		if *c.head, err = c.bytes(*c.head, int(min(size, c.end-c.at))); err != nil {
			return h, err
		}
		head := *c.head
		if n, err := c.f.ReadAt(head, c.at); n < len(head) {
			return h, unexpected(err)
		}
		in := &input{rest: head}
		h = in.header()
		if in.err == nil {
			h.length = int64(len(head) - len(in.rest))
			return h, nil
		}
		if size > maxHeader || int64(len(head)) < size {
			return h, in.err
		}
	}
}

func (in *input) header() (h pageHeader) {
	in.fields(func(id int16, kind byte) bool {
		switch {
		case id >= 5 && kind == thriftStruct:
			in.headerOf(&h, id)
		case kind != thriftI32:
			return false
		case id == 1:
			h.kind = in.i32()
		case id == 2:
			h.decoded = in.i32()
		case id == 3:
			h.stored = in.i32()
		case id == 4:
			h.sum, h.summed = in.i32(), true
		default:
			return false
		}
		return true
	})
	return h
}

// headerOf reads what the pages of a kind have: 5 data, 7 a dictionary, 8 data of version 2.
func (in *input) headerOf(h *pageHeader, of int16) {
	in.fields(func(id int16, kind byte) bool {
		switch {
		case of == 8 && id == 7:
			h.plain = kind == thriftFalse
			return false
		case kind != thriftI32:
			return false
		case id == 1:
			h.values = in.i32()
		case id == 2 && of != 8, id == 4 && of == 8:
			h.encoding = in.i32()
		case of == 5 && (id == 3 || id == 4):
			h.levels[id-3] = in.i32()
		case of == 8 && id == 5:
			h.definition = in.i32()
		case of == 8 && id == 6:
			h.repetition = in.i32()
		default:
			return false
		}
		return true
	})
}
