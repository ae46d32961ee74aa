package cli

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
)

// habit runs penstock request without a signature and returns what it says.
func habit(t *testing.T, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e strings.Builder
	code = Main(append([]string{"request", "--no-sign"}, args...), Streams{In: strings.NewReader(stdin), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// echo is a server that says what arrived, and redirects.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch to, ok := strings.CutPrefix(r.URL.Path, "/to/"); {
		case r.URL.Path == "/round":
			http.Redirect(w, r, "/round", http.StatusTemporaryRedirect)
			return
		case r.URL.Path == "/away":
			w.Header().Set("Location", "https://evil.example/x")
			w.WriteHeader(http.StatusFound)
			return
		case ok:
			status, target, _ := strings.Cut(to, "/")
			w.Header().Set("Location", "/"+target)
			w.WriteHeader(map[string]int{"302": 302, "307": 307}[status])
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/plain")
		_ = json.NewEncoder(w).Encode([]string{
			r.Method, r.RequestURI, string(body), r.Header.Get("Content-Type"), r.Header.Get("Accept"),
		})
	}))
	t.Cleanup(srv.Close)
	return srv
}

func TestRequestHasTheHabitsOfCurl(t *testing.T) {
	t.Parallel()
	srv := echo(t)
	const js = "application/json"
	for _, row := range []struct {
		args  string
		stdin string
		want  []string
	}{
		{"URL/x -G -d q=a+b -d size=1", "", []string{"GET", "/x?q=a+b&size=1", "", "", ""}},
		{"URL/x?v -G -d h=i", "", []string{"GET", "/x?v&h=i", "", "", ""}},
		{"URL/x --data-raw @y", "", []string{"POST", "/x", "@y", js, ""}},
		{"URL/x --data-binary @-", "a\nb\n", []string{"POST", "/x", "a\nb\n", js, ""}},
		{"URL/_bulk --json @-", "{}\n", []string{"POST", "/_bulk", "{}\n", js, js}},
		{"URL/x --json {\"a\":1 --json }", "", []string{"POST", "/x", `{"a":1}`, js, js}},
		{"URL/x -d a --data-raw b -d c", "", []string{"POST", "/x", "a&b&c", js, ""}},
		{"URL/x -T -", "up", []string{"PUT", "/x", "up", js, ""}},
		{"URL/x -T - -X POST", "", []string{"POST", "/x", "", js, ""}},
		{"URL/x -sSk --fail-with-body", "", []string{"GET", "/x", "", "", ""}},
		{"URL/to/302/x%2Fy -L -d a", "", []string{"GET", "/x/y", "", "", ""}},
		{"URL/to/307/x -L -d a", "", []string{"POST", "/x", "a", js, ""}},
		{"URL/to/302/x -L -X PUT -d a", "", []string{"PUT", "/x", "a", js, ""}},
	} {
		code, out, errs := habit(t, row.stdin, strings.Fields(strings.ReplaceAll(row.args, "URL", srv.URL))...)
		want, _ := json.Marshal(row.want)
		if code != exitOK || strings.TrimSpace(out) != string(want) || errs != "" {
			t.Errorf("%s: %d %s%s\nwant %s", row.args, code, out, errs, want)
		}
	}
}

func TestRedirectsAreFollowedOnTheSameHostOnly(t *testing.T) {
	t.Parallel()
	srv := echo(t)
	code, _, errs := habit(t, "", srv.URL+"/away", "-L")
	if code != exitInternal || !strings.Contains(errs, "note: the redirect to https://evil.example is not followed") {
		t.Errorf("to another host: %d %s", code, errs)
	}
	if code, _, errs := habit(t, "", srv.URL+"/away", "-Ls"); code != exitInternal || errs != "" {
		t.Errorf("in silence: %d %s", code, errs)
	}
	if code, _, errs := habit(t, "", srv.URL+"/round", "-L"); code == exitOK || !strings.Contains(errs, "more than 10") {
		t.Errorf("round and round: %d %s", code, errs)
	}
}

