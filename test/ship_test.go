package test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed56735111/penstock/internal/realtest"
)

// objectsInSuite is how many objects the suites ship.
const objectsInSuite = 2000

// outcome is what a summary says, but for the time it took.
var outcome = cmpopts.IgnoreFields(summary{}, "Seconds")

// sorted compares without regard to order.
var sorted = cmpopts.SortSlices(func(a, b string) bool { return a < b })

func TestShipFromRealS3CountsWhatWasPutIn(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	url := startDomain(t, server, "")
	client := &domainClient{url: url, account: server}
	testShip(t, server, url, client)
}

// explicitIndexesRefused is the setting of nodes that take an index in the path of a _bulk request only.
const explicitIndexesRefused = "rest.action.multi.allow_explicit_index=false"

func TestShipIntoRealOpenSearchThroughTheGate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version        string
		settings, args []string
	}{
		{version: "3.3.0"}, {version: "2.19.1"}, {"7.10.2", []string{explicitIndexesRefused}, []string{"--index-in-path"}},
	} {
		// One after the other: each holds half a gigabyte.
		t.Run(test.version, func(t *testing.T) {
			server := realtest.StartVersityGW(t)
			node := realtest.StartOpenSearch(t, test.version, test.settings...)
			url := startDomain(t, server, node.URL)
			// Counted behind the gate, with nothing of ours in between.
			client := &domainClient{url: node.URL}
			testShip(t, server, url, client, test.args...)
			testTimesAreDates(t,
				&shipping{env: server.Env(), url: server.URL, domain: url, letters: t.TempDir(), args: test.args}, client)
		})
	}
}

// testTimesAreDates ships a record whose time is a number before others: the index takes all of them, for it never sees
// the number as a date.
func testTimesAreDates(t *testing.T, s *shipping, client *domainClient) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "times.ndjson")
	text := `{"@timestamp":1795514400123}` + "\n" + `{"@timestamp":"2026-11-24T10:00:01+01:00"}` + "\n" +
		`{"@timestamp":1.7955144E9}` + "\n" + `{"time":"Tue, 24 Nov 2026 10:00:00 CET"}` + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = append(slices.Clone(s.args), "--index", "times")
	if got := s.ship(t, file); got.Records != 4 || got.Delivered != 4 {
		t.Errorf("times: %+v, want 4 records delivered", got)
	}
	var mapping map[string]struct {
		Mappings struct {
			Properties map[string]struct{ Type string }
		}
	}
	client.call(t, "GET", "/times/_mapping", "", &mapping)
	if got := mapping["times"].Mappings.Properties["@timestamp"].Type; got != "date" {
		t.Errorf("times: @timestamp is mapped as %q, want date", got)
	}
}

// testShip ships a versioned bucket: first as it is, then once more, then with objects replaced, then with some gone.
func testShip(t *testing.T, server *realtest.S3, url string, client *domainClient, args ...string) {
	t.Helper()
	puts := corpus(objectsInSuite, hostileKeys)
	objects := append(puts, sampleObjects(t)...)
	bucket := newBucket(t, server.URL, server, "logs", true)
	// Every tenth object has an older version, which must not be shipped.
	var stale []*put
	for i := 0; i < len(puts); i += 10 {
		stale = append(stale, newPut(puts[i].key, i, 99))
	}
	bucket.put(t, stale)
	bucket.put(t, objects)
	client.prepare(t)
	s := &shipping{env: server.Env(), url: server.URL, domain: url, letters: t.TempDir(), args: args}

	want := expect(objects)
	check := func(step string, got, want summary, docs []string) {
		t.Helper()
		if diff := cmp.Diff(want, got, outcome); diff != "" {
			t.Errorf("%s: summary (-want +got):\n%s", step, diff)
		}
		// The whole domain holds what was delivered so far, each once.
		if n, sum := client.count(t), got.Delivered+got.Duplicate; n != sum {
			t.Errorf("%s: the domain holds %d documents, want %d", step, n, sum)
		}
		if diff := cmp.Diff(docs, client.documents(t), sorted); diff != "" {
			t.Errorf("%s: documents read back (-put in +found):\n%.4000s", step, diff)
		}
		if letters := letterLines(t, s.letters); int64(len(letters)) != got.DeadLettered {
			t.Errorf("%s: %d different dead letters on disk, want %d", step, len(letters), got.DeadLettered)
		}
	}
	check("first time", s.ship(t, "s3://logs/"), want, docsOf(puts))
	check("second time", s.ship(t, "s3://logs/"), again(want), docsOf(puts))
	if t.Failed() {
		return
	}

	t.Run("replaced", func(t *testing.T) {
		before := docsOf(puts)
		var fresh []*put
		for i := 5; i < len(puts); i += 50 {
			replaced := newPut(puts[i].key, i, 1)
			fresh = append(fresh, replaced)
			puts[i] = replaced
		}
		bucket.put(t, fresh)
		delivered := expect(fresh).Delivered
		want := again(expect(append(puts, sampleObjects(t)...)))
		want.Duplicate -= delivered
		want.Delivered = delivered
		got := s.ship(t, "s3://logs/")
		if diff := cmp.Diff(want, got, outcome); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(append(before, docsOf(fresh)...), client.documents(t), sorted); diff != "" {
			t.Errorf("documents read back (-put in +found):\n%.4000s", diff)
		}
	})

	t.Run("deleted", func(t *testing.T) {
		bucket.remove(t, puts[:30])
		want := again(expect(append(puts[30:], sampleObjects(t)...)))
		if diff := cmp.Diff(want, s.ship(t, "s3://logs/"), outcome); diff != "" {
			t.Errorf("summary (-want +got):\n%s", diff)
		}
	})
}

