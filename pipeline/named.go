package pipeline

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// named gives the objects that lines name. It can be gone through once.
type named struct {
	lines  io.Reader
	bucket string // of keys; empty when the lines are URLs and paths
	s3     *source.S3
	files  source.Files
	done   bool
}

// longestName is the longest line: a key has at most 1,024 bytes, a path 4,096.
const longestName = 8 << 10

var errLines = errors.New("the lines were read before")

// Items is part of penstock.Source.
func (n *named) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		if n.done {
			yield(penstock.Item{}, errLines)
			return
		}
		n.done = true
		lines := bufio.NewScanner(n.lines)
		lines.Buffer(nil, longestName)
		for number := 1; lines.Scan(); number++ {
			name := strings.TrimSuffix(lines.Text(), "\r")
			if name == "" {
				continue
			}
			if ctx.Err() != nil || !n.give(ctx, name, number, yield) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(penstock.Item{}, fmt.Errorf("read names of objects: %w", err))
		}
	}
}

// give gives the items of one line.
func (n *named) give(
	ctx context.Context, name string, number int, yield func(penstock.Item, error) bool,
) bool {
	if n.bucket != "" && !strings.HasPrefix(name, "s3://") {
		return yield(n.object(source.Ref{Bucket: n.bucket, Key: name, Size: -1}), nil)
	}
	if strings.HasPrefix(name, "s3://") {
		loc, err := source.ParseLocation(name)
		if err == nil && loc.Prefix == "" {
			err = fmt.Errorf("%q names no key", name)
		}
		if err != nil {
			return yield(penstock.Item{}, optionf(BadSelection, "--files-from: line %d: %w", number, err))
		}
		return yield(n.object(source.Ref{Bucket: loc.Bucket, Key: loc.Prefix, Version: loc.Version, Size: -1}), nil)
	}
	f, err := source.NewFiles([]string{name})
	if err != nil {
		return yield(missing(name, err), nil)
	}
	f.Machine, f.Linger = n.files.Machine, n.files.Linger
	for item, err := range f.Items(ctx) {
		if !yield(item, err) {
			return false
		}
	}
	return true
}

func (n *named) object(ref source.Ref) penstock.Item {
	o := n.s3.Object(ref)
	return penstock.Item{ID: o.Name, Objects: []penstock.Object{o}}
}

// missing is the item of a file that is not there: it fails alone.
func missing(name string, err error) penstock.Item {
	return penstock.Item{ID: name, Objects: []penstock.Object{{
		Name: name, Size: -1, Open: func(context.Context) (*penstock.Stream, error) { return nil, err },
	}}}
}
