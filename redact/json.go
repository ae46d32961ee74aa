package redact

import (
	"strconv"

	"github.com/seed56735111/penstock/internal/quote"
)

// AppendJSON is Append for a JSON value, which stays one: secrets are looked for in strings, names of members and
// numbers, and what a name says of the value behind it is known. A number with a secret in it becomes null, or the hash
// of the secret. typed, when set, says of a path (names with dots between them) that what is there is a number or a
// time whatever it looks like; it is asked only where something was found.
func (d *Detector) AppendJSON(dst, value []byte, w With, typed func(path []byte) bool) (out []byte, hits int) {
	return d.AppendJSONKinds(dst, value, w, typed, nil)
}

// AppendJSONKinds is AppendJSON, and adds what was found to a set of kinds.
func (d *Detector) AppendJSONKinds(
	dst, value []byte, w With, typed func(path []byte) bool, kinds *Set,
) (out []byte, hits int) {
	s := newScratch()
	defer s.free()
	hit := d.find(s, value)
	if len(hit) == 0 {
		return append(dst, value...), 0
	}
	r := rewriter{w: w, scratch: s, in: value, out: dst, hits: hit, path: s.path[:0], typed: typed, found: kinds}
	r.value(0)
	s.path = r.path[:0]
	r.out = append(r.out, value[r.at:]...)
	return r.out, r.n
}

// rewriter replaces hits in the strings and scalars of a JSON value.
type rewriter struct {
	*scratch
	w     With
	all   []Replacement // what was found, instead of kinds
	in    []byte
	at    int // what is before is in out
	out   []byte
	hits  []hit // not passed yet
	n     int
	path  []byte
	names [kindCount]int // masked names by kind
	typed func(path []byte) bool
	found *Set // nil when nobody asks
	depth int
}

// maxDepth bounds how deep values are looked into; what is deeper is replaced as a whole.
const maxDepth = 100

// value goes through the value at i and returns where it ends.
func (r *rewriter) value(i int) int {
	i = quote.Space(r.in, i)
	if i >= len(r.in) {
		return i
	}
	end, _ := quote.ValueEnd(r.in, i)
	if len(r.hits) == 0 || r.hits[0].start >= end {
		return end // nothing of interest in it
	}
	switch c := r.in[i]; {
	case c == '"':
		r.text(i, end)
	case c != '{' && c != '[':
		r.scalar(i, end)
	case r.depth == maxDepth:
		r.scalar(i, end)
	default:
		r.depth++
		r.members(i, end, c == '{')
		r.depth--
	}
	return end
}

// members goes through the object or array from start to end.
func (r *rewriter) members(start, end int, named bool) {
	path := len(r.path)
	for i := quote.Space(r.in, start+1); i < end-1; {
		if named {
			name, ok := quote.StringEnd(r.in, i)
			if !ok || r.in[i] != '"' {
				return
			}
			if path > 0 {
				r.path = append(r.path, '.')
			}
			r.path = append(r.path, r.in[i+1:name-1]...)
			r.name(i+1, name-1)
			i = quote.Space(r.in, name)
			if i >= end || r.in[i] != ':' {
				return
			}
			i++
		}
		i = quote.Space(r.in, r.value(i))
		r.path = r.path[:path]
		if i >= end || r.in[i] != ',' {
			return
		}
		i = quote.Space(r.in, i+1)
	}
}

// next returns the next hit within a part of the text, clipped to it, and leaves those before it out.
func (r *rewriter) next(start, end int) (h hit, ok bool) {
	for len(r.hits) > 0 && r.hits[0].start < end {
		h := r.hits[0]
		if h.end <= end {
			r.hits = r.hits[1:]
		} else {
			r.hits[0].start = end
		}
		if h.start, h.end = max(h.start, start), min(h.end, end); h.start < h.end {
			return h, true
		}
	}
	return hit{}, false
}

// text replaces what was found in the string from its first quote to behind its last one.
func (r *rewriter) text(start, end int) {
	pass := r.typed != nil && r.typed(r.path)
	for {
		h, ok := r.next(start+1, end-1)
		if !ok {
			return
		}
		if pass || r.all != nil && len(r.all[h.of].Old) < longWord && !isHolder(r.path) {
			continue
		}
		r.copy(h.start)
		r.put(h)
		r.at = h.end
		r.count(h)
	}
}

// name replaces what was found in a name.
func (r *rewriter) name(start, end int) {
	for {
		h, ok := r.next(start, end)
		if !ok {
			return
		}
		if r.all != nil && len(r.all[h.of].Old) < longWord {
			continue
		}
		r.copy(h.start)
		if r.all != nil {
			r.put(h)
			r.out = strconv.AppendInt(append(r.out, '_'), int64(r.n+1), 10) // a name of its own
		} else {
			r.out = r.w.appendName(r.out, h.of, r.scratch.text(h), r.names[h.of])
			r.names[h.of]++
		}
		r.at = h.end
		r.count(h)
	}
}

// scalar replaces a number in which something was found, or what is too deep.
func (r *rewriter) scalar(start, end int) {
	h, ok := r.next(start, end)
	for more := ok; more; {
		_, more = r.next(start, end)
	}
	switch {
	case !ok, r.typed != nil && r.typed(r.path):
		return
	case r.all != nil && r.in[start] != '{' && r.in[start] != '[' &&
		(len(r.all[h.of].Old) < longNumber || h.end-h.start < end-start):
		return
	}
	r.copy(start)
	if r.all == nil && r.w.of(h.of).key != nil {
		r.out = append(r.w.appendHit(append(r.out, '"'), h.of, r.scratch.text(h)), '"')
	} else {
		r.out = append(r.out, "null"...)
	}
	r.at = end
	r.count(h)
}

// count counts a hit.
func (r *rewriter) count(h hit) {
	r.n++
	if r.found != nil {
		r.found.set |= 1 << h.of
	}
}

// put appends what stands in the place of a hit.
func (r *rewriter) put(h hit) {
	if r.all != nil {
		r.out = append(r.out, r.all[h.of].New...)
	} else {
		r.out = r.w.appendHit(r.out, h.of, r.scratch.text(h))
	}
}

func (r *rewriter) copy(to int) { r.out = append(r.out, r.in[r.at:to]...) }
