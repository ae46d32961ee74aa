package sigv4_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/seed56735111/penstock/sigv4"
)

var benchSizes = []struct {
	name string
	size int
}{{"0B", 0}, {"1KiB", 1 << 10}, {"5MiB", 5 << 20}}

// benchRequest is a request as a client has it before signing; its header map is made anew by reset.
func benchRequest(b *testing.B) (r *http.Request, reset func()) {
	b.Helper()
	r = newRequest(b, http.MethodPost, "/logs-2026.11.24/_bulk?filter_path=took,errors&refresh=false")
	r.URL.Path, r.URL.Opaque = r.URL.Opaque, ""
	contentType := []string{"application/x-ndjson"}
	return r, func() {
		r.Header = make(http.Header, 4)
		r.Header["Content-Type"] = contentType
		r.URL.RawQuery = "filter_path=took,errors&refresh=false"
	}
}

// BenchmarkSign hashes the body and signs, beside the AWS SDK doing the same: both from a request with a new header
// map.
func BenchmarkSign(b *testing.B) {
	for _, s := range benchSizes {
		body := bytes.Repeat([]byte("x"), s.size)
		b.Run(fmt.Sprintf("size=%s/by=sigv4", s.name), func(b *testing.B) {
			signer := &sigv4.Signer{Region: testRegion, Service: "es"}
			r, reset := benchRequest(b)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				reset()
				if err := signer.Sign(r, testSession, sigv4.HashPayload(body), testTime); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("size=%s/by=sdk", s.name), func(b *testing.B) {
			signer := v4.NewSigner()
			creds := aws.Credentials{
				AccessKeyID:     testSession.AccessKeyID,
				SecretAccessKey: testSession.SecretAccessKey,
				SessionToken:    testSession.SessionToken,
			}
			r, reset := benchRequest(b)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				reset()
				sum := sha256.Sum256(body)
				err := signer.SignHTTP(b.Context(), creds, r, hex.EncodeToString(sum[:]), "es", testRegion, testTime)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVerify reads, holds and hashes the body and compares the signature. The SDK has no verifier; signing again
// with it, over a body in memory, is what people do instead.
func BenchmarkVerify(b *testing.B) {
	for _, s := range benchSizes {
		body := bytes.Repeat([]byte("x"), s.size)
		r := signed(b, testSession, testTime, http.MethodPost, "/logs-2026.11.24/_bulk?filter_path=took,errors&refresh=false",
			string(body), func(r *http.Request) {
				r.Header.Set("Content-Type", "application/x-ndjson")
			})
		b.Run(fmt.Sprintf("size=%s/by=sigv4", s.name), func(b *testing.B) {
			v := newVerifier()
			rd := bytes.NewReader(body)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				rd.Reset(body)
				r.Body = nopCloser{rd}
				got, err := v.Verify(r)
				if err != nil {
					b.Fatal(err)
				}
				r.Body.Close()
				got.Close()
			}
		})
		b.Run(fmt.Sprintf("size=%s/by=sigv4-hash-given", s.name), func(b *testing.B) {
			v := newVerifier()
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.VerifyHash(r, sha256.Sum256(body)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("size=%s/by=sdk-signing-again", s.name), func(b *testing.B) {
			signer := v4.NewSigner()
			creds := aws.Credentials{
				AccessKeyID:     testSession.AccessKeyID,
				SecretAccessKey: testSession.SecretAccessKey,
				SessionToken:    testSession.SessionToken,
			}
			out, reset := benchRequest(b)
			b.SetBytes(int64(s.size))
			b.ReportAllocs()
			for b.Loop() {
				reset()
				sum := sha256.Sum256(body)
				err := signer.SignHTTP(b.Context(), creds, out, hex.EncodeToString(sum[:]), "es", testRegion, testTime)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type nopCloser struct{ *bytes.Reader }

func (nopCloser) Close() error { return nil }
