package pipeline

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/bucket"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/source"
)

// A table is read once, from S3 as from a file, and only when a rule looks into it.
func TestTablesAreReadOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "hosts.csv")
	if err := os.WriteFile(path, []byte("ip,name\n10.0.0.1,web-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var opened []string
	read := Read{
		Lookups: []rules.TableSource{
			{Name: "near", CSV: path, Key: "ip"},
			{Name: "far", CSV: "s3://b/hosts.csv", Key: "ip"},
			{Name: "unused", MMDB: "s3://b/city.mmdb"},
		},
		Object: func(url string) (io.ReadCloser, error) {
			opened = append(opened, url)
			return io.NopCloser(strings.NewReader("ip,name\n10.0.0.2,web-2\n")), nil
		},
		Always: []rules.Rule{
			{Verb: rules.Lookup{Table: "near", Field: "ip", Into: "a"}},
			{Verb: rules.Lookup{Table: "far", Field: "ip", Into: "b"}},
		},
		Routes: []Route{{Name: "one", Match: Match{Key: []Pattern{{Glob: "a/*"}}}}, {Name: "rest"}},
	}
	if _, _, err := read.Stages(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(opened, " "); got != "s3://b/hosts.csv" {
		t.Errorf("opened %s", got)
	}
	if row, ok := read.loaded["far"].Find([]byte("10.0.0.2")); !ok || string(row) != `{"name":"web-2"}` {
		t.Errorf("10.0.0.2 is %s", row)
	}

	read.Object = nil
	if _, _, err := read.Stages(); err == nil || !strings.Contains(err.Error(), "tables in S3 are not read here") {
		t.Errorf("without S3: %v", err)
	}
	gone := errors.New("gone")
	read.Object = func(string) (io.ReadCloser, error) { return nil, gone }
	if _, _, err := read.Stages(); !errors.Is(err, gone) {
		t.Errorf("a table that cannot be opened: %v", err)
	}
}

func TestObjectsNeedAKey(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"s3://", "s3://b", "s3://b/", "s3://b/folder/", "/tmp/x"} {
		if _, err := ObjectsBy(context.Background(), nil)(url); err == nil {
			t.Errorf("%s is an object", url)
		}
		if url != "/tmp/x" {
			if err := CheckTable(&rules.TableSource{MMDB: url}); err == nil {
				t.Errorf("%s is a table", url)
			}
		}
	}
}

func TestATableIsReadFromABucket(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	store, err := bucket.New("empty")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(store)
	defer srv.Close()
	for _, put := range [][2]string{{"/config"}, {"/config/a%20b/hosts.csv", "ip,name\n10.0.0.1,web-1\n"}} {
		path, body := put[0], put[1]
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("put %s: %v, %v", path, answer, err)
		}
		_ = answer.Body.Close()
	}
	s3 := S3{EndpointURL: srv.URL, PathStyle: true}
	open := ObjectsBy(t.Context(), func() (*source.S3, error) {
		return s3.Open(t.Context(), &AWS{Region: "eu-west-1"}, slog.New(slog.DiscardHandler))
	})
	read := Read{Object: open, Lookups: []rules.TableSource{
		{Name: "hosts", CSV: "s3://config/a b/hosts.csv", Key: "ip"}, {Name: "gone", MMDB: "s3://config/gone.mmdb"},
	}, loaded: map[string]*rules.Table{}}
	table, err := read.table("hosts")
	if err != nil {
		t.Fatal(err)
	}
	if row, ok := table.Find([]byte("10.0.0.1")); !ok || string(row) != `{"name":"web-1"}` {
		t.Errorf("10.0.0.1 is %s", row)
	}
	if _, err := read.table("gone"); err == nil || !strings.Contains(err.Error(), "table gone: ") {
		t.Errorf("an object that is not there: %v", err)
	}
}
