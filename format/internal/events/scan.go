package events

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/quote"
)

// trouble says why a valid JSON value cannot go to the domain byte by byte.
type trouble uint16

const (
	notObject    trouble = 1 << iota // the value is not an object
	multiline                        // there is a line ending between its tokens
	badText                          // invalid UTF-8, a lone surrogate, NUL
	oddName                          // a name with an escape, or one that a mapper refuses
	sameName                         // a name occurs twice in an object, or is a path into another one
	manyNames                        // more names than the scanner remembers
	bigNumber                        // beyond what the engines hold in a long or a double
	tooDeep                          // more levels than a mapper allows
	clashingName                     // a top-level name that the shape stage or the engine needs for itself
	opaqueObject                     // a field that is to be written as a string
	mixedArray                       // an array has objects and scalars
)

// ofText is the trouble that a value has as text too; its names and numbers are none of the mapper's then.
const ofText = multiline | badText | manyNames

const (
	// maxLevels is the depth beyond which a subtree becomes a string: the engines' default mapping depth limit.
	maxLevels = 20
	// maxNesting is the depth beyond which a value is not accepted as JSON, the same as in encoding/json.
	maxNesting = 10000
	// maxNames is how many names the scanner remembers in the objects that are open at one time.
	maxNames = 256
)

// verdict is the result of a scan.
type verdict uint8

const (
	complete   verdict = iota
	incomplete         // the value goes on behind the data
	invalid            // the value is not JSON
)

// scanner validates one JSON value in one pass, and finds out on the way whether it needs rewriting, when it says it
// happened, and which of the names that matter it has. It allocates nothing once it has grown to the depth of its
// input.
type scanner struct {
	*known // what it looks out for

	// The results of the last scan.
	trouble trouble
	top     penstock.TopNames
	times   [maxTimes]int32 // where the values of top-level time fields begin
	hasTime uint64          // which of them are set
	deepAt  [maxDeep]int32  // where the values begin that paths go through
	hasDeep uint16          // which of them are set
	spans   []span          // values of opaque fields that are neither strings nor null

	frames []frame
	names  [maxNames]nameRef
	// guesses are the first names of the last value in their order: those of the next one, in most files.
	guesses [64]guess
}

// guess is a name with what the scanner found out about it. It fits in two words with the quote and the colon behind
// it.
type guess struct {
	words, masks [2]uint64 // without a mask there is no guess
	hash         uint64
	size         int32 // of the name
	rank         int16
	top          bool // whether rank is that of a name at the top level
}

// holds reports whether the name that begins at b[i] is the guessed one, with a quote and a colon behind it.
func (g *guess) holds(b []byte, i int, top bool) bool {
	first, second := binary.LittleEndian.Uint64(b[i:])^g.words[0], binary.LittleEndian.Uint64(b[i+8:])^g.words[1]
	return first&g.masks[0]|second&g.masks[1] == 0 && g.masks[0] != 0 && g.top == top
}

// set makes a guess of the name b[i:j], unless it is too long or not followed by a colon.
func (g *guess) set(b []byte, i, j int, hash uint64, rank int, top bool) {
	size := j - i + len(`":`)
	if size > 16 || b[j+1] != ':' {
		return
	}
	//nolint:gosec // at most 14
	*g = guess{hash: hash, size: int32(j - i), rank: int16(rank), top: top, masks: [2]uint64{^uint64(0), ^uint64(0)}}
	if size <= 8 {
		g.masks = [2]uint64{^uint64(0) >> (8 * (8 - size)), 0}
	} else {
		g.masks[1] >>= 8 * (16 - size)
	}
	g.words = [2]uint64{binary.LittleEndian.Uint64(b[i:]), binary.LittleEndian.Uint64(b[i+8:])}
}

type span struct{ start, end int }

// frame is an open object or array.
type frame struct {
	seen   uint64 // a small set of the names' hashes
	first  int32  // index of its first name
	object bool
	kinds  kinds // of the elements, in an array
}

// nameRef is a name seen in an open object.
type nameRef struct {
	hash       uint64
	start, end int32
	prefix     bool // a path that some name in the object goes through
}

// look makes the scanner look out for what is known of another format.
func (s *scanner) look(k *known) {
	if s.known != k {
		s.known = k
		clear(s.guesses[:]) // they know the ranks of the other one's names
	}
}

