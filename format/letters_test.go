package format_test

import (
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/format"
)

func recognised(t *testing.T, cfg format.Config, text string) (penstock.Recognized, error) {
	t.Helper()
	d, err := format.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return d.Recognize(&penstock.Object{}, penstock.Identity{Key: "k"}, penstock.Entry{Reader: strings.NewReader(text)})
}

// Every letter that is stored is recognised, wherever a crash or the sample cuts it off; no log that resembles it is.
func TestDeadLettersAreToldByTheirContent(t *testing.T) {
	t.Parallel()
	for _, reason := range penstock.Reasons() {
		line, err := deadletter.Append(nil, penstock.Letter{
			ID: "a\"b", Time: time.Now(), Reason: reason, Type: "t", Detail: strings.Repeat("d", 100), Status: 400,
			Source: penstock.Place{Object: "s3://b/k", Bucket: "b", Key: "k", Offset: 7}, Domain: "https://d", Index: "x",
			Raw: []byte("raw\x00"),
		})
		if err != nil {
			t.Fatal(err)
		}
		text := string(line)
		from := strings.Index(text, `,"type"`)
		for end := from; end <= len(text); end++ {
			for _, cfg := range []format.Config{{}, {Force: "ndjson"}} {
				if rec, err := recognised(t, cfg, text[:end]); err != nil || rec.Skip != "dead letters" {
					t.Fatalf("%q is taken for %+v, %v", text[:end], rec.Format, err)
				}
			}
		}
		long := strings.Replace(text, "ddd", strings.Repeat("d", 100_000), 1)
		if rec, err := recognised(t, format.Config{}, "\n"+long+long); err != nil || rec.Skip != "dead letters" {
			t.Errorf("a letter with a long detail is taken for %q, %v", rec.Format, err)
		}
	}
	for _, text := range []string{
		`{"id":"1","time":"2026-11-24T00:00:00Z","reason":"because","source":{"object":"o","offset":0}}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z","reason":"rejected","source":"app"}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"file":"o"}}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z","reason":"rejected","level":"info","source":{"object":"o","offset":0}}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z","reason":"rejected"}`,
		`{"time":"2026-11-24T00:00:00Z","id":"1","reason":"rejected","source":{"object":"o","offset":0}}`,
		`{"id":1,"time":"2026-11-24T00:00:00Z","reason":"rejected","source":{"object":"o","offset":0}}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z","replayed":false}`,
		`{"id":"1","time":"2026-11-24T00:00:00Z"}`,
	} {
		if rec, err := recognised(t, format.Config{}, text); err != nil || rec.Skip != "" {
			t.Errorf("%s is taken for dead letters (%q, %v)", text, rec.Skip, err)
		}
	}
}
