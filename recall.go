package penstock

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"runtime/debug"
	"slices"
)

const (
	// maxAside bounds the letters of an entry that wait for their records: more get theirs in a reading of their own.
	maxAside = 1 << 19
	// maxRecalls bounds the objects that are read again at once; by aheadBytes there is one large one among them.
	maxRecalls = 16
)

// aside is a letter that waits for its record, by the offset of that.
type aside struct {
	offset int64
	in     ticket
}

// asideLetter is what the spool holds of it.
type asideLetter struct {
	Letter Letter
	Sum    uint64
}

// mayRecall reports whether the records of an entry can be read again for the letters about them. Rules may have left
// another record than the object has, and before a deadline there is no time to read twice: their records are kept.
func (h *shipment) mayRecall(r *Reading) bool {
	return h.object.Again != nil && r.Identity.Pinned() && h.Pause == nil && r.redacts == nil
}

// sumOf stands for a record. It is never 0.
func (r *run) sumOf(raw []byte) uint64 { return maphash.Bytes(r.seed, raw) | 1 }

// setAside keeps a letter until its record is read again. The error is a *BrakeError when no more is to be sent.
func (h *shipment) setAside(ctx context.Context, d *entryDelivery, l Letter, sum uint64) error {
	text, err := json.Marshal(asideLetter{l, sum})
	if err != nil {
		return fmt.Errorf("keep letter %s: %w", l.ID, err)
	}
	_, stop := d.brake.refused(&l)
	full := d.letters.setAside(h.spool, l.Source.Offset, text)
	if full == nil {
		return stop
	}
	if err := h.recall(ctx, d); err != nil {
		return err
	}
	if d.letters.setAside(h.spool, l.Source.Offset, text) == nil {
		return stop
	}
	h.Logger.WarnContext(ctx, "letter without its record", "object", h.object.Name, "error", full)
	l.Gone = true
	if _, err := d.letters.put(ctx, h.DeadLetters, l); err != nil {
		return err
	}
	return stop
}

// recall reads the object once more for the letters of these entries that wait for their records, and puts them into
// their boxes. It never fails for the object: a letter whose record is not to be had goes without.
func (h *shipment) recall(ctx context.Context, entries ...*entryDelivery) error {
	var rs []*recalled
	for _, d := range entries {
		if d.brake.failure() != nil {
			continue // nothing of it is stored
		}
		if list := d.letters.takeAside(); len(list) > 0 {
			slices.SortFunc(list, func(a, b aside) int { return cmp.Compare(a.offset, b.offset) })
			rs = append(rs, &recalled{entryDelivery: d, list: list, found: make([]bool, len(list)), left: len(list)})
		}
	}
	if len(rs) == 0 {
		return nil
	}
	defer func() {
		for _, r := range rs {
			for _, one := range r.list {
				h.spool.drop(one.in)
			}
		}
	}()
	err := h.readAgain(ctx, rs)
	if _, stop := errors.AsType[*LetterError](err); stop {
		return err
	}
	left := 0
	for _, r := range rs {
		left += r.left
	}
	if left == 0 {
		return nil
	}
	if err == nil {
		err = errors.New("they are not what was read before")
	}
	h.Logger.WarnContext(ctx, "letters without their records: they cannot be read again", "object", h.object.Name,
		"letters", left, "error", err)
	for _, r := range rs {
		if err := h.storeGone(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// recalled is an entry whose records are read again.
type recalled struct {
	*entryDelivery
	list  []aside // by offset
	found []bool  // those of list that have their records
	left  int
}

// readAgain gives letters their records.
func (h *shipment) readAgain(ctx context.Context, rs []*recalled) (err error) {
	size := h.object.Size
	if size < 0 || size > aheadBytes {
		size = aheadBytes
	}
	if !h.recalls.acquire(ctx, size) {
		return context.Cause(ctx)
	}
	defer h.recalls.release(size)
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("internal error: %v", v)
			h.Logger.ErrorContext(ctx, "recovered from a panic",
				"object", h.object.Name, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		}
	}()
	stream, err := h.object.Again(ctx, h.identity)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close() }()
	n, last := 0, rs[len(rs)-1].number
	for entry, err := range h.Decoder.Entries(stream.Identity.Key, stream.ReadCloser) {
		n++
		of := slices.Collect(func(yield func(*recalled) bool) {
			for _, r := range rs {
				if r.number == n && !yield(r) {
					return
				}
			}
		})
		if len(of) == 0 {
			continue
		}
		if err == nil {
			err = h.entryAgain(ctx, of, stream.Identity, entry)
		}
		if err != nil {
			return err
		}
		if n == last {
			break
		}
	}
	return nil
}

// entryAgain gives the letters of an entry, which may be for several targets, their records.
func (h *shipment) entryAgain(ctx context.Context, of []*recalled, id Identity, e Entry) error {
	rec, err := h.Recognizer.Recognize(h.object, id, e)
	if err != nil || rec.Skip != "" {
		return err
	}
	for record, err := range rec.Records {
		if _, one := errors.AsType[*RecordError](err); one {
			continue
		}
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		left := 0
		for _, r := range of {
			if err := h.complete(ctx, r, &record); err != nil {
				return err
			}
			left += r.left
		}
		if left == 0 {
			break
		}
	}
	return nil
}

// complete gives a record to the letters about it, if it is the one that they are about.
func (h *shipment) complete(ctx context.Context, r *recalled, record *Record) error {
	at, _ := slices.BinarySearchFunc(r.list, record.Offset, func(a aside, offset int64) int {
		return cmp.Compare(a.offset, offset)
	})
	for ; at < len(r.list) && r.list[at].offset == record.Offset; at++ {
		if r.found[at] {
			continue
		}
		one, err := h.letterOf(r.list[at])
		if err != nil {
			return err
		}
		if h.sumOf(record.Raw) != one.Sum {
			continue
		}
		one.Letter.Raw = bytes.Clone(record.Raw)
		if _, err := r.letters.put(ctx, h.DeadLetters, one.Letter); err != nil {
			return err
		}
		r.found[at] = true
		r.left--
	}
	return nil
}

// storeGone stores the letters whose records are not to be had.
func (h *shipment) storeGone(ctx context.Context, r *recalled) error {
	for i, one := range r.list {
		if r.found[i] {
			continue
		}
		kept, err := h.letterOf(one)
		if err != nil {
			return err
		}
		kept.Letter.Gone = true
		if _, err := r.letters.put(ctx, h.DeadLetters, kept.Letter); err != nil {
			return err
		}
	}
	return nil
}

// letterOf returns a letter that waits.
func (r *run) letterOf(a aside) (one asideLetter, err error) {
	text, err := r.spool.get(a.in)
	if err == nil {
		err = json.Unmarshal(text, &one)
	}
	return one, err
}

// setAside keeps a letter for later. An error says that there is no room.
func (b *letterBox) setAside(s *spool, offset int64, text []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.void:
		return nil
	case len(b.aside) >= maxAside:
		return errors.New("too many letters wait")
	}
	in, err := s.put(text)
	if err == nil {
		b.aside = append(b.aside, aside{offset, in})
	}
	return err
}

// takeAside returns the letters that wait, which then belong to the caller.
func (b *letterBox) takeAside() []aside {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.aside
	b.aside = nil
	return list
}
