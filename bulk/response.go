package bulk

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"

	"github.com/seed56735111/penstock/internal/quote"
)

// item is the outcome of one document as the domain reports it. Its slices are parts of the response.
type item struct {
	id     []byte // the text between the quotes, escapes and all
	status int
	noop   bool // the result says that nothing was stored
	// err is the error object, empty when there is none.
	err []byte
}

// errResponse says that an answer is not a complete _bulk response: what became of the documents is not known.
var errResponse = errors.New("not a complete _bulk response")

// parseResponse reads a _bulk response into items, in order, and returns how many there were. Those for which items has
// no room are only counted. It takes what engines of all versions send, passes over what it does not need, and
// allocates nothing.
//
// expected is the text that the id of an item is likely to be, so that its end need not be looked for byte by byte.
func parseResponse(body []byte, items []item, expected func(i int) []byte) (n int, err error) {
	s := scanner{b: body}
	found := false
	var surplus item
	err = s.object(func(name []byte) error {
		if string(name) != "items" {
			return s.skip()
		}
		if found {
			return errResponse // two outcomes for a document
		}
		found = true
		return s.array(func(i int) error {
			it := &surplus
			if i < len(items) {
				it = &items[i]
				it.id = expected(i)
			}
			err := s.item(it)
			if err == nil {
				n = i + 1
			}
			return err
		})
	})
	s.space()
	if err != nil || !found || s.at != len(s.b) {
		return n, errResponse
	}
	return n, nil
}

// item reads {"create":{…}}.
func (s *scanner) item(it *item) error {
	if s.usual(it) {
		return nil
	}
	*it = item{}
	actions := 0
	err := s.object(func([]byte) error {
		if actions++; actions > 1 {
			return errResponse
		}
		return s.object(func(name []byte) error {
			switch string(name) {
			case "_id":
				return s.text(&it.id)
			case "status":
				return s.number(&it.status)
			case "result":
				var result []byte
				err := s.text(&result)
				it.noop = string(result) == "noop"
				return err
			case "error":
				start := s.at
				err := s.skip()
				it.err = s.b[start:s.at]
				return err
			}
			return s.skip()
		})
	})
	if it.status == 0 {
		return errResponse
	}
	return err
}

// usual reads an item without an error the way that engines write it, {"create":{"_id":"…","status":201}}, whose id
// is likely to be the one in it. For anything else it reads nothing and reports false.
func (s *scanner) usual(it *item) bool {
	rest, ok := bytes.CutPrefix(s.b[s.at:], []byte(`{"create":{"_id":"`))
	if !ok {
		if rest, ok = bytes.CutPrefix(s.b[s.at:], []byte(`{"index":{"_id":"`)); !ok {
			return false
		}
	}
	n := 0
	if bytes.HasPrefix(rest, it.id) {
		n = len(it.id)
	}
	for n < len(rest) && rest[n] >= 0x20 && rest[n] != '"' && rest[n] != '\\' {
		n++
	}
	const before, digits, after = `","status":`, 3, `}}`
	tail, ok := bytes.CutPrefix(rest[n:], []byte(before))
	if !ok || len(tail) < digits+len(after) || string(tail[digits:digits+len(after)]) != after {
		return false
	}
	status := 0
	for _, c := range tail[:digits] {
		if c < '0' || c > '9' {
			return false
		}
		status = status*10 + int(c-'0')
	}
	if status == 0 {
		return false
	}
	s.at = len(s.b) - len(tail) + digits + len(after)
	it.id, it.status, it.noop, it.err = rest[:n], status, false, nil
	return true
}

// scanner walks over JSON. After an error its position means nothing.
type scanner struct {
	b     []byte
	at    int
	depth int
}

func (s *scanner) space() { s.at = quote.Space(s.b, s.at) }

func (s *scanner) byte(c byte) bool {
	s.space()
	if s.at < len(s.b) && s.b[s.at] == c {
		s.at++
		return true
	}
	return false
}

const maxNesting = 100

// object reads an object; value is called where each value begins and must consume it.
func (s *scanner) object(value func(name []byte) error) error {
	if !s.byte('{') {
		return errResponse
	}
	if s.depth++; s.depth > maxNesting {
		return errResponse
	}
	defer func() { s.depth-- }()
	if s.byte('}') {
		return nil
	}
	for {
		s.space()
		var name []byte
		if err := s.text(&name); err != nil {
			return err
		}
		if !s.byte(':') {
			return errResponse
		}
		s.space()
		if err := value(name); err != nil {
			return err
		}
		if s.byte(',') {
			continue
		}
		if s.byte('}') {
			return nil
		}
		return errResponse
	}
}

func (s *scanner) array(value func(i int) error) error {
	if !s.byte('[') {
		return errResponse
	}
	if s.depth++; s.depth > maxNesting {
		return errResponse
	}
	defer func() { s.depth-- }()
	if s.byte(']') {
		return nil
	}
	for i := 0; ; i++ {
		s.space()
		if err := value(i); err != nil {
			return err
		}
		if s.byte(',') {
			continue
		}
		if s.byte(']') {
			return nil
		}
		return errResponse
	}
}

// text reads a string and gives what is between its quotes.
func (s *scanner) text(out *[]byte) error {
	if s.at >= len(s.b) || s.b[s.at] != '"' {
		return errResponse
	}
	end, ok := quote.SkipText(s.b, s.at)
	if !ok {
		return errResponse
	}
	*out, s.at = s.b[s.at+1:end-1], end
	return nil
}

func (s *scanner) number(out *int) error {
	start, n := s.at, 0
	for s.at < len(s.b) && s.b[s.at] >= '0' && s.b[s.at] <= '9' && s.at-start < 9 {
		n = n*10 + int(s.b[s.at]-'0')
		s.at++
	}
	if s.at == start {
		return errResponse
	}
	*out = n
	return nil
}

// skip passes over any value.
func (s *scanner) skip() error {
	end, ok := quote.Skip(s.b, s.at)
	s.at = end
	if !ok {
		return errResponse
	}
	return nil
}

// itemError is the error of a rejected document.
type itemError struct {
	Type     string     `json:"type"`
	Reason   string     `json:"reason"`
	CausedBy *itemError `json:"caused_by"`
}

// parseItemError reads the error of an item: an object, or a sentence before Elasticsearch 2.
func parseItemError(raw []byte) itemError {
	var e itemError
	if len(raw) == 0 {
		return e
	}
	if raw[0] == '"' {
		var text string
		if json.Unmarshal(raw, &text) == nil {
			e.Reason = text
			for i, r := range text {
				if r == '[' && i > 0 {
					e.Type = text[:i] // MapperParsingException[failed to parse …]
					break
				}
				if r > utf8.RuneSelf || r == ' ' {
					break
				}
			}
		}
		return e
	}
	_ = json.Unmarshal(raw, &e) // what cannot be read stays empty: the status decides alone
	return e
}

// text joins the reason with the deepest cause, which is what helps.
func (e itemError) text() string {
	text := e.Reason
	for c := e.CausedBy; c != nil; c = c.CausedBy {
		if c.Reason != "" && c.CausedBy == nil {
			text += ": " + c.Reason
		}
	}
	const longest = 2000
	if len(text) > longest {
		text = text[:longest] + "…"
	}
	return text
}

// unquoted reads the inside of a JSON string.
func unquoted(inside []byte) string {
	var text string
	if json.Unmarshal(append(append([]byte{'"'}, inside...), '"'), &text) != nil {
		return ""
	}
	return text
}
