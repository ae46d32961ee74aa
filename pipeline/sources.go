package pipeline

import (
	"context"
	"io"
	"iter"
	"log/slog"
	"os"
	"slices"
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
	// List says which objects of S3 are listed, and Select which of all objects are taken.
	List   source.ListOptions
	Select Selection
	// From, when set, has keys of S3 or names of files, one on a line, which are the objects to read: URLs of S3, keys in
	// the bucket that Names gives alone, or without one paths.
	From io.Reader
	// Place names this machine or tree of files, for the ids of records in files: it parts machines with equal paths.
	Place string
	// Linger is how long what standard input has given may wait for what follows it.
	Linger time.Duration
	// Empty, when set, is told of a name, at its end, in which there is no file or no object.
	Empty func(name string)

	noted *checkpoint // nil without one
}

// Open makes one source of all names, in their order, but for files and directories: they come together, where the
// first of them stands, because a file that several of them lead to is read once. What can be wrong with a name is
// found here. Identity is who reads S3 when s3 does not say it.
func (o *Sources) Open(ctx context.Context, identity *AWS, s3 *S3, l *slog.Logger) (penstock.Source, error) {
	choice, err := o.Select.compile(time.Now())
	if err != nil {
		return nil, err
	}
	if o.noted != nil && (o.From != nil || choice.newest || o.List.Versions || slices.ContainsFunc(o.Names, notListed)) {
		return nil, optionf(BadCheckpoint, "--checkpoint is for prefixes of S3 in the order of their names: not for files, "+
			"single versions, --files-from, --all-versions or --order newest")
	}
	if o.From != nil {
		listed, err := o.listed(ctx, identity, s3, l)
		if err != nil {
			return nil, err
		}
		return choice.source(listed), nil
	}
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
			listing := o.List
			if o.noted != nil {
				listing.StartAfter = max(listing.StartAfter, o.noted.after(loc))
			}
			s := buckets.List(loc, listing)
			if o.noted == nil || o.noted.after(loc) == "" { // otherwise there was something before
				s = &noting{Source: s, empty: func() { o.noteEmpty(loc.String()) }}
			}
			if o.noted != nil {
				s = o.noted.source(loc, s)
			}
			all = append(all, s)
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
	if choice.newest && files != nil {
		return nil, optionf(BadSelection, "--order newest is for objects of S3: files are read as they are found")
	}
	return choice.source(source.Concat(all...)), nil
}

// listed returns the source of what is named on the lines of From.
func (o *Sources) listed(ctx context.Context, identity *AWS, s3 *S3, l *slog.Logger) (penstock.Source, error) {
	n := &named{lines: o.From, files: source.Files{Machine: o.Place, Linger: o.Linger}}
	switch {
	case len(o.Names) > 1:
		return nil, optionf(BadSelection, "--files-from names the objects; beside it stands one bucket, or nothing")
	case len(o.Names) == 1:
		loc, err := source.ParseLocation(o.Names[0])
		if err != nil || loc.Prefix != "" {
			return nil, optionf(BadSelection,
				"--files-from names the objects; beside it stands one bucket, such as s3://my-logs")
		}
		n.bucket = loc.Bucket
	}
	var err error
	n.s3, err = s3.Open(ctx, identity, l)
	return n, err
}

// notListed reports whether a name is anything else than a place in S3 that is listed.
func notListed(name string) bool {
	loc, err := source.ParseLocation(name)
	return err != nil || loc.Version != ""
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
