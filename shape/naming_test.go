package shape_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/shape"
)

func TestFieldsByOtherNames(t *testing.T) {
	t.Parallel()
	plain, err := shape.New(shape.Config{Index: "x-{ip|none}"})
	if err != nil {
		t.Fatal(err)
	}
	if (shape.Naming{}).Shaper(plain) != penstock.Shaper(plain) {
		t.Error("a naming that does nothing is in the way")
	}
	names := func(string) [][2]string {
		return [][2]string{{"ip", "source.ip"}, {"host", "host.name"}, {"who.name", "user.name"}, {"code", "error.code"}}
	}
	objects := []string{"source", "event", "user", "labels"}
	naming := shape.Naming{Original: true, Names: names, Objects: objects}
	named := naming.Shaper(plain)
	for record, want := range map[string]string{
		`{"ip":"::1","n":[1,{"ip":2}], "host":"web"}`: `"source.ip":"::1","n":[1,{"ip":2}],"host.name":"web",` +
			`"event.original":"raw\t\"x\""}`,
		`{"who":{"name":"ana"},"code":5}`: `"who":{"name":"ana"},"error.code":5,"user.name":"ana",` +
			`"event.original":"raw\t\"x\""}`,
		`{"source":"x","ip":"::1","event":"y"}`: `"labels.source":"x","source.ip":"::1","labels.event":"y",` +
			`"event.original":"raw\t\"x\""}`,
		`{"source":["x"],"user":5,"labels":"z"}`: `"labels.source":["x"],"labels.user":5,"labels.labels":"z",` +
			`"event.original":"raw\t\"x\""}`,
		`{"source":{"a":1},"user":[{"b":2}],"event":null}`: `"source":{"a":1},"user":[{"b":2}],"event":null,` +
			`"event_original":"raw\t\"x\""}`,
		`{"source":"x","labels":{"source":1,"source_":2}}`: `"labels.source__":"x","labels":{"source":1,"source_":2},` +
			`"event.original":"raw\t\"x\""}`,
		`{"error":"e","code":5}`:                `"error":"e","code":5,"event.original":"raw\t\"x\""}`,
		`{"error":{"text":1},"code":5}`:         `"error":{"text":1},"error.code":5,"event.original":"raw\t\"x\""}`,
		`{"event":{"original":1},"error":null}`: `"event":{"original":1},"error":null,"event_original":"raw\t\"x\""}`,
		`{}`:                                    `"event.original":"raw\t\"x\""}`,
	} {
		r := penstock.Record{JSON: []byte(record), Raw: []byte("raw\t\"x\""), Time: time.Unix(1, 0)}
		id := penstock.Identity{Bucket: "b", Key: "k", ETag: "e"}
		a, err := plain.Entry(&penstock.Object{}, id, "", "f")
		if err != nil {
			t.Fatal(err)
		}
		b, err := named.Entry(&penstock.Object{}, id, "", "f")
		if err != nil {
			t.Fatal(err)
		}
		before, err := a.Shape(&r)
		if err != nil {
			t.Fatal(err)
		}
		after, err := b.Shape(&r)
		if err != nil {
			t.Fatal(err)
		}
		if string(before.ID) != string(after.ID) || before.Index != after.Index {
			t.Errorf("%s: another id or index", record)
		}
		// A document without an index, which becomes a letter, has the same names.
		lost, err := shape.New(shape.Config{Index: "x-{nowhere}"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := naming.Shaper(lost).Entry(&penstock.Object{}, id, "", "f")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Shape(&r)
		if re, ok := errors.AsType[*penstock.RecordError](err); !ok || string(re.Document) != string(after.Body()) {
			t.Errorf("the letter of %s does not hold its document: %v", record, err)
		}
		if got := string(after.Body()[len(before.Head):]); !json.Valid(after.Body()) || got != want && got != ","+want {
			t.Errorf("%s becomes %s, want %s", record, got, want)
		}
	}
}
