package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/seed56735111/penstock"
)

// Places is part of penstock.Placed. There are none of an object with a checksum that cannot be put together of parts.
func (r *objectReader) Places() penstock.Places {
	if r.total <= 0 || r.cause != nil || r.sum != nil && r.sum.crc == nil {
		return nil
	}
	p := &ranges{r: r}
	p.ctx, p.stop = context.WithCancelCause(r.ctx)
	return p
}

// ranges reads an object by place, each time with a request that names the entity tag of the first answer. What is read
// goes into the checksum of the whole, wherever it lies.
type ranges struct {
	r *objectReader
	// ctx ends, by stop, with the first failure, which is its cause, so that what else is under way ends too.
	ctx    context.Context //nolint:containedctx // ReadAt has none
	stop   context.CancelCauseFunc
	begun  sync.Once
	mu     sync.Mutex
	pieces []piece // what was read, in the order of the object
}

// piece is a part of an object and its checksum.
type piece struct {
	at, end int64
	sum     uint64
}

// Size is part of penstock.Places.
func (p *ranges) Size() int64 { return p.r.total }

// Far is part of penstock.Places.
func (p *ranges) Far() bool { return true }

// ReadAt is part of penstock.Places.
func (p *ranges) ReadAt(b []byte, at int64) (int, error) {
	p.begun.Do(p.begin)
	want := b[:max(0, min(int64(len(b)), p.r.total-at))]
	done, err := 0, error(nil)
	if len(want) > 0 {
		err = p.fetch(at, at+int64(len(want)), func(body io.Reader) (int64, error) {
			n, err := io.ReadFull(body, want[done:])
			done += n
			return int64(n), err
		})
	}
	if err != nil {
		return done, err
	}
	p.add(want, at)
	if len(want) < len(b) {
		return len(want), io.EOF
	}
	return len(want), nil
}

// begin ends the answer at hand, which would keep its connection, and takes over what of it was read.
func (p *ranges) begin() {
	p.r.drop()
	if p.r.sum != nil && p.r.at > 0 {
		p.pieces = []piece{{end: p.r.at, sum: number(p.r.sum.hash)}}
	}
}

// add takes what was read into the checksum, but for what is in it.
func (p *ranges) add(b []byte, at int64) {
	if p.r.sum == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, gap := range p.gaps(at, at+int64(len(b))) {
		h := p.r.sum.crc.hash()
		_, _ = h.Write(b[gap.at-at : gap.end-at]) // never fails
		gap.sum = number(h)
		p.insert(gap)
	}
}

// gaps returns what of a part is not in the checksum. p.mu is held.
func (p *ranges) gaps(at, end int64) (gaps []piece) {
	for _, known := range p.pieces {
		if known.end <= at {
			continue
		}
		if known.at >= end {
			break
		}
		if known.at > at {
			gaps = append(gaps, piece{at: at, end: known.at})
		}
		at = known.end
	}
	if at < end {
		gaps = append(gaps, piece{at: at, end: end})
	}
	return gaps
}

// insert adds a piece that lies in a gap, and joins it with its neighbours. p.mu is held.
func (p *ranges) insert(n piece) {
	i, _ := slices.BinarySearchFunc(p.pieces, n.at, func(known piece, at int64) int { return cmp.Compare(known.at, at) })
	p.pieces = slices.Insert(p.pieces, i, n)
	for _, left := range []int{i, i - 1} { // first with what is behind it
		if left < 0 || left+1 >= len(p.pieces) || p.pieces[left].end != p.pieces[left+1].at {
			continue
		}
		l, r := &p.pieces[left], p.pieces[left+1]
		l.sum, l.end = p.r.sum.crc.join(l.sum, r.sum, r.end-r.at), r.end
		p.pieces = slices.Delete(p.pieces, left+1, left+2)
	}
}

// End is part of penstock.Places.
func (p *ranges) End() error {
	p.begun.Do(p.begin)
	p.r.cause = p.end()
	p.stop(p.r.cause)
	if p.r.cause == nil {
		p.r.cause = io.EOF
		return nil
	}
	return p.r.cause
}

// end compares the checksum, for which it reads what nobody has read.
func (p *ranges) end() error {
	sum := p.r.sum
	if sum == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, gap := range p.gaps(0, p.r.total) {
		h := sum.crc.hash()
		err := p.fetch(gap.at, gap.end, func(body io.Reader) (int64, error) {
			n, err := io.Copy(h, body)
			if err == nil {
				err = io.ErrUnexpectedEOF // fetch knows whether that was all
			}
			return n, err
		})
		if err != nil {
			return err
		}
		gap.sum = number(h)
		p.insert(gap)
	}
	if got := sum.crc.bytes(p.pieces[0].sum); string(got) != string(sum.want) {
		return p.r.altered(sum.differs(got))
	}
	return nil
}

