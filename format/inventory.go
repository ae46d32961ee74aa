package format

import (
	"bytes"
	"path"
	"strings"
)

// aboutObjects says what an object is that holds no records, but tells of the objects that do; empty when it is none.
func aboutObjects(name string, text []byte) string {
	switch {
	case inventory(name, text):
		return "S3 Inventory, a list of objects"
	case isTrailDigest(text):
		return trailDigest
	}
	return ""
}

// inventory reports whether an object is a part of an S3 Inventory, which lists objects: its manifest, the sum of that,
// or rows. Its name and its content both have to say so, because other data are called the same.
func inventory(name string, text []byte) bool {
	dir, base := path.Split(name)
	base = strings.TrimSuffix(base, ".gz")
	switch {
	case base == "manifest.json":
		return contains(text, `"sourceBucket"`) && contains(text, `"destinationBucket"`) && contains(text, `"fileSchema"`)
	case base == "manifest.checksum":
		sum := bytes.TrimSpace(text)
		return len(sum) == len("d41d8cd98f00b204e9800998ecf8427e") && len(bytes.Trim(sum, "0123456789abcdef")) == 0
	case base == "symlink.txt":
		return strings.Contains(dir, "/hive/dt=") && bytes.HasPrefix(text, []byte("s3://"))
	case strings.HasSuffix(dir, "/data/") && len(base) == len("01234567-89ab-cdef-0123-456789abcdef.csv") &&
		strings.HasSuffix(base, ".csv"):
		return isListing(text)
	}
	return false
}

func contains(text []byte, name string) bool { return bytes.Contains(text, []byte(name)) }

// isListing reports whether the rows of a text begin with the name of one bucket and a key, in quotes.
func isListing(text []byte) bool {
	line, rest, more := bytes.Cut(text, []byte{'\n'})
	bucket, key, ok := bytes.Cut(line, []byte(`","`))
	if !ok || len(bucket) < len(`"abc`) || bucket[0] != '"' || bytes.IndexByte(bucket[1:], '"') >= 0 || len(key) == 0 {
		return false
	}
	return !more || len(rest) == 0 || bytes.HasPrefix(rest, line[:len(bucket)+len(`","`)])
}
