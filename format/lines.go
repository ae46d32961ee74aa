package format

import "bytes"

// eachLine hands over the lines of an entry that are not blank. A line that is too long becomes a RecordError.
func (r *reader) eachLine(y yield, line func(text []byte, offset int64) bool) {
	for {
		text, size, ok := r.line(r.max)
		switch {
		case ok:
			offset := r.offset()
			r.advance(size)
			if len(bytes.TrimSpace(text)) > 0 && !line(text, offset) {
				return
			}
		case !r.ended() || r.len() > r.max:
			if !r.skipLine(y) {
				return
			}
		default:
			r.emitFailure(y)
			return
		}
	}
}

// skipLine passes over the line that begins here and is too long to hold.
func (r *reader) skipLine(y yield) bool {
	offset := r.offset()
	n := r.discardLine()
	if r.ended() && r.len() == 0 && r.failure() != nil {
		r.emitFailure(y)
		return false
	}
	return r.emitOverlong(offset, n, y)
}