// Without versions, the entity tag tells whether the object behind a key is still the same.
func TestReplacedObjectsWithoutVersionsAreToldApart(t *testing.T) {
	t.Parallel()
	server := realtest.StartVersityGW(t)
	url := startDomain(t, server, "")
	client := &domainClient{url: url, account: server}
	client.prepare(t)
	bucket := newBucket(t, server.URL, server, "plain", false)
	// The server keeps what it replaces under a longer name for a moment.
	keys := slices.DeleteFunc(slices.Clone(hostileKeys), func(key string) bool { return len(key) >= 255 })
	puts := corpus(60, keys)
	bucket.put(t, puts)
	s := &shipping{env: server.Env(), url: server.URL, domain: url, letters: t.TempDir()}
	want := expect(puts)
	if diff := cmp.Diff(want, s.ship(t, "s3://plain"), outcome); diff != "" {
		t.Fatalf("first time (-want +got):\n%s", diff)
	}
	bucket.put(t, puts)
	if diff := cmp.Diff(again(want), s.ship(t, "s3://plain"), outcome); diff != "" {
		t.Errorf("same bytes stored again (-want +got):\n%s", diff)
	}
	fresh := make([]*put, len(puts))
	for i, p := range puts {
		fresh[i] = newPut(p.key, i, 1)
	}
	bucket.put(t, fresh)
	if diff := cmp.Diff(expect(fresh), s.ship(t, "s3://plain"), outcome); diff != "" {
		t.Errorf("other bytes under the same keys (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(docsOf(puts, fresh), client.documents(t), sorted); diff != "" {
		t.Errorf("documents read back (-put in +found):\n%s", diff)
	}
}

func TestKeysThatNoFileSystemHoldsAreShipped(t *testing.T) {
	t.Parallel()
	stand := realtest.StartMoto(t)
	account := &realtest.S3{URL: stand.URL, Region: "eu-central-1", AccessKey: "AKIAREALTESTLOOPBACK", SecretKey: "any"}
	url := startDomain(t, account, "")
	client := &domainClient{url: url, account: account}
	client.prepare(t)
	bucket := newBucket(t, stand.URL, account, "odd", true)
	puts := corpus(len(unfileableKeys), unfileableKeys)
	for i, p := range puts {
		*p = *newPut(p.key, i*6+3, 0) // none empty, none poisoned
	}
	bucket.put(t, puts)
	s := &shipping{env: account.Env(), url: stand.URL, domain: url, letters: t.TempDir()}
	if diff := cmp.Diff(expect(puts), s.ship(t, "s3://odd/"), outcome); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(docsOf(puts), client.documents(t), sorted); diff != "" {
		t.Errorf("documents read back (-put in +found):\n%s", diff)
	}
}
