package sigv4_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/seed56735111/penstock/sigv4"
)

// wire is a request as bytes, with the parts that a signature covers.
type wire struct {
	raw []byte
	// parts are the ranges of raw that are mutated: method, target, names and values of headers, body.
	parts [][2]int
	// query is the range of the query, where escapes can be spelled in two ways.
	query [2]int
	// names are the ranges of header names, whose case does not count.
	names [][2]int
}

// write puts r on the wire with nothing but what is signed, and Content-Length.
func write(r *http.Request, target, body string) *wire {
	w := &wire{}
	part := func(s string) [2]int {
		start := len(w.raw)
		w.raw = append(w.raw, s...)
		p := [2]int{start, len(w.raw)}
		w.parts = append(w.parts, p)
		return p
	}
	line := func(name, value string) {
		w.names = append(w.names, part(name))
		w.raw = append(w.raw, ": "...)
		part(value)
		w.raw = append(w.raw, "\r\n"...)
	}
	part(r.Method)
	w.raw = append(w.raw, ' ')
	t := part(target)
	w.query = [2]int{t[0] + strings.IndexByte(target+"?", '?'), t[1]}
	w.raw = append(w.raw, " HTTP/1.1\r\n"...)
	line("Host", r.Host)
	for key, values := range r.Header {
		line(key, values[0])
	}
	if body != "" {
		line("Content-Length", fmt.Sprint(len(body)))
	}
	w.raw = append(w.raw, "\r\n"...)
	if body != "" {
		part(body)
	}
	return w
}

// mutate changes one byte. It reports false for a change that does not change what HTTP and the query say.
func (w *wire) mutate(rng *rand.Rand) ([]byte, bool) {
	part := w.parts[rng.IntN(len(w.parts))]
	at := part[0] + rng.IntN(part[1]-part[0])
	was, is := w.raw[at], byte(rng.IntN(256))
	if was == is {
		return nil, false
	}
	mutant := bytes.Clone(w.raw)
	mutant[at] = is
	if was^is == 'a'-'A' && (was|0x20) >= 'a' && (was|0x20) <= 'z' {
		if slices.Contains(w.names, part) {
			return nil, false
		}
		escapes := func(b []byte) string {
			return regexp.MustCompile("%[0-9A-Fa-f]{2}").ReplaceAllStringFunc(string(b[w.query[0]:w.query[1]]), strings.ToUpper)
		}
		if at >= w.query[0] && at < w.query[1] && escapes(w.raw) == escapes(mutant) {
			return nil, false
		}
	}
	return mutant, true
}

// identity returns who the verifier says sent the bytes, empty for nobody.
func identity(v *sigv4.Verifier, raw []byte) string {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
	if err != nil {
		return ""
	}
	got, err := v.Verify(r)
	if err != nil {
		return ""
	}
	defer got.Close()
	return got.AccessKeyID
}

func TestNoMutatedRequestIsAdmitted(t *testing.T) {
	t.Parallel()
	const body = `{"index":{"_id":"1"}}` + "\n" + `{"a":"b c"}` + "\n"
	const target = "/logs-%2A,b*/_search?q=a+b%2Fc&v&x=1;2"
	ours := func(c sigv4.Credentials, method, target, body string) *wire {
		r := signed(t, c, testTime, method, target, body, func(r *http.Request) {
			if body != "" {
				r.Header.Set("Content-Type", "application/x-ndjson; charset=utf-8")
				r.Header.Set("Content-Encoding", "identity")
			}
		})
		return write(r, target, body)
	}
	presigned := func() *wire {
		s := &sigv4.Signer{Region: testRegion, Service: "es"}
		r := newRequest(t, http.MethodGet, "/idx/_search?q=a+b")
		r.URL.Path, r.URL.Opaque = r.URL.Opaque, ""
		url, err := s.Presign(r, testSession, sigv4.EmptyPayloadHash, testTime, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = testHost
		return write(r, strings.TrimPrefix(url, "https://"+testHost), "")
	}
	bySDK := func() *wire {
		r := newRequest(t, http.MethodPut, "/idx/_doc/1?refresh=true")
		r.Host = testHost
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Amz-Content-Sha256", sigv4.HashPayload([]byte(body)))
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
		creds := aws.Credentials{
			AccessKeyID:     testSession.AccessKeyID,
			SecretAccessKey: testSession.SecretAccessKey,
			SessionToken:    testSession.SessionToken,
		}
		err := v4.NewSigner().SignHTTP(t.Context(), creds, r, r.Header.Get("X-Amz-Content-Sha256"), "es", testRegion,
			testTime)
		if err != nil {
			t.Fatal(err)
		}
		return write(r, "/idx/_doc/1?refresh=true", body)
	}
	mutations := 10_000
	if testing.Short() {
		mutations = 1000
	}
	for name, w := range map[string]*wire{
		"a search":                ours(testCredentials, http.MethodGet, target, ""),
		"a bulk with a session":   ours(testSession, http.MethodPost, target, body),
		"a presigned search":      presigned(),
		"a document, AWS SDK":     bySDK(),
		"a path with no query":    ours(testSession, http.MethodDelete, "/idx", ""),
		"a body, long-term users": ours(testCredentials, http.MethodPut, "/idx/_doc/a%2Fb", body),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVerifier()
			if identity(v, w.raw) == "" {
				t.Fatalf("the request itself is refused:\n%s", w.raw)
			}
			const seed = 20161124
			rng := rand.New(rand.NewPCG(seed, uint64(len(w.raw))))
			for n := 0; n < mutations; {
				mutant, changed := w.mutate(rng)
				if !changed {
					continue
				}
				n++
				if who := identity(v, mutant); who != "" {
					t.Fatalf("mutation %d is admitted as %s:\n%q\nfrom\n%q", n, who, mutant, w.raw)
				}
			}
		})
	}
}
