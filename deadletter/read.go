package deadletter

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/seed56735111/penstock"
)

// part is a file or an object with lines in it.
type part struct {
	name string
	open func(ctx context.Context) (io.ReadCloser, error)
}

// lines yields the lines of a part, each valid until the next.
func (p part) lines(ctx context.Context) iter.Seq2[textLine, error] {
	return func(yield func(textLine, error) bool) {
		f, err := p.open(ctx)
		if err != nil {
			yield(textLine{}, err)
			return
		}
		defer func() { _ = f.Close() }()
		lines := newLineReader(f, MaxLine)
		for {
			if ctx.Err() != nil {
				yield(textLine{}, context.Cause(ctx))
				return
			}
			line, err := lines.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}

// scan yields what is stored in a part, with the number of its line. A line that is nothing of ours (the torn end of a
// file after a crash) is passed over, and logger is told of it.
func (p part) scan(ctx context.Context, logger *slog.Logger) iter.Seq2[numbered, error] {
	return func(yield func(numbered, error) bool) {
		n := 0
		for line, err := range p.lines(ctx) {
			if err != nil {
				yield(numbered{}, err)
				return
			}
			n++
			if len(line.bytes) == 0 {
				continue
			}
			rec, err := parse(line.bytes)
			if err != nil {
				logger.WarnContext(ctx, "line passed over", "file", p.name, "line", n, "error", err)
				continue
			}
			if !yield(numbered{rec, n}, nil) {
				return
			}
		}
	}
}

type numbered struct {
	parsed
	line int
}

// index says where the letters that stand are: the newest of each key, without those that were taken out. It holds the
// keys in memory, never the letters.
type index struct {
	newest map[Key]position
	taken  map[Key]time.Time
	// The names that occur, each once in memory.
	domains, indexes map[string]string
}

// position is where a letter is stored, and when it was written. One that stands for a later letter, whose record is
// gone, has the time of that.
type position struct {
	part, line int
	at         time.Time
	gone       bool
}

// replaces reports whether the letter here takes the place of another one of its key that was found before.
func (p position) replaces(old position) bool {
	if p.gone != old.gone {
		return old.gone // a letter that has its record stays
	}
	return !p.at.Before(old.at)
}

func newIndex() *index {
	return &index{
		newest: map[Key]position{}, taken: map[Key]time.Time{}, domains: map[string]string{}, indexes: map[string]string{},
	}
}

func intern(names map[string]string, name string) string {
	if known, ok := names[name]; ok {
		return known
	}
	names[name] = name
	return name
}

func (x *index) add(part int, n numbered) {
	k := KeyOf(n.letter)
	k.Domain, k.Index = intern(x.domains, k.Domain), intern(x.indexes, k.Index)
	switch {
	case n.old:
		for name := range x.indexes {
			delete(x.newest, Key{Index: name, ID: k.ID})
		}
	case n.mark != nil:
		x.taken[k] = n.mark.Until
		if p, ok := x.newest[k]; ok && !p.at.After(n.mark.Until) {
			delete(x.newest, k)
		}
	default:
		// A mark that stands before a letter can still mean it, when it is in a file that was begun earlier.
		if until, ok := x.taken[k]; ok && until.Equal(n.letter.Time) {
			return
		}
		p := position{part, n.line, n.letter.Time, n.letter.Gone}
		old, ok := x.newest[k]
		last := p.at
		if ok && old.at.After(last) {
			last = old.at
		}
		if ok && !p.replaces(old) {
			p = old
		}
		p.at = last // what takes the letter out takes both
		x.newest[k] = p
	}
}

// settle takes out the letters without a domain, of earlier versions, that were written again with one.
func (x *index) settle() {
	for k, old := range x.newest {
		if k.Domain != "" {
			continue
		}
		for domain := range x.domains {
			if p, ok := x.newest[Key{domain, k.Index, k.ID}]; ok && domain != "" && p.replaces(old) {
				delete(x.newest, k)
				break
			}
		}
	}
}

// letters yields the letters that stand, in the order of the parts and their lines. It reads those parts twice that
// have any; parts may lose letters that were yielded meanwhile, and their lines keep their numbers. found is told of
// every letter in the first reading.
func letters(
	ctx context.Context, parts []part, logger *slog.Logger, found func(part int, k Key),
) iter.Seq2[penstock.Letter, error] {
	return func(yield func(penstock.Letter, error) bool) {
		x := newIndex()
		for i, p := range parts {
			for n, err := range p.scan(ctx, logger) {
				if err != nil {
					yield(penstock.Letter{}, err)
					return
				}
				x.add(i, n)
				if found != nil && n.mark == nil && !n.old {
					found(i, KeyOf(n.letter))
				}
			}
		}
		x.settle()
		standing := make([]int, len(parts))
		for _, p := range x.newest {
			standing[p.part]++
		}
		silent := slog.New(slog.DiscardHandler) // what is passed over was said in the first reading
		for i, p := range parts {
			if standing[i] == 0 {
				continue
			}
			for n, err := range p.scan(ctx, silent) {
				if err != nil {
					yield(penstock.Letter{}, err)
					return
				}
				at, ok := x.newest[KeyOf(n.letter)]
				if !ok || n.mark != nil || n.old || at.part != i || at.line != n.line {
					continue
				}
				n.letter.Time = at.at
				if !yield(n.letter, nil) {
					return
				}
			}
		}
	}
}
