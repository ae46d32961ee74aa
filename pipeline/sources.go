package pipeline

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/source"
)

// Sources says where records come from.
type Sources struct {
	// Names are files, directories, - for standard input, s3://bucket/key, s3://bucket/prefix or
	// s3://bucket/key?versionId=ID.
	Names []string
	// Stdin is what - stands for, os.Stdin when nil.
	Stdin io.Reader
	// List says which objects of S3 are taken.
	List source.ListOptions
	// Place names this machine or tree of files, for the ids of records in files: it parts machines with equal paths.
	Place string
	// Linger is how long what standard input has given may wait for what follows it.
	Linger time.Duration
	// Empty, when set, is told of a name, at its end, in which there is no file or no object.
	Empty func(name string)
}

// Open makes one source of all names, in their order, but for files and directories: they come together, where the
// first of them stands, because a file that several of them lead to is read once. What can be wrong with a name is
// found here. Identity is who reads S3 when s3 does not say it.
func (o *Sources) Open(ctx context.Context, identity *AWS, s3 *S3, l *slog.Logger) (penstock.Source, error) {
	var all []penstock.Source
	var buckets *source.S3
	var files *source.Files
	var paths []string
	for _, name := range o.Names {
		switch {
		case name == "-":
			all = append(all, source.Stdin(o.stdin(), o.Linger))
		case strings.HasPrefix(name, "s3://"):
			loc, err := source.ParseLocation(name)
			if err != nil {
				return nil, &OptionError{BadLocation, err}
			}
			if buckets == nil {
				if buckets, err = s3.Open(ctx, identity, l); err != nil {
					return nil, err
				}
			}
			if loc.Version == "" {
				if err := buckets.Check(ctx, loc); err != nil {
					return nil, err
				}
			}
			all = append(all, &noting{Source: buckets.List(loc, o.List), empty: func() { o.noteEmpty(loc.String()) }})
		default:
			if files == nil {
				files = new(source.Files)
				all = append(all, files)
			}
			paths = append(paths, name)
		}
	}
	if files != nil {
		f, err := source.NewFiles(paths)
		if err != nil {
			return nil, err
		}
		*files = *f
		files.Machine, files.Linger, files.Empty = o.Place, o.Linger, o.noteEmpty
	}
	return source.Concat(all...), nil
}

func (o *Sources) stdin() io.Reader {
	if o.Stdin == nil {
		return os.Stdin
	}
	return o.Stdin
}

func (o *Sources) noteEmpty(name string) {
	if o.Empty != nil {
		o.Empty(name)
	}
}

// noting tells when a source comes to its end without an item.
type noting struct {
	penstock.Source
	empty func()
}

// Items is part of penstock.Source.
func (n *noting) Items(ctx context.Context) iter.Seq2[penstock.Item, error] {
	return func(yield func(penstock.Item, error) bool) {
		any := false
		for item, err := range n.Source.Items(ctx) {
			any = true
			if !yield(item, err) {
				return
			}
		}
		if !any && ctx.Err() == nil {
			n.empty()
		}
	}
}
