package quote

// MaxDepth is how many objects and arrays may be open at once in what Skip passes over.
const MaxDepth = 512

// Skip returns where the value that begins at b[i] ends. It reports false for what is no JSON by RFC 8259, or nested
// deeper than MaxDepth, and where b ends within the value; a number that ends with b is whole. Of text it does not look
// whether it is UTF-8.
func Skip(b []byte, i int) (end int, ok bool) {
	var objects [MaxDepth / 64]uint64 // a bit for each level that says whether it is an object
	depth := 0
	for {
		// A value begins here.
		if i >= len(b) {
			return i, false
		}
		switch c := b[i]; c {
		case '{', '[':
			if depth == MaxDepth {
				return i, false
			}
			bit := uint64(1) << (depth & 63)
			objects[depth>>6] &^= bit
			if c == '{' {
				objects[depth>>6] |= bit
			}
			depth++
			i = Space(b, i+1)
			if i < len(b) && b[i] == c+2 { // the closing bracket is two behind in ASCII
				depth--
				i++
				break
			}
			if c == '{' {
				if i, ok = skipName(b, i); !ok {
					return i, false
				}
			}
			continue
		default:
			if i, ok = skipScalar(b, i); !ok {
				return i, false
			}
		}
		// A value has ended here.
		for {
			if depth == 0 {
				return i, true
			}
			i = Space(b, i)
			if i >= len(b) {
				return i, false
			}
			object := objects[(depth-1)>>6]>>((depth-1)&63)&1 == 1
			if b[i] == ',' {
				i = Space(b, i+1)
				if object {
					if i, ok = skipName(b, i); !ok {
						return i, false
					}
				}
				break
			}
			if object && b[i] != '}' || !object && b[i] != ']' {
				return i, false
			}
			depth--
			i++
		}
	}
}

// skipName passes over a name, its colon, and white space.
func skipName(b []byte, i int) (int, bool) {
	if i >= len(b) || b[i] != '"' {
		return i, false
	}
	i, ok := SkipText(b, i)
	if i = Space(b, i); !ok || i >= len(b) || b[i] != ':' {
		return i, false
	}
	return Space(b, i+1), true
}

func skipScalar(b []byte, i int) (int, bool) {
	switch c := b[i]; {
	case c == '"':
		return SkipText(b, i)
	case c == '-' || IsDigit(c):
		return skipNumber(b, i)
	}
	for _, word := range []string{"true", "false", "null"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word), true
		}
	}
	return i, false
}

// SkipText returns where the string that begins at b[i] ends, with the same strictness as Skip.
func SkipText(b []byte, i int) (int, bool) {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1, true
		case c < 0x20:
			return i, false
		case c != '\\':
			continue
		}
		if i++; i >= len(b) {
			return i, false
		}
		switch b[i] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if len(b)-i < len("u0000") {
				return i, false
			}
			if _, ok := Hex4(b[i+1:]); !ok {
				return i, false
			}
			i += 4
		default:
			return i, false
		}
	}
	return i, false
}

func skipNumber(b []byte, i int) (int, bool) {
	if b[i] == '-' {
		i++
	}
	switch first := i; {
	case i < len(b) && b[i] == '0':
		i++ // nothing follows a zero
	default:
		if i = digits(b, i); i == first {
			return i, false
		}
	}
	if i < len(b) && b[i] == '.' {
		before := i + 1
		if i = digits(b, before); i == before {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		before := i
		if i = digits(b, before); i == before {
			return i, false
		}
	}
	return i, true
}

func digits(b []byte, i int) int {
	for i < len(b) && IsDigit(b[i]) {
		i++
	}
	return i
}
