package source_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"io"
	"math/bits"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/internal/hostile"
	"github.com/seed56735111/penstock/source"
)

// byPlace opens an object and reads some of its beginning, as who looks at what it is does.
func byPlace(t *testing.T, s *hostile.S3) (*penstock.Stream, penstock.Places) {
	t.Helper()
	ref := source.Ref{Bucket: hostile.Bucket, Key: "k", Size: -1}
	object := open(t, s).Object(ref)
	stream, err := object.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stream.Close() })
	if _, err := io.ReadFull(stream, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	return stream, stream.Places()
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return string(b)
}

// inRange makes the first request for a range fail.
func inRange(fault hostile.GetFault) func(http.ResponseWriter, *hostile.Get) bool {
	var once sync.Once
	return func(w http.ResponseWriter, g *hostile.Get) bool {
		failed := false
		if g.From > 2000 {
			once.Do(func() {
				failed = true
				fault(w, g)
			})
		}
		return failed
	}
}

func asItIs(body string) string { return body }

func flipped(body string) string {
	b := []byte(body)
	for i := range b {
		b[i] ^= 1
	}
	return string(b)
}

func TestARangeIsReadWhateverBreaks(t *testing.T) {
	t.Parallel()
	body := random(300_000)
	for name, fault := range map[string]hostile.GetFault{
		"nothing":            nil,
		"reset":              hostile.Part(asItIs, 1000),
		"reset at its head":  hostile.Part(asItIs, 0),
		"the whole in place": func(w http.ResponseWriter, g *hostile.Get) { hostile.Whole(w, g) },
		"HTML":               hostile.Page,
		"busy":               func(w http.ResponseWriter, _ *hostile.Get) { hostile.Fail(w, 503, "SlowDown") },
		"another range": func(w http.ResponseWriter, g *hostile.Get) {
			g.Header.Set("Range", "bytes=7-9")
			hostile.Part(asItIs, 9)(w, g)
		},
		"a stall in a range":  stalled,
		"HTTP/1.0, cut in it": hostile.PlainAndCut,
	} {
		s := holding(map[string]string{"k": body})
		if fault != nil {
			s.Get = inRange(fault)
		}
		stream, places := byPlace(t, s)
		if !places.Far() || places.Size() != int64(len(body)) {
			t.Errorf("%s: far %v, size %d", name, places.Far(), places.Size())
		}
		var wg sync.WaitGroup
		for _, at := range []int{0, 500, 200_000, 3000, 299_000} {
			wg.Go(func() {
				b := make([]byte, 1500)
				n, err := places.ReadAt(b, int64(at))
				if n < len(b) && errors.Is(err, io.EOF) {
					b, err = b[:n], nil
				}
				if string(b) != body[at:min(at+1500, len(body))] || err != nil {
					t.Errorf("%s: at %d %d bytes, error %v", name, at, n, err)
				}
			})
		}
		wg.Wait()
		if n, err := places.ReadAt(make([]byte, 1), int64(len(body))); n > 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s: behind the end %d bytes, %v", name, n, err)
		}
		// Reading one behind the other goes on where it was.
		rest, err := io.ReadAll(stream)
		if err != nil || string(rest) != body[1000:] {
			t.Errorf("%s: then %d bytes, error %v", name, len(rest), err)
		}
	}
}

// stalled sends the head of a range and nothing more.
func stalled(w http.ResponseWriter, g *hostile.Get) {
	var from, to int
	_, _ = fmt.Sscanf(g.Header.Get("Range"), "bytes=%d-%d", &from, &to)
	g.Head(w, false)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, len(g.Body)))
	w.WriteHeader(http.StatusPartialContent)
	_ = http.NewResponseController(w).Flush()
	<-g.Context().Done()
}