// scan reads the value that begins at b[0]. The data are n bytes, followed by at least entry.Pad zero bytes. It returns
// where the value ends, or the position at which it is incomplete or invalid.
//
//nolint:gocyclo // one loop over the bytes is what makes it fast; the grammar is the one of RFC 8259
func (s *scanner) scan(b []byte, n int) (int, verdict) {
	s.trouble, s.top, s.hasTime, s.hasDeep, s.spans, s.frames = 0, 0, 0, 0, s.spans[:0], s.frames[:0]
	var (
		cur    frame // the innermost open container, when depth > 0
		depth  int
		names  int // used part of s.names
		nth    int // how many names there were before
		i      int
		opaque = -1    // where the value of an opaque field begins
		before trouble // that there was when it began
	)
	if b[0] != '{' {
		s.trouble |= notObject
	}

value:
	switch c := b[i]; {
	case c == '"':
		j := quote.Plain(b, i+1)
		if b[j] != '"' {
			var v verdict
			if j, v = s.oddString(b, j, n); v != complete {
				return j, v
			}
		}
		i = j + 1
	case c == '{' || c == '[':
		if depth == maxNesting {
			return i, invalid
		}
		if depth > 0 {
			s.frames = append(s.frames, cur)
		}
		depth++
		if depth > maxLevels {
			s.trouble |= tooDeep
		}
		cur = frame{first: int32(names), object: c == '{'}
		i++
		if c == '{' {
			goto firstName
		}
		for quote.IsSpace(b[i]) {
			s.space(b[i])
			i++
		}
		if b[i] == ']' {
			i++
			goto closed
		}
		goto value
	case quote.IsDigit(c) || c == '-':
		j, ok := s.number(b, i)
		if !ok {
			return j, cut(j, n)
		}
		i = j
		if depth == 0 && i == n {
			return i, incomplete // another digit may follow
		}
	case quote.IsSpace(c):
		s.space(c)
		i++
		goto value
	case c == 't' && b[i+1] == 'r' && b[i+2] == 'u' && b[i+3] == 'e',
		c == 'n' && b[i+1] == 'u' && b[i+2] == 'l' && b[i+3] == 'l':
		i += 4
	case c == 'f' && b[i+1] == 'a' && b[i+2] == 'l' && b[i+3] == 's' && b[i+4] == 'e':
		i += 5
	default:
		if (c == 't' || c == 'n' || c == 'f') && i+5 > n {
			return i, incomplete
		}
		return i, cut(i, n)
	}

after:
	if depth == 0 {
		return i, complete
	}
	if opaque >= 0 && depth == 1 {
		s.trouble = before | s.trouble&ofText
		s.opaqueValue(b, opaque, i)
		opaque = -1
	}
	switch c := b[i]; {
	case c == ',':
		i++
		if cur.object {
			goto name
		}
		cur.kinds |= kindBefore(b, i-1)
		goto value
	case c == '}' && cur.object:
		cur.kinds = 0
		i++
		goto closed
	case c == ']' && !cur.object:
		if cur.kinds |= kindBefore(b, i); cur.kinds == someObjects|someScalars {
			s.trouble |= mixedArray
		}
		i++
		goto closed
	case quote.IsSpace(c):
		s.space(c)
		i++
		goto after
	default:
		return i, cut(i, n)
	}

closed:
	names = int(cur.first)
	depth--
	if depth > 0 {
		last := len(s.frames) - 1
		inner := cur.kinds // the engines take the elements of an array in an array for those of the outer one
		cur = s.frames[last]
		cur.kinds |= inner
		s.frames = s.frames[:last]
	}
	goto after

firstName:
	for quote.IsSpace(b[i]) {
		s.space(b[i])
		i++
	}
	if b[i] == '}' {
		i++
		goto closed
	}

name:
	if b[i] != '"' {
		if quote.IsSpace(b[i]) {
			s.space(b[i])
			i++
			goto name
		}
		return i, cut(i, n)
	}
	i++
	rank := -1
	{
		g := &s.guesses[nth%len(s.guesses)]
		nth++
		if names < maxNames && g.holds(b, i, depth == 1) {
			mark := uint64(1) << (g.hash >> 58)
			j := i + int(g.size)
			if cur.seen&mark != 0 {
				s.compare(b, cur, names, i, j, g.hash)
			}
			cur.seen |= mark
			s.names[names] = nameRef{hash: g.hash, start: int32(i), end: int32(j)} //nolint:gosec // a window is below 2 GiB
			names++
			i = j + len(`":`)
			if rank = int(g.rank); rank < 0 {
				goto value
			}
			goto known
		}
		g.masks[0] = 0
		j := quote.Plain(b, i)
		sound := b[j] == '"'
		if !sound {
			var v verdict
			if j, v = s.oddString(b, j, n); v != complete {
				return j, v
			}
			if bytes.IndexByte(b[i:j], '\\') >= 0 || isBlank(b[i:j]) {
				s.trouble |= oddName
			}
		}
		hash, dotted := hashName(b, i, j)
		mark := uint64(1) << (hash >> 58)
		earlier, top := s.trouble, s.top
		s.trouble, s.top = 0, 0
		switch {
		case names == maxNames:
			s.trouble |= manyNames
		case dotted:
			names = s.dottedName(b, &cur, names, i, j)
			sound = false
		default:
			if cur.seen&mark != 0 {
				s.compare(b, cur, names, i, j, hash)
			}
			cur.seen |= mark
			s.names[names] = nameRef{hash: hash, start: int32(i), end: int32(j)} //nolint:gosec // a window is below 2 GiB
			names++
			if j == i || b[i] == ' ' && len(bytes.TrimLeft(b[i:j], " ")) == 0 {
				s.trouble |= oddName
			}
		}
		if depth == 1 && s.letters[b[i]] {
			rank = s.topName(b[i:j])
		}
		if sound && s.trouble == 0 && s.top == 0 {
			g.set(b, i, j, hash, rank, depth == 1)
		}
		s.trouble |= earlier
		s.top |= top
		i = j + 1
	}
	for b[i] != ':' {
		if !quote.IsSpace(b[i]) {
			return i, cut(i, n)
		}
		s.space(b[i])
		i++
	}
	i++
	if rank < 0 {
		goto value
	}
known:
	for quote.IsSpace(b[i]) {
		s.space(b[i])
		i++
	}
	switch {
	case rank < maxTimes:
		s.times[rank] = int32(i) //nolint:gosec // a window is below 2 GiB
		s.hasTime |= 1 << rank
	case rank == rankAWS && b[i] == '{':
		s.top |= penstock.TopAWSObject
	case rank == rankAWS:
		s.trouble |= clashingName
	case rank == rankOpaque:
		opaque, before = i, s.trouble
	case rank >= rankDeep:
		s.deepAt[rank-rankDeep] = int32(i) //nolint:gosec // a window is below 2 GiB
		s.hasDeep |= 1 << (rank - rankDeep)
	}
	goto value
}