func TestWriteOutSpeaksInTheWordsOfCurl(t *testing.T) {
	t.Parallel()
	srv := echo(t)
	code, out, _ := habit(t, "", srv.URL+"/to/302/x", "-L", "-o", "/dev/null", "-w",
		`%{http_code} %{method} %{num_redirects} %{size_download} %{content_type} %{scheme}%%\n%{url_effective}`)
	if want := "200 GET 1 22 text/plain http%\n" + srv.URL + "/x"; code != exitOK || out != want {
		t.Errorf("%d %q, want %q", code, out, want)
	}
	_, out, errs := habit(t, "", srv.URL+"/x", "-w", `%{none}%{stderr}%{response_code}`)
	if !strings.HasSuffix(out, "]\n") || !strings.Contains(errs, "no variable none") || !strings.HasSuffix(errs, "200") {
		t.Errorf("%q %q", out, errs)
	}
	code, out, _ = habit(t, "", "http://127.0.0.1:1/", "-w", "%{http_code}")
	if code != exitIncomplete || out != "000" {
		t.Errorf("without an answer: %d %q", code, out)
	}
}

// Keys on a command line are refused with the variables to set, and are not repeated.
func TestKeysOnTheCommandLineAreRefused(t *testing.T) {
	t.Parallel()
	for _, flag := range []string{
		"--access_key", "--secret_key=hidden-words", "--session_token", "--security_token", "--user", "-u", "-uhidden-words",
	} {
		code, _, errs := habit(t, "", "GET", "https://search-x.eu-west-1.es.amazonaws.com/", flag, "hidden-words")
		if code != exitUsage || !strings.Contains(errs, "AWS_SECRET_ACCESS_KEY") || strings.Contains(errs, "hidden-words") {
			t.Errorf("%s: %d %s", flag, code, errs)
		}
	}
}

func TestFlagsOfRequestThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	for args, text := range map[string]string{
		"https://h/ -I -d x":               "HEAD has no body",
		"https://h/ -I -T x":               "HEAD has no body",
		"POST https://h/ -I":               "the method is POST",
		"https://h/ -G":                    "-G without -d",
		"https://h/ -T x -d y":             "by -T and by -d",
		"https://h/ -T none.json":          "none.json",
		"https://h/ -x gopher://p":         "of the kind gopher",
		"https://h/ -x http://":            "does not name a proxy",
		"http://127.0.0.1/ -x 192.0.2.1:3": "would see the signed request",
	} {
		if code, _, errs := habit(t, "", strings.Fields(args)...); code != exitUsage || !strings.Contains(errs, text) ||
			!strings.Contains(errs, "hint: ") {
			t.Errorf("%s: %d %s", args, code, errs)
		}
	}
}

// A certificate that nobody vouches for is taken with -k alone.
func TestACertificateIsCheckedUnlessSomebodySaysNo(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "in")
	}))
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	if code, out, _ := habit(t, "", srv.URL+"/"); code != exitIncomplete || out != "" {
		t.Errorf("without -k: %d %s", code, out)
	}
	if code, out, errs := habit(t, "", "-k", srv.URL+"/"); code != exitOK || out != "in" {
		t.Errorf("with -k: %d %s %s", code, out, errs)
	}
}

func TestRequestsGoThroughTheProxyThatIsNamed(t *testing.T) {
	t.Parallel()
	through := make(chan string, 1)
	p := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through <- r.Method + " " + r.RequestURI
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(p.Close)
	habit(t, "", "https://search-x.eu-west-1.es.amazonaws.com/", "-x", strings.TrimPrefix(p.URL, "http://"))
	select {
	case got := <-through:
		if got != "CONNECT search-x.eu-west-1.es.amazonaws.com:443" {
			t.Errorf("the proxy got %s", got)
		}
	default:
		t.Error("nothing went through the proxy")
	}
}

func TestJSONIsIndentedAndTheRestComesAsItIs(t *testing.T) {
	t.Parallel()
	long := `{"a":"` + strings.Repeat("x", maxIndented) + `"}`
	for text, want := range map[string]string{
		`{"b":1.50,"a":[1,{}]} `: "{\n  \"b\": 1.50,\n  \"a\": [\n    1,\n    {}\n  ]\n}\n",
		`{"a":`:                  `{"a":`,
		``:                       ``,
		"{}\n{}\n":               "{}\n{}\n",
		long:                     long,
	} {
		got, err := io.ReadAll(indent(strings.NewReader(text)))
		if err != nil || string(got) != want {
			t.Errorf("%.40q gives %.80q, %v", text, got, err)
		}
	}
	broken := errors.New("cut off")
	got, err := io.ReadAll(indent(io.MultiReader(strings.NewReader(`{"a":`), iotest.ErrReader(broken))))
	if string(got) != `{"a":` || !errors.Is(err, broken) {
		t.Errorf("what is cut off gives %q, %v", got, err)
	}
}