// Every request names the entity tag that was seen first, so that no bytes of another object are mixed in.
func TestAnObjectThatIsReplacedBetweenRangesIsGivenBack(t *testing.T) {
	t.Parallel()
	body := random(300_000)
	s := holding(map[string]string{"k": body})
	_, places := byPlace(t, s)
	_, others := byPlace(t, s)
	if _, err := places.ReadAt(make([]byte, 10), 100_000); err != nil {
		t.Fatal(err)
	}
	s.Put("k", flipped(body))
	_, err := places.ReadAt(make([]byte, 10), 200_000)
	if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
		t.Errorf("error %v", err)
	}
	// An answer that does not heed If-Match is seen, too.
	s.Misbehave(func(w http.ResponseWriter, g *hostile.Get) bool {
		hostile.Part(asItIs, 1<<20)(w, g)
		return true
	}, nil)
	_, err = others.ReadAt(make([]byte, 10), 200_000)
	if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
		t.Errorf("error %v", err)
	}
}

// Whoever reads several ranges at once waits for all of them; when one fails, the others are of no use.
func TestARangeThatFailsEndsTheOthers(t *testing.T) {
	t.Parallel()
	body := random(300_000)
	s := holding(map[string]string{"k": body})
	_, places := byPlace(t, s)
	waiting, ended := make(chan struct{}), make(chan struct{})
	s.Misbehave(func(w http.ResponseWriter, g *hostile.Get) bool {
		if g.From == 100_000 {
			close(waiting)
			<-g.Context().Done()
			close(ended)
			return true
		}
		hostile.Fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return true
	}, nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := places.ReadAt(make([]byte, 10), 100_000)
		if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
			t.Errorf("what was under way ends with %v", err)
		}
	})
	<-waiting
	_, err := places.ReadAt(make([]byte, 10), 200_000)
	if se, ok := errors.AsType[*source.Error](err); !ok || se.Kind != source.KindChanged {
		t.Errorf("error %v", err)
	}
	wg.Wait()
	<-ended
	if _, err := places.ReadAt(make([]byte, 10), 0); err == nil {
		t.Error("a range is read behind a failure")
	}
}

func sum32(poly uint32) func(string) []byte {
	return func(body string) []byte {
		return binary.BigEndian.AppendUint32(nil, crc32.Checksum([]byte(body), crc32.MakeTable(poly)))
	}
}

func sum64(body string) []byte {
	nvme := crc64.MakeTable(bits.Reverse64(0xad93d23594c93659))
	return binary.BigEndian.AppendUint64(nil, crc64.Checksum([]byte(body), nvme))
}

