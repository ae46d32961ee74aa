package lines

import (
	"bytes"
	"encoding/binary"

	"github.com/seed56735111/penstock/format/internal/quote"
)

// token returns the value of a field that begins at i, without what is around it, and where the next one begins. plain says that
// there is no quote in it. Of an optional field that is not there it returns nothing.
func (p *plan) token(f *Field, line []byte, i int) (value []byte, next int, plain, ok bool) {
	if f.Lead != "" {
		if len(line)-i < len(f.Lead) || string(line[i:i+len(f.Lead)]) != f.Lead {
			return nil, i, true, f.Optional
		}
		i += len(f.Lead)
	}
	switch {
	case f.Rest:
		return line[i:], len(line), false, true
	case f.End != "":
		end := bytes.Index(line[i:], []byte(f.End))
		if end < 0 {
			return nil, i, true, false
		}
		return line[i : i+end], i + end + len(f.End), false, true
	case i == len(line):
		return nil, i, true, true
	case p.bare:
		return separated(line, i, p.separator)
	case f.LastQuote && line[i] == '"':
		end := bytes.LastIndexByte(line[i+1:], '"')
		if end < 0 || i+end+2 < len(line) && line[i+end+2] != p.separator {
			return nil, i, true, false
		}
		return line[i+1 : i+1+end], min(i+end+3, len(line)), false, true
	}
	return enclosed(line, i, p.separator)
}

// separated returns what there is up to the next separator.
func separated(line []byte, i int, separator byte) (value []byte, next int, plain, ok bool) {
	end := bytes.IndexByte(line[i:], separator)
	if end < 0 {
		return line[i:], len(line), false, true
	}
	return line[i : i+end], i + end + 1, false, separator != ' ' || end > 0
}

// enclosed returns a value that may be in quotes or brackets. A quote inside of a quoted value ends it only when a separator or
// the end of the line follows.
func enclosed(line []byte, i int, separator byte) (value []byte, next int, plain, ok bool) {
	switch line[i] {
	case '"':
		return quoted(line, i+1, separator)
	case '[':
		if end := bytes.IndexByte(line[i:], ']'); end > 0 && (i+end+1 == len(line) || line[i+end+1] == separator) {
			return line[i+1 : i+end], min(i+end+2, len(line)), false, true
		}
	}
	return separated(line, i, separator)
}

func quoted(line []byte, start int, separator byte) (value []byte, next int, plain, ok bool) {
	plain = true
	for j := start; ; j++ {
		q := bytes.IndexByte(line[j:], '"')
		if q < 0 {
			return nil, 0, false, false
		}
		j += q
		switch {
		case j > start && line[j-1] == '\\' && isEscaped(line[start:j]):
		case j+1 == len(line):
			return line[start:j], j + 1, plain, true
		case line[j+1] == separator:
			return line[start:j], j + 2, plain, true
		}
		plain = false
	}
}

// isEscaped reports whether what follows b is behind an odd number of backslashes.
func isEscaped(b []byte) bool {
	n := len(b)
	for n > 0 && b[n-1] == '\\' {
		n--
	}
	return (len(b)-n)%2 == 1
}

// isClean reports whether a line is printable ASCII without backslashes: but for quotes in it, every value of such a line can
// stand in a JSON string as it is.
func isClean(line []byte) bool {
	for len(line) >= 8 {
		w := binary.LittleEndian.Uint64(line)
		if (w|(w-0x20*quote.Ones)|((w^'\\'*quote.Ones)-quote.Ones))&quote.Highs != 0 {
			return false
		}
		line = line[8:]
	}
	for _, c := range line {
		if c < 0x20 || c >= 0x80 || c == '\\' {
			return false
		}
	}
	return true
}
