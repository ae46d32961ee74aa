package source

import (
	"math/rand/v2"
	"testing"
)

// The stem is a part of the ids of a file's records: what a name gives must never change.
func TestStemsStayWhatTheyWere(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"/v/app.log":                               "/v/app.log",
		"/v/app.log.1":                             "/v/app.log",
		"/v/app.log.12.gz":                         "/v/app.log",
		"/v/app.log.gz":                            "/v/app.log",
		"/v/app.log.2.zst":                         "/v/app.log",
		"/v/app.log.old":                           "/v/app.log",
		"/v/app.log-20261127":                      "/v/app.log",
		"/v/app.log-20261127.gz":                   "/v/app.log",
		"/v/app.log-20261127-2":                    "/v/app.log",
		"/v/app.log-2026112710":                    "/v/app.log",
		"/v/app.log-1795773600":                    "/v/app.log",
		"/v/app.log.20261127-101112.gz":            "/v/app.log",
		"/v/app.log.2026-11-27":                    "/v/app.log",
		"/v/app.log.2026-11-27-10":                 "/v/app.log",
		"/v/app.log.2026-11-27.1":                  "/v/app.log",
		"/v/app.2026-11-27.0.log":                  "/v/app.log",
		"/v/app.2026-11-27.log.gz":                 "/v/app.log",
		"/v/app-20261127.log":                      "/v/app.log",
		"/v/app-2026-11-27T10-11-12.123.log":       "/v/app.log",
		"/v/localhost_access_log.2026-11-27.txt":   "/v/localhost_access_log.txt",
		"/v/messages-20261127":                     "/v/messages",
		"/v/0.log.20261127-101112":                 "/v/0.log",
		"/v/syslog.7.bz2":                          "/v/syslog",
		"/v.1/a-20261127/x":                        "/v.1/a-20261127/x",
		"/v/10.0.0.1":                              "/v/10.0.0.1",
		"/v/access.10.0.0.2":                       "/v/access.10.0.0.2",
		"/v/app-1.2.3":                             "/v/app-1.2.3",
		"/v/worker-1.log":                          "/v/worker-1.log",
		"/v/worker1.log":                           "/v/worker1.log",
		"/v/app.1.log":                             "/v/app.1.log",
		"/v/app-20261399.log":                      "/v/app-20261399.log",
		"/v/20261127.log":                          "/v/20261127.log",
		"/v/20251231T235959Z.gz":                   "/v/20251231T235959Z",
		"/v/.gz":                                   "/v/.gz",
		"/v/.1":                                    "/v/.1",
		"/v/.old":                                  "/v/.old",
		"/v/logs.tar.gz":                           "/v/logs.tar",
		"/v/logs-20261127.tar.gz":                  "/v/logs.tar",
		"/v/123456789012_elb_20261124T1005Z_x.log": "/v/123456789012_elb_20261124T1005Z_x.log",
		"/v/app.log.20261127.1":                    "/v/app.log",
		"/v/web2.1":                                "/v/web2",
		"/v/app.log.12345":                         "/v/app.log.12345",
		"/v/\xff.1":                                "/v/\xff",
	} {
		if got := stem(name); got != want {
			t.Errorf("stem(%q) = %q, want %q", name, got, want)
		}
	}
}

// A name that is not looked at for marks has none of them.
func TestNamesWithoutMarksAreToldSoon(t *testing.T) {
	t.Parallel()
	pieces := []string{
		"a", ".", "-", "_", "1", "20", "19", "2026", "11", "27", "12", "T", "Z", ".old", ".log", "1795773600",
	}
	random := rand.New(rand.NewPCG(1, 2))
	told := 0
	for range 200_000 {
		name := "x"
		for range random.IntN(9) {
			name += pieces[random.IntN(len(pieces))]
		}
		if mayBeMarked(name) {
			continue
		}
		told++
		for _, mark := range marks {
			if mark.MatchString(name) {
				t.Fatalf("%q is not looked at, and has the mark %s", name, mark)
			}
		}
	}
	if told == 0 {
		t.Fatal("every name was looked at")
	}
}