// The checksum of the whole is made of those of the parts, in whatever order they are read; what nobody has read is
// read for it.
func TestTheChecksumOfAnObjectHoldsForItsRanges(t *testing.T) {
	t.Parallel()
	body := random(300_001)
	for name, sum := range map[string]func(string) []byte{
		"Crc32c": sum32(crc32.Castagnoli), "Crc32": sum32(crc32.IEEE), "Crc64nvme": sum64,
	} {
		for _, altered := range []string{"", "in a range", "in what nobody read", "at first"} {
			s := holding(map[string]string{"k": body})
			s.Get = func(w http.ResponseWriter, g *hostile.Get) bool {
				w.Header().Set("X-Amz-Checksum-"+name, base64.StdEncoding.EncodeToString(sum(body)))
				change := asItIs
				switch {
				case g.Header.Get("Range") == "":
					if altered == "at first" {
						g.Body = flipped(body)
						w.Header().Set("ETag", `"`+hostile.ETag(body)+`"`)
						w.Header().Set("Content-Length", fmt.Sprint(len(body)))
						_, _ = io.WriteString(w, g.Body)
						return true
					}
					return false
				case altered == "in a range" && g.From == 250_000, altered == "in what nobody read" && g.From == 260_000:
					change = flipped
				}
				hostile.Part(change, 1<<20)(w, g)
				return true
			}
			stream, places := byPlace(t, s)
			if !stream.Summed || places == nil {
				t.Fatalf("%s: summed %v, places %v", name, stream.Summed, places)
			}
			for _, part := range [][2]int{{250_000, 10_000}, {500, 800}, {20_000, 5000}, {10_000, 240_000}, {299_000, 5000}} {
				_, err := places.ReadAt(make([]byte, part[1]), int64(part[0]))
				if err != nil && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			before := len(s.Ranges())
			err := places.End()
			_, isAltered := errors.AsType[*penstock.AlteredError](err)
			if isAltered != (altered != "") || !isAltered && err != nil {
				t.Errorf("%s, altered %q: error %v", name, altered, err)
			}
			if got, want := s.Ranges()[before:], []string{"bytes=1300-9999", "bytes=260000-298999"}; !slices.Equal(got, want) {
				t.Errorf("%s: for the checksum %q, want %q", name, got, want)
			}
			if _, rerr := stream.Read(make([]byte, 1)); (err == nil) != errors.Is(rerr, io.EOF) {
				t.Errorf("%s: Read says %v, End %v", name, rerr, err)
			}
		}
	}
	// Sums that do not come of those of parts are taken by reading one behind the other.
	s := holding(map[string]string{"k": body})
	s.Get = func(w http.ResponseWriter, _ *hostile.Get) bool {
		sha := sha256.Sum256([]byte(body))
		w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sha[:]))
		return false
	}
	if stream, places := byPlace(t, s); places != nil || !stream.Summed {
		t.Errorf("places %v of an object with an SHA-256", places)
	}
}

// All of a file that is read by place must be as it was when it was opened.
func TestAFileByPlaceIsAsItWas(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 10_000)
	for name, tt := range map[string]struct {
		change func(path string) error
		kind   source.Kind
	}{
		"nothing": {func(string) error { return nil }, source.KindOther},
		"appended to": {func(path string) error {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, err = f.WriteString("more")
				err = errors.Join(err, f.Close())
			}
			return err
		}, source.KindChanged},
		"truncated":             {func(path string) error { return os.Truncate(path, 50_000) }, source.KindChanged},
		"written anew":          {func(path string) error { return os.WriteFile(path, []byte(long), 0) }, source.KindChanged},
		"replaced under a name": {replace, source.KindOther},
		"moved":                 {func(path string) error { return os.Rename(path, path+".1") }, source.KindOther},
	} {
		path := filepath.Join(t.TempDir(), "a")
		if err := os.WriteFile(path, []byte(long), 0o600); err != nil {
			t.Fatal(err)
		}
		hour := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, hour, hour); err != nil {
			t.Fatal(err)
		}
		files, err := source.NewFiles([]string{path})
		if err != nil {
			t.Fatal(err)
		}
		for item := range files.Items(t.Context()) {
			stream, err := item.Objects[0].Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(stream, make([]byte, 5)); err != nil {
				t.Fatal(err)
			}
			places := stream.Places()
			b := make([]byte, 10)
			n, err := places.ReadAt(b, int64(len(long))-7)
			if n != 7 || !errors.Is(err, io.EOF) || !bytes.Equal(b[:n], []byte("3456789")) || places.Far() {
				t.Errorf("%s: %q, %v", name, b[:n], err)
			}
			if err := tt.change(path); err != nil {
				t.Fatal(err)
			}
			n, err = places.ReadAt(b, 60_000)
			for _, err := range []error{err, places.End()} {
				se, _ := errors.AsType[*source.Error](err)
				if changed := se != nil && se.Kind == source.KindChanged; changed != (tt.kind == source.KindChanged) ||
					!changed && err != nil {
					t.Errorf("%s: %q, %v", name, b[:n], err)
				}
			}
			_ = stream.Close()
		}
	}
}

func replace(path string) error {
	other := path + ".new"
	return errors.Join(os.WriteFile(other, []byte("other"), 0o600), os.Rename(other, path))
}
