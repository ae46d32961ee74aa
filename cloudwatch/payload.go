package cloudwatch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// The bounds of a CloudWatch Logs payload. The service sends at most 1 MB of compressed log events at once and events
// of at most 1 MB, but a Kinesis record can be anybody's.
const (
	maxPayload = 64 << 20
	maxEvent   = 8 << 20
	maxMember  = 64 << 10
	maxLayers  = 3 // a subscription is gzip, and what carries it may compress it again
)

var (
	errPayload = errors.New("not a JSON object")
	errLong    = errors.New("too long")
)

// The attributes of an object that holds log events. One that the payload does not have is missing.
const (
	AttrLogGroup  = "log_group"
	AttrLogStream = "log_stream"
	AttrOwner     = "owner"
)

// Header is what is known of a payload without its log events.
type Header struct {
	// MessageType is DATA_MESSAGE, or CONTROL_MESSAGE for a probe by the service that holds no log events.
	MessageType string
	// Owner, LogGroup and LogStream are nil when the payload does not have them.
	Owner, LogGroup, LogStream *string
	// FirstID is the id of the first log event.
	FirstID string
	// HasEvents says that logEvents is a list.
	HasEvents bool
}

// Attr returns the header as the attributes of an object.
func (h *Header) Attr() map[string]string {
	attr := map[string]string{AttrLogGroup: ""}
	for name, value := range map[string]*string{AttrLogGroup: h.LogGroup, AttrLogStream: h.LogStream, AttrOwner: h.Owner} {
		if value != nil {
			attr[name] = *value
		}
	}
	return attr
}

