package function

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func none(string) (string, bool) { return "", false }

func TestAConfigurationFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gate.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		c := configSource{where: path}
		read := func(want string, wantChanged bool) {
			t.Helper()
			file, changed, err := c.read(t.Context(), none)
			if err != nil || file.Values["index"].Text != want || changed != wantChanged {
				t.Errorf("index %q, changed %t, error %v; want %q, %t", file.Values["index"].Text, changed, err, want, wantChanged)
			}
		}
		write(`{"index":"one"}`)
		read("one", true)
		write(`{"index":"two"}`)
		read("one", false) // looked at a moment ago
		time.Sleep(configEvery)
		read("two", true)
		time.Sleep(configEvery)
		read("two", false)
		write(`{"index":`)
		time.Sleep(configEvery)
		if _, _, err := c.read(t.Context(), none); err == nil {
			t.Error("half a file is taken")
		}
		write(`{"index":"three"}`)
		read("three", true) // what is broken is looked at each time
		// What could not be wired is new again, as often as it takes.
		c.forget()
		read("three", true)
	})
}

func TestBrokenSettingsLeaveTheEarlierOnesInForce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "gate.json")
	var log bytes.Buffer
	f := &Function{
		logger: slog.New(slog.NewJSONHandler(&log, nil)), metrics: io.Discard,
		lookup: none, given: map[string]string{}, config: configSource{where: path},
	}
	current := func(text string) (*wiring, error) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		f.config.checked = time.Time{} // long ago
		return f.current(t.Context())
	}
	const good = `{"domain":"http://127.0.0.1:9","region":"eu-west-1"}`
	if _, err := current(`{"domain":"http://127.0.0.1:9","logs-json":"perhaps"}`); err == nil {
		t.Fatal("nothing is wired, and it is taken")
	}
	first, err := current(good)
	if err != nil {
		t.Fatal(err)
	}
	for n, text := range []string{
		`{"domain":`, `{"domain":"http://127.0.0.1:9","logs-json":"perhaps"}`,
		`{"domain":"ftp://x"}`, `{"workers":"many"}`,
	} {
		if w, err := current(text); w != first || err != nil || strings.Count(log.String(), "the earlier ones stay") != n+1 {
			t.Errorf("%s: other settings, or none; error %v, log %s", text, err, log.String())
		}
	}
	if w, err := current(good + " "); w == first || err != nil {
		t.Errorf("mended: the earlier settings; error %v", err)
	}
}

func TestSettingsWithoutAFileAreReadOnce(t *testing.T) {
	t.Parallel()
	var c configSource
	for n := range 3 {
		if _, changed, err := c.read(t.Context(), none); err != nil || changed != (n == 0) {
			t.Errorf("time %d: changed %t, error %v", n, changed, err)
		}
	}
}

func TestAnUnchangedObjectIsNotSentAgain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-west-1")
	sent, unchanged := 0, 0
	etag := `"1"`
	s3 := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/settings/gate config.json" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", etag)
		if r.Header.Get("If-None-Match") == etag {
			unchanged++
			w.WriteHeader(http.StatusNotModified)
			return
		}
		sent++
		_, _ = w.Write([]byte(`{"index":` + etag + `}`))
	}))
	defer s3.Close()
	lookup := func(name string) (string, bool) {
		value, ok := map[string]string{"PENSTOCK_ENDPOINT_URL": s3.URL, "PENSTOCK_PATH_STYLE": "1"}[name]
		return value, ok
	}
	c := configSource{where: "s3://settings/gate config.json"}
	look := func(want string, wantChanged bool) {
		t.Helper()
		c.checked = time.Time{} // long ago
		file, changed, err := c.read(t.Context(), lookup)
		if err != nil || file.Values["index"].Text != want || changed != wantChanged {
			t.Errorf("index %q, changed %t, error %v; want %q, %t", file.Values["index"].Text, changed, err, want, wantChanged)
		}
	}
	look("1", true)
	look("1", false)
	look("1", false)
	etag = `"2"`
	look("2", true)
	if sent != 2 || unchanged != 2 {
		t.Errorf("sent %d times, unchanged %d times; want 2 and 2", sent, unchanged)
	}
	etag = `"no JSON`
	for range 2 {
		c.checked = time.Time{}
		if _, _, err := c.read(t.Context(), lookup); err == nil || !strings.Contains(err.Error(), "JSON") {
			t.Errorf("a broken object, also when it is unchanged: error %v", err)
		}
	}
}

// A parameter is asked for again when its service falls silent or has too much to do, and not when it says no.
func TestAParameterIsAskedForAgain(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "eu-west-1")
	asked := 0
	ssm := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked++
		switch {
		case strings.Contains(string(body), "secret"):
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"AccessDeniedException","message":"no"}`)
		case asked == 1:
			_, _ = io.WriteString(w, `{"Parameter":`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case asked == 2:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"ThrottlingException","message":"Rate exceeded"}`)
		default:
			_, _ = io.WriteString(w, `{"Parameter":{"Value":"{\"index\":\"x\"}"}}`)
		}
	}))
	defer ssm.Close()
	t.Setenv("AWS_ENDPOINT_URL_SSM", ssm.URL)
	lookup := func(name string) (string, bool) { return "200ms", name == "PENSTOCK_STALL_TIMEOUT" }
	c := configSource{where: "ssm:/penstock/config"}
	file, changed, err := c.read(t.Context(), lookup)
	if err != nil || !changed || file.Values["index"].Text != "x" || asked != 3 {
		t.Errorf("asked %d times: %v, changed %t, error %v", asked, file.Values, changed, err)
	}
	asked = 0
	c = configSource{where: "ssm:secret"}
	if _, _, err := c.read(t.Context(), lookup); err == nil || !strings.Contains(err.Error(), "AccessDenied") ||
		asked != 1 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
}
