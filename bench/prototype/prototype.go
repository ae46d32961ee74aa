// Package prototype does the work of "penstock ship" for the corpora of the benchmark with nothing around it: it is the
// floor that the program is measured against. It reads files with the program's own decompression, scans JSON with its
// own scanner, and posts the same documents in bodies of the same size, signed, with an id for each of them, one write
// a body, hashed while it is filled. It keeps no accounts, has no letters, no retries and no second kind of input, and
// panics where its input is not what the benchmark has made.
package prototype

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/internal/inflate"
	"github.com/seed56735111/penstock/sigv4"
)

// Config says what to send where.
type Config struct {
	// Dir has the files, of one format. URL is the sink's, and CAFile has its certificate when it has one.
	Dir, Format, URL, CAFile string
}

const (
	bodyBytes = 2 << 20
	readers   = 4
	hashStep  = 64 << 10
)

// Run sends every file in the directory.
func Run(ctx context.Context, c Config) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	client, err := signing(c.CAFile)
	if err != nil {
		return err
	}
	scanner, err := format.New(format.Config{})
	if err != nil {
		return err
	}
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	close(queue)
	var wg sync.WaitGroup
	errs := make([]error, readers)
	for i := range min(readers, len(names)) {
		wg.Go(func() {
			w := &writer{client: client, url: c.URL, ctx: ctx, scanner: scanner, sent: make(chan error, 1)}
			w.sent <- nil
			for name := range queue {
				if errs[i] = w.file(name, c.Format); errs[i] != nil {
					return
				}
			}
			errs[i] = w.end()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func signing(caFile string) (*http.Client, error) {
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.MaxIdleConnsPerHost = 2 * readers
	if caFile != "" {
		text, err := os.ReadFile(caFile)
		if err != nil {
			return nil, err
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(text)
		base.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return &http.Client{Transport: &sigv4.Transport{
		Base: base, Region: "us-east-1", Service: "es",
		Credentials: sigv4.Static(sigv4.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "bench"}),
	}}, nil
}

// writer fills one body while another one is on its way.
type writer struct {
	client *http.Client
	url    string
	ctx    context.Context //nolint:containedctx // a writer lives as long as Run
	// scanner is the program's own.
	scanner *format.Detector

	body   []byte
	spare  []byte // for the next body
	sum    hash.Hash
	summed int
	sent   chan error // a token when no body is on its way
}

// file reads one file.
func (w *writer) file(name, kind string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		r = inflate.NewReader(f)
	}
	d := newDocuments(name, kind)
	switch kind {
	case "alb", "csv", "vpcflow":
		return w.lines(r, d, kind)
	}
	return w.scanned(r, d)
}

// scanned sends what the program's scanner finds.
func (w *writer) scanned(r io.Reader, d *documents) error {
	object := &penstock.Object{Name: d.name, Size: -1}
	// Without a file there is no content to follow: the ids here are made of the records.
	found, err := w.scanner.Recognize(object, penstock.Identity{Key: d.name, ETag: "x"}, penstock.Entry{Reader: r})
	if err != nil {
		return err
	}
	for record, err := range found.Records {
		if err != nil {
			return err
		}
		if err := w.room(len(record.JSON)); err != nil {
			return err
		}
		w.body = d.record(w.body, &record)
		w.hash(false)
	}
	return nil
}

// lines sends what the line formats' own encoders make.
func (w *writer) lines(r io.Reader, d *documents, kind string) error {
	encode := map[string]func(*documents, []byte, []byte, int64) []byte{
		"alb": (*documents).alb, "csv": (*documents).csv, "vpcflow": (*documents).flow,
	}[kind]
	window := make([]byte, 512<<10)
	at, n, skip := int64(0), 0, kind == "csv" // its header
	for {
		got, err := r.Read(window[n:])
		n += got
		from := 0
		for {
			end := bytes.IndexByte(window[from:n], '\n')
			if end < 0 {
				break
			}
			if !skip {
				if err := w.room(4 * end); err != nil {
					return err
				}
				w.body = encode(d, w.body, window[from:from+end], at)
				w.hash(false)
			}
			skip = false
			from += end + 1
			at += int64(end) + 1
		}
		n = copy(window, window[from:n])
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return nil
		case err != nil:
			return fmt.Errorf("read %s: %w", d.name, err)
		}
	}
}

// room sends the body when a document of so many bytes, and what is put before it, may not fit.
func (w *writer) room(size int) error {
	if w.body == nil {
		w.body = make([]byte, 0, bodyBytes+(64<<10))
	}
	if len(w.body)+size+600 <= bodyBytes {
		return nil
	}
	return w.send()
}

// hash sums what the body has gained, in steps that are still in the processor's cache.
func (w *writer) hash(all bool) {
	if !all && len(w.body)-w.summed < hashStep {
		return
	}
	if w.sum == nil {
		w.sum = sha256.New()
	}
	w.sum.Write(w.body[w.summed:])
	w.summed = len(w.body)
}

// send puts the body on its way when the one before has arrived.
func (w *writer) send() error {
	w.hash(true)
	body := w.body
	var sum [sha256.Size]byte
	w.sum.Sum(sum[:0])
	if err := <-w.sent; err != nil {
		w.sent <- err
		return err
	}
	w.body, w.spare = w.spare[:0], w.body
	if w.body == nil {
		w.body = make([]byte, 0, cap(w.spare))
	}
	w.sum.Reset()
	w.summed = 0
	go func() { w.sent <- w.post(body, sum) }()
	return nil
}

// end sends what is left and waits for the answers.
func (w *writer) end() error {
	if len(w.body) > 0 {
		if err := w.send(); err != nil {
			return err
		}
	}
	return <-w.sent
}

// payload is a body that knows its hash.
type payload struct {
	*bytes.Reader
	sum [sha256.Size]byte
}

// PayloadSHA256 is asked for by the signer.
func (p payload) PayloadSHA256() [sha256.Size]byte { return p.sum }

// Close is part of io.Closer.
func (p payload) Close() error { return nil }

func (w *writer) post(body []byte, sum [sha256.Size]byte) error {
	target := w.url + "/_bulk?filter_path=took,errors,items.*._id,items.*.status,items.*.error"
	req, err := http.NewRequestWithContext(w.ctx, http.MethodPost, target, payload{bytes.NewReader(body), sum})
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(body))
	req.GetBody = func() (io.ReadCloser, error) { return payload{bytes.NewReader(body), sum}, nil }
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := w.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	var head [64]byte
	n, _ := io.ReadFull(resp.Body, head[:])
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || !bytes.Contains(head[:n], []byte(`"errors":false`)) {
		return fmt.Errorf("the sink answers %s", resp.Status)
	}
	return nil
}
