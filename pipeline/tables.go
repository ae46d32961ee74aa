package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/source"
)

// ObjectsBy returns what opens an s3:// URL, with a client that s3 is asked for when there is one to open.
func ObjectsBy(ctx context.Context, s3 func() (*source.S3, error)) func(url string) (io.ReadCloser, error) {
	return func(url string) (io.ReadCloser, error) {
		loc, err := objectAt(url)
		if err != nil {
			return nil, err
		}
		client, err := s3()
		if err != nil {
			return nil, err
		}
		o := client.Object(source.Ref{Bucket: loc.Bucket, Key: loc.Prefix, Version: loc.Version, Size: -1})
		stream, err := o.Open(ctx)
		if err != nil {
			return nil, err
		}
		return stream, nil
	}
}

// objectAt reads the URL of one object.
func objectAt(url string) (source.Location, error) {
	loc, err := source.ParseLocation(url)
	if err == nil && (loc.Prefix == "" || strings.HasSuffix(loc.Prefix, "/")) {
		err = fmt.Errorf("%q names no object", url)
	}
	return loc, err
}

// tableOf finds a table by its name.
func tableOf(tables []rules.TableSource, name string) (*rules.TableSource, error) {
	for i := range tables {
		if tables[i].Name == name {
			return &tables[i], nil
		}
	}
	return nil, &NoTableError{name}
}

// NoTableError is about a table that is not among those of the file.
type NoTableError struct{ Name string }

func (e *NoTableError) Error() string { return fmt.Sprintf("no table is called %q", e.Name) }

// table reads a table, once.
func (o *Read) table(name string) (*rules.Table, error) {
	if t := o.loaded[name]; t != nil {
		return t, nil
	}
	s, err := tableOf(o.Lookups, name)
	if err != nil {
		return nil, err
	}
	from, err := o.openTable(s.At())
	if err != nil {
		return nil, fmt.Errorf("table %s: %w", name, err)
	}
	defer func() { _ = from.Close() }()
	t, err := rules.ReadTable(s, from)
	if err != nil {
		return nil, fmt.Errorf("table %s: read %s: %w", name, s.At(), err)
	}
	if o.loaded == nil {
		o.loaded = map[string]*rules.Table{}
	}
	o.loaded[name] = t
	return t, nil
}

func (o *Read) openTable(at string) (io.ReadCloser, error) {
	switch {
	case !strings.HasPrefix(at, "s3://"):
		return os.Open(at)
	case o.Object == nil:
		return nil, fmt.Errorf("open %s: tables in S3 are not read here", at)
	}
	return o.Object(at)
}

// CheckTable says what is wrong with a table as far as this machine knows without a request: where it is, and whether
// it can be a table.
func CheckTable(s *rules.TableSource) error {
	if strings.HasPrefix(s.At(), "s3://") {
		_, err := objectAt(s.At())
		return err
	}
	f, err := os.Open(s.At())
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("open %s: no file", s.At())
	case info.Size() > rules.MaxTable:
		return fmt.Errorf("%s has more than %d MiB", s.At(), rules.MaxTable>>20)
	case info.Size() == 0:
		return errors.New("the file is empty")
	}
	if s.CSV == "" {
		err = s.Database(f, info.Size())
	} else {
		_, _, _, err = s.Columns(f)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", s.At(), err)
	}
	return nil
}
