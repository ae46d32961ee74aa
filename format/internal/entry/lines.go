package entry

import (
	"bytes"
)

// EachLine hands over the lines of an entry that are not blank. A line that is too long becomes a RecordError.
func (r *Reader) EachLine(y Yield, line func(text []byte, offset int64) bool) {
	for {
		text, size, ok := r.line(r.Max)
		switch {
		case ok:
			offset := r.Offset()
			r.Advance(size)
			if len(bytes.TrimSpace(text)) > 0 && !line(text, offset) {
				return
			}
		case !r.Ended() || r.Len() > r.Max:
			if !r.SkipLine(y) {
				return
			}
		default:
			r.EmitFailure(y)
			return
		}
	}
}

// SkipLine passes over the line that begins here and is too long to hold.
func (r *Reader) SkipLine(y Yield) bool {
	offset := r.Offset()
	n := r.DiscardLine()
	if r.Ended() && r.Len() == 0 && r.Failure() != nil {
		r.EmitFailure(y)
		return false
	}
	return r.EmitOverlong(offset, n, y)
}
