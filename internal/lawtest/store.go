package lawtest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// readingFault is one way in which S3, or a proxy in front of it, misbehaves.
type readingFault uint8

const (
	noReadingFault readingFault = iota
	cutOff                      // the connection breaks
	short                       // a body without a length ends early, in an orderly way
	shortLength                 // the length is that of the part that is sent
	page                        // a proxy's page with status 200
	busy                        // 503
	altered                     // a record of the true length and a false text
	readingFaults               // the number of them
)

// store is a model of S3 with the objects of a world. It is an HTTP client for source.S3.
type store struct{ world *World }

var errCutOff = errors.New("read: connection reset by peer")

// Do answers a request for an object.
func (s *store) Do(req *http.Request) (*http.Response, error) {
	w := s.world
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.find(strings.TrimPrefix(req.URL.Path, "/b/"))
	text := o.text()
	again := req.Context().Value(againKey{}) != nil
	if req.Context().Value(goneKey{}) != nil {
		return w.changed(req, text), nil
	}
	from, status := 0, http.StatusOK
	header := http.Header{"Etag": {`"e"`}}
	if _, err := fmt.Sscanf(req.Header.Get("Range"), "bytes=%d-", &from); err == nil {
		status = http.StatusPartialContent
		header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(text)-1, len(text)))
	} else {
		sum := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli))
		header.Set("X-Amz-Checksum-Crc32c", base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum)))
	}
	rest := text[from:]
	end, length := io.EOF, len(rest)
	f := w.drawReading()
	o.lost = o.lost || again && f != noReadingFault
	switch f {
	case cutOff, short, shortLength:
		if len(rest) == 0 {
			break
		}
		rest = rest[:w.rand.IntN(len(rest))]
		switch f {
		case cutOff:
			end = errCutOff
		case short:
			length = -1
		case shortLength:
			length = len(rest)
		}
	case page:
		header, rest = http.Header{"Content-Type": {"text/html"}}, []byte("<html>Sign in</html>")
		status, length = http.StatusOK, len(rest)
	case busy:
		header, rest = http.Header{}, []byte("<Error><Code>SlowDown</Code><Message>less</Message></Error>")
		status, length = http.StatusServiceUnavailable, len(rest)
	case altered:
		if again {
			rest = bytes.ReplaceAll(rest, []byte(`"kind":"poison"`), []byte(`"kind":"POISON"`))
			break
		}
		rest = w.alter(o, rest, from)
	}
	if length >= 0 {
		header.Set("Content-Length", strconv.Itoa(length))
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: header, ContentLength: int64(length), Request: req,
		Body: io.NopCloser(io.MultiReader(bytes.NewReader(rest), &ending{end})),
	}, nil
}

// changed answers a request for an object that is not there any longer, may not be read any longer, or is another one
// by now, which some servers send whatever is asked for. w.mu is held.
func (w *World) changed(req *http.Request, text []byte) *http.Response {
	one := []struct {
		status int
		code   string
	}{
		{http.StatusNotFound, "NoSuchKey"},
		{http.StatusPreconditionFailed, "PreconditionFailed"},
		{http.StatusForbidden, "AccessDenied"},
		{http.StatusOK, ""},
	}[w.rand.IntN(4)]
	header, body := http.Header{}, []byte("<Error><Code>"+one.code+"</Code><Message>no</Message></Error>")
	if one.status == http.StatusOK {
		header, body = http.Header{"Etag": {`"another"`}}, bytes.ToUpper(text)
	}
	header.Set("Content-Length", strconv.Itoa(len(body)))
	return &http.Response{
		StatusCode: one.status, Status: http.StatusText(one.status), Header: header, ContentLength: int64(len(body)),
		Request: req, Body: io.NopCloser(bytes.NewReader(body)),
	}
}

// ending is the end of a body.
type ending struct{ err error }

func (e *ending) Read([]byte) (int, error) { return 0, e.err }

// drawReading draws the fault of the next reading. w.mu is held.
func (w *World) drawReading() readingFault {
	if len(w.ReadingKinds) == 0 || w.rand.Float64() >= w.ReadingShare {
		return noReadingFault
	}
	return w.ReadingKinds[w.rand.IntN(len(w.ReadingKinds))]
}

// alter changes one record in what follows a position, if there is one that is delivered. w.mu is held.
func (w *World) alter(o *object, rest []byte, from int) []byte {
	var places []int
	for n, kind := range o.kinds {
		if at := n*recordStride - from; at >= 0 && kind == "ok" {
			places = append(places, at)
		}
	}
	if len(places) == 0 {
		return rest
	}
	o.altered, w.anyAltered = true, true
	rest = bytes.Clone(rest)
	record := rest[places[w.rand.IntN(len(places))]:][:recordStride]
	copy(record, bytes.Replace(record, []byte(`"kind":"ok"`), []byte(`"kind":"OK"`), 1))
	return rest
}

// text is what is stored: records of the same length, filled up with spaces.
func (o *object) text() []byte {
	var b bytes.Buffer
	for n := range o.kinds {
		fmt.Fprintf(&b, "%-*s\n", recordStride-1, o.raw(n))
	}
	return b.Bytes()
}