// plainPayload returns a reader of the plain bytes.
func plainPayload(data []byte) (io.Reader, error) {
	var r io.Reader = bytes.NewReader(data)
	for range maxLayers {
		head := bufio.NewReader(r)
		magic, _ := head.Peek(2) // shorter is not compressed either
		r = head
		if !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
			break
		}
		var err error
		if r, err = gzip.NewReader(head); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ReadHeader reads a payload, which may be compressed, to its end and remembers what is not a log event. The header
// holds what came before an error.
func ReadHeader(data []byte) (Header, error) {
	var h Header
	r, err := plainPayload(data)
	if err != nil {
		return h, err
	}
	s := newPayloadScanner(r)
	s.member = func(name string, value []byte) error {
		into := map[string]any{
			"messageType": &h.MessageType, "owner": &h.Owner, "logGroup": &h.LogGroup, "logStream": &h.LogStream,
		}[name]
		if into == nil {
			return nil
		}
		return json.Unmarshal(value, into)
	}
	s.event = func(text []byte, _ int64) bool {
		if h.FirstID == "" {
			var e struct {
				ID json.RawMessage `json:"id"`
			}
			if json.Unmarshal(text, &e) == nil {
				h.FirstID = string(bytes.Trim(e.ID, `"`))
			}
		}
		return true
	}
	err = s.scan()
	h.HasEvents = s.listed
	return h, err
}

// payloadScanner walks through a payload event by event, so that one of any size takes little memory. It finds out
// where values end and leaves it to others to read them.
type payloadScanner struct {
	r   *bufio.Reader
	off int64  // of the next byte
	end int64  // most bytes that are read
	buf []byte // the value being read
	// listed says that there was a list of events.
	listed bool
	// member is told of the members of the object, event of the elements of logEvents, with their place; false ends the
	// scan. Their slices are valid during the call.
	member func(name string, value []byte) error
	event  func(text []byte, offset int64) bool
	// overlong is told of the elements of logEvents that are longer than longest, which are passed over; false ends the
	// scan.
	overlong func(beginning []byte, offset, length int64) bool
	longest  int
}

func newPayloadScanner(r io.Reader) *payloadScanner {
	size := 32 << 10
	if text, ok := r.(*bytes.Reader); ok {
		size = min(size, text.Len()) // the beginning of every object is looked at
	}
	return &payloadScanner{
		r: bufio.NewReaderSize(r, size), end: maxPayload, longest: maxEvent,
		member:   func(string, []byte) error { return nil },
		event:    func([]byte, int64) bool { return true },
		overlong: func([]byte, int64, int64) bool { return true },
	}
}

var errEnough = errors.New("enough")

func (s *payloadScanner) scan() error {
	err := s.object()
	if err == nil {
		// What follows the object, up to the checksum of the compression, must be nothing.
		if c, next := s.next(); next == nil {
			err = fmt.Errorf("%q after the object", c)
		} else if !errors.Is(next, io.EOF) {
			err = next
		}
	}
	switch {
	case errors.Is(err, errEnough):
		return nil
	case errors.Is(err, io.EOF):
		return io.ErrUnexpectedEOF
	}
	return err
}

func (s *payloadScanner) object() error {
	if c, err := s.next(); err != nil || c != '{' {
		return errors.Join(errPayload, err)
	}
	for n := 0; ; n++ {
		c, err := s.next()
		if err != nil || c == '}' && n == 0 {
			return err
		}
		if c != '"' {
			return errPayload
		}
		var name string
		raw, err := s.value(c, maxMember)
		if err == nil {
			err = json.Unmarshal(raw, &name)
		}
		if err != nil {
			return err
		}
		if c, err = s.next(); err != nil || c != ':' {
			return errors.Join(errPayload, err)
		}
		if c, err = s.next(); err != nil {
			return err
		}
		if name == "logEvents" && c == '[' {
			err = s.events()
		} else if raw, err = s.value(c, maxMember); err == nil {
			err = s.member(name, raw)
		}
		if err != nil {
			return err
		}
		if c, err = s.next(); err != nil || c == '}' {
			return err
		}
		if c != ',' {
			return errPayload
		}
	}
}

func (s *payloadScanner) events() error {
	s.listed = true
	for n := 0; ; n++ {
		c, err := s.next()
		if err != nil || c == ']' && n == 0 {
			return err
		}
		offset := s.off - 1
		text, err := s.value(c, s.longest)
		var more bool
		switch {
		case err == nil:
			more = s.event(text, offset)
		case errors.Is(err, errLong):
			more = s.overlong(s.buf, offset, s.off-offset)
		default:
			return err
		}
		if !more {
			return errEnough
		}
		if c, err = s.next(); err != nil || c == ']' {
			return err
		}
		if c != ',' {
			return errPayload
		}
	}
}

// next returns the next byte that is not white space.
func (s *payloadScanner) next() (byte, error) {
	for {
		c, err := s.r.ReadByte()
		if err != nil {
			return 0, err
		}
		if s.off++; s.off > s.end {
			return 0, fmt.Errorf("more than %d bytes", s.end)
		}
		switch c {
		case ' ', '\t', '\n', '\r':
		default:
			return c, nil
		}
	}
}

// value reads the value that begins with c, which has been read. Of a longer one it keeps as much as longest, reads it
// to its end, and returns errLong.
func (s *payloadScanner) value(c byte, longest int) ([]byte, error) {
	s.buf = append(s.buf[:0], c)
	from := s.off - 1
	depth, quoted := 0, c == '"'
	if c == '{' || c == '[' {
		depth = 1
	}
	scalar := depth == 0 && !quoted
	for {
		c, err := s.r.ReadByte()
		if errors.Is(err, io.EOF) && s.off-from > int64(longest) {
			return s.read(from, longest, nil)
		}
		if err != nil {
			return nil, err
		}
		if s.off++; s.off > s.end {
			return nil, fmt.Errorf("more than %d bytes", s.end)
		}
		if scalar && bytes.IndexByte([]byte(",}] \t\n\r"), c) >= 0 {
			s.off--
			return s.read(from, longest, s.r.UnreadByte())
		}
		s.keep(c, longest)
		switch {
		case quoted && c == '\\':
			if c, err = s.r.ReadByte(); err != nil {
				return nil, err
			}
			s.off++
			s.keep(c, longest)
		case c == '"':
			quoted = !quoted
			if !quoted && depth == 0 {
				return s.read(from, longest, nil)
			}
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				return s.read(from, longest, nil)
			}
		}
	}
}

func (s *payloadScanner) keep(c byte, longest int) {
	if len(s.buf) < longest {
		s.buf = append(s.buf, c)
	}
}

// read is a value that has come to its end.
func (s *payloadScanner) read(from int64, longest int, err error) ([]byte, error) {
	if length := s.off - from; err == nil && length > int64(longest) {
		return nil, fmt.Errorf("%w: a value of %d bytes, where %d are the most", errLong, length, longest)
	}
	return s.buf, err
}
