// Command peers ships a directory of NDJSON with the bulk indexers of the Go clients, as an application would:
//
//	peers opensearchutil|esutil DIR URL
//
// Each line is a document as it is, with an id of its own. There is no recognition, no index of the day, no dead
// letters and no ids that stay the same when a run is repeated. It is a module of its own, so that the clients stay
// out of penstock's.
package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v7"
	"github.com/elastic/go-elasticsearch/v7/esutil"
	"github.com/opensearch-project/opensearch-go/v4"
	"github.com/opensearch-project/opensearch-go/v4/opensearchapi"
	"github.com/opensearch-project/opensearch-go/v4/opensearchutil"

	"github.com/seed56735111/penstock/sigv4"
)

// indexer is one of the clients' indexers.
type indexer struct {
	add func(ctx context.Context, id string, document []byte) error
	// end waits for everything, and returns how many documents are in the domain.
	end func(ctx context.Context) (delivered uint64, err error)
}

const index = "logs-ndjson"

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("want NAME DIR URL")
	}
	to, err := open(args[0], args[2])
	if err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(args[1], "*"))
	if err != nil {
		return err
	}
	records := 0
	for _, name := range names {
		if err := file(ctx, name, to, &records); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	delivered, err := to.end(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{"records": records, "delivered": delivered})
}

// signing is a transport that signs, with what an http.Client has otherwise.
func signing() http.RoundTripper {
	return &sigv4.Transport{
		Base: http.DefaultTransport, Region: "us-east-1", Service: "es",
		Credentials: sigv4.Static(sigv4.Credentials{
			AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		}),
	}
}

// open returns the indexer of a client, with the client's own defaults.
func open(name, url string) (*indexer, error) {
	switch name {
	case "opensearchutil":
		return openSearch(url)
	case "esutil":
		return elasticsearch7(url)
	}
	return nil, fmt.Errorf("there is no peer %q", name)
}

func openSearch(url string) (*indexer, error) {
	client, err := opensearchapi.NewClient(opensearchapi.Config{
		Client: opensearch.Config{Addresses: []string{url}, Transport: signing()},
	})
	if err != nil {
		return nil, err
	}
	bulk, err := opensearchutil.NewBulkIndexer(opensearchutil.BulkIndexerConfig{Client: client, Index: index})
	if err != nil {
		return nil, err
	}
	return &indexer{
		add: func(ctx context.Context, id string, document []byte) error {
			return bulk.Add(ctx, opensearchutil.BulkIndexerItem{
				Action: "create", DocumentID: id, Body: bytes.NewReader(document),
			})
		},
		end: func(ctx context.Context) (uint64, error) {
			err := bulk.Close(ctx)
			return bulk.Stats().NumCreated, err
		},
	}, nil
}

func elasticsearch7(url string) (*indexer, error) {
	client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: []string{url}, Transport: signing()})
	if err != nil {
		return nil, err
	}
	bulk, err := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: client, Index: index})
	if err != nil {
		return nil, err
	}
	return &indexer{
		add: func(ctx context.Context, id string, document []byte) error {
			return bulk.Add(ctx, esutil.BulkIndexerItem{Action: "create", DocumentID: id, Body: bytes.NewReader(document)})
		},
		end: func(ctx context.Context) (uint64, error) {
			err := bulk.Close(ctx)
			return bulk.Stats().NumCreated, err
		},
	}, nil
}

// file adds the lines of a file, which may be compressed.
func file(ctx context.Context, name string, to *indexer, records *int) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var r io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(bufio.NewReaderSize(f, 1<<20)); err != nil {
			return err
		}
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), 16<<20)
	for lines.Scan() {
		*records++
		if err := to.add(ctx, strconv.Itoa(*records), bytes.Clone(lines.Bytes())); err != nil {
			return err
		}
	}
	return lines.Err()
}
