package runtimeapi

import (
	"bytes"
	"io"
	"os"
)

// output is the pipe that the process prints to. What was printed before a moment can be waited for, so that the log of
// an invocation comes before its END line.
type output struct {
	read, write *os.File
	mark        []byte
	seen        chan struct{} // one for each mark
	done        chan struct{} // closed when everything is copied
}

// newOutput copies what is written to the pipe to w.
func newOutput(w io.Writer) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{
		read: read, write: write, mark: []byte("\x00" + randomHex(32) + "\x00"),
		seen: make(chan struct{}), done: make(chan struct{}),
	}
	go o.copy(w)
	return o, nil
}

// flush returns when everything that is in the pipe now is copied. A pipe keeps the order, and a mark this short in one
// piece.
func (o *output) flush() {
	if _, err := o.write.Write(o.mark); err != nil {
		return
	}
	select {
	case <-o.seen:
	case <-o.done:
	}
}

func (o *output) copy(w io.Writer) {
	defer close(o.done)
	var held []byte // not written yet: it may be the beginning of a mark
	buf := make([]byte, 32<<10)
	for {
		n, err := o.read.Read(buf)
		held = append(held, buf[:n]...)
		for {
			before, after, found := bytes.Cut(held, o.mark)
			if !found {
				break
			}
			_, _ = w.Write(before)
			held = after
			o.seen <- struct{}{}
		}
		keep := 0
		if at := bytes.LastIndexByte(held[max(0, len(held)-len(o.mark)):], 0); at >= 0 {
			keep = min(len(held), len(o.mark)) - at
		}
		if err != nil {
			keep = 0
		}
		_, _ = w.Write(held[:len(held)-keep])
		held = append([]byte(nil), held[len(held)-keep:]...)
		if err != nil {
			return
		}
	}
}

// close ends the copying, also when something that the process started still holds the pipe.
func (o *output) close() {
	o.flush()
	_ = o.read.Close()
	<-o.done
	_ = o.write.Close()
}
