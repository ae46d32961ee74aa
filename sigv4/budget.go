package sigv4

import (
	"fmt"
	"io"
	"sync"
)

// Budget bounds what the bodies of all requests under way take together. Bodies that find no memory left go to files
// at once, and a body that finds no room there either fails with a *[BusyError]. Several transports may share one. It
// must not be copied after first use.
type Budget struct {
	// Memory and Disk are in bytes. Zero leaves none.
	Memory, Disk int64
	// AtOnce is how many bytes of bodies over 1 MiB may come at the same time before others wait, for a second at
	// most. It keeps memory small where clients are fast. Zero lets all come.
	AtOnce int64

	mu           sync.Mutex
	memory, disk int64   // taken
	coming       int64   // bytes of the bodies whose turn it is
	waiting      []*turn // the first came first
}

// Taken returns how many bytes of memory and disk bodies take at the moment.
func (b *Budget) Taken() (memory, disk int64) {
	if b == nil {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.memory, b.disk
}

// BusyError says that the bodies under way have taken all the room that there is. The same request can succeed when
// some of them are done.
type BusyError struct {
	// Disk is the bound that was reached, in bytes.
	Disk int64
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("keep request body: the bodies of other requests take all of %d bytes", e.Disk)
}

// Temporary is always true.
func (e *BusyError) Temporary() bool { return true }

// takeMemory reports whether there are n bytes of memory, and takes them. A nil budget has all.
func (b *Budget) takeMemory(n int64) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.memory+n > b.Memory {
		return false
	}
	b.memory += n
	return true
}

func (b *Budget) takeDisk(n int64) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.disk+n > b.Disk {
		return &BusyError{Disk: b.Disk}
	}
	b.disk += n
	return nil
}

func (b *Budget) giveBack(memory, disk int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.memory -= memory
	b.disk -= disk
}

// diskWriter writes the part of a body that is not in memory, as far as the budget goes.
type diskWriter struct {
	w io.Writer
	p *payload
}

func (d diskWriter) Write(b []byte) (int, error) {
	if err := d.p.budget.takeDisk(int64(len(b))); err != nil {
		return 0, err
	}
	d.p.disk += int64(len(b))
	return d.w.Write(b)
}
