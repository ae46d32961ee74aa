// Package hostile has an S3 and a domain in memory for tests, which misbehave on demand, in every way that a network, a
// proxy or a server has been seen to.
package hostile

import (
	"crypto/md5" //nolint:gosec // an entity tag, no secret
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bucket is the name of the one bucket.
const Bucket = "b"

// S3 is a server with one bucket, for path-style requests. Its signatures are nobody's business. The zero value is an
// empty bucket.
type S3 struct {
	// PageKeys is the number of keys on a page of a listing, 1000 when zero.
	PageKeys int
	// Summed gives the objects checksums, as AWS does.
	Summed bool
	// Get and List answer in place of the server, unless they return false. They may change the objects. Once the server
	// is asked, only Misbehave and Calm change them.
	Get  func(w http.ResponseWriter, r *Get) bool
	List func(w http.ResponseWriter, l *List) bool

	mu      sync.Mutex
	objects map[string]string
	gets    map[string]int
	lists   int
	ranges  []string
}

// Get is a request for an object.
type Get struct {
	*http.Request
	Key, Body string
	// N counts the requests for this object, from 1.
	N int
	// From is where the range begins that is asked for.
	From int
}

// List is a request for a page of a listing.
type List struct {
	*http.Request
	// N counts the pages that were asked for, from 1.
	N int
	// Page is what the server would answer.
	Page string
}

// Calm ends all misbehaviour.
func (s *S3) Calm() { s.Misbehave(nil, nil) }

// Misbehave changes Get and List of a server that is being asked.
func (s *S3) Misbehave(get func(w http.ResponseWriter, r *Get) bool, list func(w http.ResponseWriter, l *List) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Get, s.List = get, list
}

// Put stores an object.
func (s *S3) Put(key, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string]string{}
	}
	s.objects[key] = body
}

// Ranges returns the Range headers of the requests for objects so far.
func (s *S3) Ranges() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ranges)
}

// ETag is the entity tag of a body, without quotes.
func ETag(body string) string {
	sum := md5.Sum([]byte(body)) //nolint:gosec // an entity tag, no secret
	return hex.EncodeToString(sum[:])
}

// Sum is the checksum that the server gives for a body.
func Sum(body string) string {
	sum := crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// SumHeader is the header that carries it.
const SumHeader = "X-Amz-Checksum-Crc32c"

// ServeHTTP answers listings and requests for objects.
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	key, _ = url.PathUnescape(key)
	if bucket != Bucket {
		Fail(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	if key == "" {
		s.list(w, r)
		return
	}
	s.get(w, r, key)
}

func (s *S3) get(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	body, ok := s.objects[key]
	if s.gets == nil {
		s.gets = map[string]int{}
	}
	s.gets[key]++
	g := &Get{Request: r, Key: key, Body: body, N: s.gets[key]}
	s.ranges = append(s.ranges, r.Header.Get("Range"))
	behave := s.Get
	s.mu.Unlock()
	if !ok {
		Fail(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &g.From)
	if behave != nil && behave(w, g) {
		return
	}
	g.Head(w, s.Summed)
	http.ServeContent(w, r, "", modified, strings.NewReader(body))
}

var modified = time.Unix(1447920000, 0)

// Head sets the headers that an object has whatever becomes of its body: not its length.
func (g *Get) Head(w http.ResponseWriter, summed bool) {
	w.Header().Set("ETag", `"`+ETag(g.Body)+`"`)
	w.Header().Set("X-Amz-Version-Id", "null")
	w.Header().Set("Last-Modified", modified.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "binary/octet-stream")
	if summed && g.Header.Get("X-Amz-Checksum-Mode") != "" && g.Header.Get("Range") == "" {
		w.Header().Set(SumHeader, Sum(g.Body))
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
}

// Fail answers with an error of S3's.
func Fail(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `<Error><Code>%s</Code><Message>%s it is</Message></Error>`, code, code)
}

type page struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	Prefix                string
	KeyCount, MaxKeys     int
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listed
}

type listed struct {
	Key, LastModified, ETag string
	Size                    int
}

func (s *S3) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.lists++
	l := &List{Request: r, N: s.lists, Page: s.page(r.URL.Query())}
	behave := s.List
	s.mu.Unlock()
	if behave != nil && behave(w, l) {
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, l.Page) //nolint:gosec // XML for a test, not a page for a browser
}

// page writes a page of a listing. s.mu is held.
func (s *S3) page(q url.Values) string {
	after := q.Get("continuation-token")
	if after == "" {
		after = q.Get("start-after")
	}
	var keys []string
	for k := range s.objects {
		if strings.HasPrefix(k, q.Get("prefix")) && k > after {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	size := s.PageKeys
	if size == 0 {
		size = 1000
	}
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		size = min(size, n)
	}
	p := page{Name: Bucket, Prefix: q.Get("prefix"), MaxKeys: size, EncodingType: q.Get("encoding-type")}
	if len(keys) > size {
		keys = keys[:size]
		p.IsTruncated, p.NextContinuationToken = true, keys[size-1]
	}
	p.KeyCount = len(keys)
	for _, k := range keys {
		body := s.objects[k]
		if p.EncodingType == "url" {
			k = strings.ReplaceAll(url.QueryEscape(k), "%2F", "/")
		}
		p.Contents = append(p.Contents, listed{
			Key: k, LastModified: modified.UTC().Format(time.RFC3339), ETag: `"` + ETag(body) + `"`, Size: len(body),
		})
	}
	text, err := xml.Marshal(p)
	if err != nil {
		panic(err) // keys are strings
	}
	return xml.Header + string(text)
}
