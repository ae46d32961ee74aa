package avro

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/seed56735111/penstock/decode"
	"github.com/seed56735111/penstock/decode/internal/values"
)

// input is the bytes of values ("Binary Encoding" in the Avro specification).
type input struct {
	rest []byte
	// made is where the row begins that is being written, most how long it may get.
	made, most int
}

func (in *input) long() (int64, error) {
	v, n := binary.Varint(in.rest)
	if n <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	in.rest = in.rest[n:]
	return v, nil
}

func (in *input) take(n int) ([]byte, error) {
	if n > len(in.rest) {
		return nil, io.ErrUnexpectedEOF
	}
	b := in.rest[:n]
	in.rest = in.rest[n:]
	return b, nil
}

func (in *input) takeCounted() ([]byte, error) {
	n, err := in.length()
	if err != nil {
		return nil, err
	}
	return in.take(n)
}

var errDepth = errors.New("values nested too deep")

// append appends the next value as JSON, or nothing for one that JSON does not have.
func (in *input) append(dst []byte, s *schema, depth int) ([]byte, error) {
	switch {
	case depth > maxDepth:
		return dst, errDepth
	case len(dst)-in.made > in.most:
		return dst, decode.OverLimit("Avro row that has more than %d bytes as JSON", in.most)
	}
	switch s.kind {
	case null:
		return append(dst, "null"...), nil
	case boolean:
		b, err := in.take(1)
		if err != nil {
			return dst, err
		}
		return strconv.AppendBool(dst, b[0] != 0), nil
	case integer:
		n, err := in.long()
		return appendInteger(dst, n, s.logical), err
	case float:
		b, err := in.take(4)
		if err != nil {
			return dst, err
		}
		return values.AppendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))), 32), nil
	case double:
		b, err := in.take(8)
		if err != nil {
			return dst, err
		}
		return values.AppendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(b)), 64), nil
	case text:
		b, err := in.takeCounted()
		return values.AppendText(dst, b), err
	case raw:
		b, err := in.takeCounted()
		return appendRaw(dst, b, s), err
	case fixed:
		b, err := in.take(s.size)
		return appendRaw(dst, b, s), err
	case enum:
		n, err := in.long()
		if err == nil && (n < 0 || n >= int64(len(s.symbols))) {
			err = fmt.Errorf("symbol %d of %d", n, len(s.symbols))
		}
		if err != nil {
			return dst, err
		}
		return append(dst, s.symbols[n]...), nil
	case union:
		n, err := in.long()
		if err == nil && (n < 0 || n >= int64(len(s.options))) {
			err = fmt.Errorf("type %d of a union of %d", n, len(s.options))
		}
		if err != nil {
			return dst, err
		}
		return in.append(dst, s.options[n], depth+1)
	case record:
		return in.record(dst, s, depth)
	case array, mapping:
	}
	return in.elements(dst, s, depth)
}

func (in *input) record(dst []byte, s *schema, depth int) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for _, f := range s.fields {
		begin := len(dst)
		if !first {
			dst = append(dst, ',')
		}
		dst = append(dst, f.key...)
		at := len(dst)
		var err error
		if dst, err = in.append(dst, f.of, depth+1); err != nil {
			return dst, err
		}
		if value := dst[at:]; len(value) == 0 || string(value) == "null" {
			dst = dst[:begin]
			continue
		}
		first = false
	}
	return append(dst, '}'), nil
}

// elements appends an array or a map, which come in blocks. A negative count has the size of the block behind it.
func (in *input) elements(dst []byte, s *schema, depth int) ([]byte, error) {
	brackets := "[]"
	if s.kind == mapping {
		brackets = "{}"
	}
	dst = append(dst, brackets[0])
	first, empty := true, 0
	for {
		n, err := in.long()
		if err == nil && n < 0 {
			n = -n
			_, err = in.long()
		}
		if err != nil || n < 0 {
			return dst, errors.Join(err, io.ErrUnexpectedEOF)
		}
		if n == 0 {
			return append(dst, brackets[1]), nil
		}
		for ; n > 0; n-- {
			if !first {
				dst = append(dst, ',')
			}
			first = false
			left := len(in.rest)
			if dst, err = in.element(dst, s, depth); err != nil {
				return dst, err
			}
			if left == len(in.rest) {
				if empty++; empty > maxEmpty {
					return dst, decode.OverLimit("Avro array with more than %d elements without a byte", maxEmpty)
				}
			}
		}
	}
}

func (in *input) element(dst []byte, s *schema, depth int) ([]byte, error) {
	if s.kind == mapping {
		key, err := in.takeCounted()
		if err != nil {
			return dst, err
		}
		dst = append(values.AppendText(dst, key), ':')
	}
	at := len(dst)
	dst, err := in.append(dst, s.items, depth+1)
	if len(dst) == at {
		dst = append(dst, "null"...)
	}
	return dst, err
}

func appendInteger(dst []byte, n int64, logical string) []byte {
	switch logical {
	case "date":
		return values.AppendDate(dst, n)
	case "time-millis":
		return values.AppendClock(dst, n, values.Millis)
	case "time-micros":
		return values.AppendClock(dst, n, values.Micros)
	case "timestamp-millis":
		return values.AppendInstant(dst, n, values.Millis, true)
	case "timestamp-micros":
		return values.AppendInstant(dst, n, values.Micros, true)
	case "timestamp-nanos":
		return values.AppendInstant(dst, n, values.Nanos, true)
	case "local-timestamp-millis":
		return values.AppendInstant(dst, n, values.Millis, false)
	case "local-timestamp-micros":
		return values.AppendInstant(dst, n, values.Micros, false)
	case "local-timestamp-nanos":
		return values.AppendInstant(dst, n, values.Nanos, false)
	}
	return strconv.AppendInt(dst, n, 10)
}

func appendRaw(dst, b []byte, s *schema) []byte {
	switch s.logical {
	case "decimal":
		return values.AppendDecimal(dst, b, s.scale)
	case "duration":
		return values.AppendInterval(dst, b)
	case "uuid":
		return values.AppendUUID(dst, b)
	}
	return values.AppendBytes(dst, b)
}
