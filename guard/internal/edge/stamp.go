package edge

import (
	"io/fs"
	"time"
)

// ReloadEvery is the least time between two looks at a file's date and size.
const ReloadEvery = time.Second

// Stamp tells one state of a file from the next.
type Stamp struct {
	mod  time.Time
	size int64
}

// StampOf is the state of a file. A file that is not regular has one state only: opening a pipe again could block, and
// every request with it.
func StampOf(info fs.FileInfo) Stamp {
	if !info.Mode().IsRegular() {
		return Stamp{size: -1}
	}
	return Stamp{info.ModTime(), info.Size()}
}