// cut tells an input that stops at i from one that is wrong there.
func cut(i, n int) verdict {
	if i >= n {
		return incomplete
	}
	return invalid
}

func (s *scanner) space(c byte) {
	if c == '\n' || c == '\r' {
		s.trouble |= multiline
	}
}

// opaqueValue notes the value of an opaque field, unless it is null or a string already.
func (s *scanner) opaqueValue(b []byte, start, end int) {
	if b[start] == '"' || b[start] == 'n' {
		return
	}
	s.trouble |= opaqueObject
	s.spans = append(s.spans, span{start, end})
}

// oddString goes on in a string at its first special byte, i, and returns the index of its closing quote.
func (s *scanner) oddString(b []byte, i, n int) (int, verdict) {
	for {
		switch c := b[i]; {
		case c == '"':
			return i, complete
		case c == '\\':
			j, v := s.escape(b, i, n)
			if v != complete {
				return j, v
			}
			i = j
		case c < 0x20:
			return i, cut(i, n)
		default:
			r, size := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				if !utf8.FullRune(b[i:n]) {
					return i, incomplete
				}
				s.trouble |= badText
			}
			i += size
		}
		i = quote.Plain(b, i)
	}
}

// escape checks the escape sequence at b[i] and returns where it ends.
func (s *scanner) escape(b []byte, i, n int) (int, verdict) {
	if i+2 > n {
		return i, incomplete
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, complete
	case 'u':
	default:
		return i + 1, invalid
	}
	if i+6 > n {
		return i, incomplete
	}
	u, ok := quote.Hex4(b[i+2:])
	if !ok {
		return i + 2, invalid
	}
	switch {
	case u == 0:
		s.trouble |= badText
	case u >= 0xd800 && u < 0xdc00:
		if i+6 >= n || b[i+6] == '\\' && (i+7 >= n || b[i+7] == 'u' && i+12 > n) {
			return i, incomplete
		}
		low, ok := quote.Hex4(b[i+8:])
		if b[i+6] == '\\' && b[i+7] == 'u' && ok && low >= 0xdc00 && low < 0xe000 {
			return i + 12, complete
		}
		s.trouble |= badText
	case u >= 0xdc00 && u < 0xe000:
		s.trouble |= badText
	}
	return i + 6, complete
}

// number returns where the number at b[i] ends, or where it is wrong.
func (s *scanner) number(b []byte, i int) (int, bool) {
	start := i
	if b[i] == '-' {
		i++
	}
	whole := i
	switch {
	case b[i] == '0':
		i++
	case quote.IsDigit(b[i]):
		for quote.IsDigit(b[i]) {
			i++
		}
	default:
		return i, false
	}
	digits := i - whole
	fractional := false
	if b[i] == '.' {
		fractional = true
		i++
		if !quote.IsDigit(b[i]) {
			return i, false
		}
		for quote.IsDigit(b[i]) {
			i++
		}
	}
	if b[i]|0x20 == 'e' {
		fractional = true
		i++
		if b[i] == '+' || b[i] == '-' {
			i++
		}
		if !quote.IsDigit(b[i]) {
			return i, false
		}
		exp := i
		for quote.IsDigit(b[i]) {
			i++
		}
		if i-exp > 2 || digits > 200 {
			digits = maxDoubleDigits // let the rewriter look
		}
	}
	if digits > 18 && (!fractional && !fitsLong(b[start:i]) || digits >= maxDoubleDigits) {
		s.trouble |= bigNumber
	}
	return i, true
}

// maxDoubleDigits is a length from which the whole part of a number may be beyond a double.
const maxDoubleDigits = 308

// fitsLong reports whether an integer is within 64 bits with a sign.
func fitsLong(b []byte) bool {
	limit := "9223372036854775807"
	if b[0] == '-' {
		b, limit = b[1:], "9223372036854775808"
	}
	return len(b) < len(limit) || len(b) == len(limit) && string(b) <= limit
}
