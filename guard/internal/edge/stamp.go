package edge

import (
	"io/fs"
	"time"
)

// ReloadEvery is how often a file is looked at, at most, for its date and size.
const ReloadEvery = time.Second

// Stamp tells one state of a file from the next.
type Stamp struct {
	mod  time.Time
	size int64
}

// StampOf is the state of a file. What is no regular file is in one state only: a pipe is read once, as to open it again
// could block, and every request with it.
func StampOf(info fs.FileInfo) Stamp {
	if !info.Mode().IsRegular() {
		return Stamp{size: -1}
	}
	return Stamp{info.ModTime(), info.Size()}
}
