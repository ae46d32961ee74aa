package guard

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Target is a request target that can be read in one way only: the path and the query exactly as they were sent.
type Target struct {
	// Path is the path as sent. It begins with a slash.
	Path string
	// Query is the query as sent, without its question mark.
	Query string
	// HasQuery tells "/?" from "/".
	HasQuery bool
	// Segments are the parts of the path between slashes, each percent-decoded once. A trailing slash adds none, and
	// the path "/" has none.
	Segments []string
	// OpaqueID says that the last segment is a document id that a program would misread if it decoded before it split.
	// The path is then judged only as it was sent.
	OpaqueID bool
}

// TargetError says why a request target is refused.
type TargetError struct {
	// Problem is a phrase such as "an empty path segment".
	Problem string
	// Offset is where in the target it begins.
	Offset int
}

func (e *TargetError) Error() string { return fmt.Sprintf("%s at byte %d", e.Problem, e.Offset) }

// ParseTarget splits the target of a request line. It refuses with a *TargetError what two programs could read
// differently: dot segments, empty segments, backslashes, control bytes, parameters after a semicolon, fragments,
// invalid UTF-8, and anything that is not a plain path (absolute-form, "*").
//
// A segment may hold an encoded slash, because date-math index names (%3Clogs-%7Bnow%2Fd%7D%3E) and document ids need
// it. Splitting there too must give no dot or empty segment. [Target.Decoded] is that other reading, and a path is
// judged in both.
func ParseTarget(raw string) (Target, error) { return parseTarget(raw, false) }

// parseTarget is ParseTarget. With anyID it accepts every document id that engines accept, in INDEX/_doc/ID and the
// like: engines split that segment off before they decode it.
func parseTarget(raw string, anyID bool) (Target, error) {
	if raw == "" || raw[0] != '/' {
		return Target{}, &TargetError{"a request target that is not a path", 0}
	}
	for i := range len(raw) {
		switch c := raw[i]; {
		case c < 0x20 || c == 0x7f:
			return Target{}, &TargetError{"a control byte", i}
		case c == '#':
			return Target{}, &TargetError{"a fragment", i}
		}
	}
	var t Target
	t.Path, t.Query, t.HasQuery = strings.Cut(raw, "?")
	id := len(t.Path) + 1
	if anyID {
		id = idOffset(t.Path)
	}
	if i := strings.IndexAny(t.Path, `\;`); i >= 0 && (i < id || t.Path[i] == '\\') {
		if t.Path[i] == ';' {
			return Target{}, &TargetError{"a path parameter (;)", i}
		}
		return Target{}, &TargetError{"a backslash", i}
	}
	if t.Path == "/" {
		return t, nil
	}
	at := 1
	t.Segments = make([]string, 0, strings.Count(t.Path, "/"))
	for part := range strings.SplitSeq(t.Path[1:], "/") {
		last := at+len(part) == len(t.Path)
		if part == "" && last {
			break
		}
		segment, problem := decodeSegment(part)
		if at == id && problem == "" {
			t.OpaqueID = strings.Contains(part, ";")
		}
		if at == id && problem != "" && part != "." && part != ".." {
			segment, problem = decodeID(part)
			t.OpaqueID = true
		}
		if problem != "" {
			return Target{}, &TargetError{problem, at}
		}
		t.Segments = append(t.Segments, segment)
		at += len(part) + 1
	}
	return t, nil
}

// idOffset is where the document id begins in a path such as /INDEX/_doc/ID. In other paths it is past the end.
func idOffset(path string) int {
	index, rest, _ := strings.Cut(path[1:], "/")
	api, id, _ := strings.Cut(rest, "/")
	switch api {
	case "_doc", "_create", "_update", "_source":
		if !strings.Contains(strings.TrimSuffix(id, "/"), "/") {
			return len(index) + len(api) + len("///")
		}
	}
	return len(path) + 1
}

// decodeID decodes a document id. It may hold characters that the names of indexes and APIs may not.
func decodeID(part string) (id, problem string) {
	id, err := url.PathUnescape(part)
	switch {
	case err != nil:
		return "", "an invalid percent escape"
	case !utf8.ValidString(id):
		return "", "invalid UTF-8"
	case strings.ContainsFunc(id, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return "", "an encoded control byte"
	}
	return id, ""
}

func decodeSegment(part string) (segment, problem string) {
	segment = part
	if strings.IndexByte(part, '%') >= 0 {
		var err error
		if segment, err = url.PathUnescape(part); err != nil {
			return "", "an invalid percent escape"
		}
	}
	if !utf8.ValidString(segment) {
		return "", "invalid UTF-8"
	}
	for i := range len(segment) {
		switch c := segment[i]; {
		case c == '\\':
			return "", "an encoded backslash"
		case c < 0x20 || c == 0x7f:
			return "", "an encoded control byte"
		}
	}
	for piece := range strings.SplitSeq(segment, "/") {
		switch piece {
		case "":
			return "", "an empty path segment"
		case ".", "..":
			return "", "a dot segment"
		}
	}
	return segment, ""
}

// Decoded is the path with every segment decoded, as a program reads it that decodes before it splits. It equals Path
// when nothing in the path is escaped.
func (t Target) Decoded() string {
	if strings.IndexByte(t.Path, '%') < 0 {
		return t.Path
	}
	var b strings.Builder
	for _, s := range t.Segments {
		b.WriteByte('/')
		b.WriteString(s)
	}
	if strings.HasSuffix(t.Path, "/") {
		b.WriteByte('/')
	}
	return b.String()
}

// readings are the paths that a policy is asked about. Engines decode the path, so both readings must be allowed.
func (t Target) readings() []string {
	if decoded := t.Decoded(); decoded != t.Path && !t.OpaqueID {
		return []string{t.Path, decoded}
	}
	return []string{t.Path}
}

// String is the target as it was sent.
func (t Target) String() string {
	if t.HasQuery {
		return t.Path + "?" + t.Query
	}
	return t.Path
}