// fetch reads a part of the object, in as many requests as that takes. take reads the rest of the part each time, and
// says how much that was. What fails here ends the other readings.
func (p *ranges) fetch(at, end int64, take func(body io.Reader) (int64, error)) error {
	err := p.parts(at, end, take)
	if err == nil {
		return nil
	}
	p.stop(err)
	if first, ok := errors.AsType[*Error](context.Cause(p.ctx)); ok {
		return first
	}
	return err
}

// parts makes the requests of a fetch.
func (p *ranges) parts(at, end int64, take func(body io.Reader) (int64, error)) error {
	r := p.r
	for failures := 0; at < end; {
		if failures > 0 {
			if err := r.pause(p.ctx, failures); err != nil {
				return err
			}
		}
		n, err := p.part(at, end, take)
		if at += n; at >= end {
			break
		}
		if n > 0 {
			failures = 0
		}
		if se, ok := errors.AsType[*Error](err); ok && (se.Kind == KindChanged || !se.Temporary()) {
			return err
		}
		if p.ctx.Err() != nil {
			return classify("read", r.name, context.Cause(p.ctx))
		}
		failures++
		r.s3.cfg.Logger.InfoContext(r.ctx, "read broken, resuming", "object", r.name, "offset", at, "attempt", failures,
			"error", err)
		if failures > r.s3.cfg.Attempts {
			e := classify("read", r.name, err)
			e.Kind = KindUnreachable
			return e
		}
	}
	return nil
}

// part makes one request for a part of the object.
func (p *ranges) part(at, end int64, take func(body io.Reader) (int64, error)) (int64, error) {
	r := p.r
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	out, err := r.get(ctx, at, end)
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.Body.Close() }()
	switch unquoted(out.ETag) {
	case r.id.ETag:
	case "":
		return 0, r.wrong("the answer has no ETag: it is not the object")
	default:
		return 0, r.replaced()
	}
	var from, last, total int64
	part := aws.ToString(out.ContentRange)
	if n, _ := fmt.Sscanf(part, "bytes %d-%d/%d", &from, &last, &total); n < 2 || from != at || last >= end ||
		n == 3 && total != r.total {
		return 0, r.wrong("asked for the bytes %d to %d of %d, answered %q", at, end-1, r.total, part)
	}
	idle := time.AfterFunc(r.s3.cfg.IdleTimeout, cancel)
	defer idle.Stop()
	return take(&watched{io.LimitReader(out.Body, end-at), idle, r.s3.cfg.IdleTimeout})
}

// watched is a body that is cut off when nothing comes for a while.
type watched struct {
	io.Reader
	idle    *time.Timer
	timeout time.Duration
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if n > 0 {
		w.idle.Reset(w.timeout)
	}
	return n, err
}

// crc is a cyclic redundancy check whose sums of parts make the sum of the whole.
type crc struct {
	size int    // of the sum, in bits
	poly uint64 // reversed
	hash func() hash.Hash
}

// join returns the sum of two parts one behind the other, of which the second one has so many bytes: that of the first
// one times x to the power of their bits, plus that of the second one, as polynomials. A sum has the lowest power in
// its highest bit.
func (c *crc) join(first, second uint64, length int64) uint64 {
	power, square := uint64(1)<<(c.size-1), uint64(1)<<(c.size-2) // 1 and x
	for range 3 {
		square = c.times(square, square) // a byte has eight bits
	}
	for ; length > 0; length >>= 1 {
		if length&1 > 0 {
			power = c.times(power, square)
		}
		square = c.times(square, square)
	}
	return c.times(first, power) ^ second
}

// times multiplies polynomials.
func (c *crc) times(a, b uint64) (product uint64) {
	for bit := uint64(1) << (c.size - 1); bit > 0; bit >>= 1 {
		if a&bit > 0 {
			product ^= b
		}
		if b&1 > 0 {
			b = b>>1 ^ c.poly
		} else {
			b >>= 1
		}
	}
	return product
}

// number is the sum that a hash has.
func number(h hash.Hash) (n uint64) {
	for _, b := range h.Sum(nil) {
		n = n<<8 | uint64(b)
	}
	return n
}

// bytes is a sum as S3 has it.
func (c *crc) bytes(n uint64) []byte {
	b := make([]byte, c.size/8)
	for i := range b {
		b[len(b)-1-i] = byte(n >> (8 * i)) //nolint:gosec // byte by byte
	}
	return b
}
