package cloudwatch

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// scanned returns the members and the events of a payload.
func scanned(text string) (members, events []string, err error) {
	s := newPayloadScanner(strings.NewReader(text))
	s.member = func(name string, value []byte) error {
		members = append(members, name+"="+string(value))
		return nil
	}
	s.event = func(event []byte, offset int64) bool {
		if !strings.HasPrefix(text[offset:], string(event)) {
			err = fmt.Errorf("%s is not at %d", event, offset)
		}
		events = append(events, string(event))
		return true
	}
	if serr := s.scan(); serr != nil {
		err = serr
	}
	return members, events, err
}

func TestPayloadsAreTakenApartWhereTheirValuesEnd(t *testing.T) {
	t.Parallel()
	members, events, err := scanned(
		` { "messageType" : "DATA_MESSAGE", "n":[1,{"a":"]}"}] ,"logEvents":[{"id":"1","message":"} \" ] \\"} , ` +
			`{"id":"2"},3 ] , "lo\u0067Group":"g" , "b":true}` + "\n")
	if err != nil {
		t.Fatal(err)
	}
	diff := cmp.Diff([]string{`messageType="DATA_MESSAGE"`, `n=[1,{"a":"]}"}]`, `logGroup="g"`, `b=true`}, members)
	if diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`{"id":"1","message":"} \" ] \\"}`, `{"id":"2"}`, `3`}, events); diff != "" {
		t.Error(diff)
	}
	for _, text := range []string{
		"", "[]", `"x"`, "{", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `{a:1}`, `{"a" 1}`, `{"logEvents":[{"id":1}`,
		`{"logEvents":[{},]`, `{"a":1} {`, `{"logEvents":[1 2]}`,
		`{"a":"` + strings.Repeat("x", maxMember) + `"}`,
	} {
		if _, _, err := scanned(text); err == nil {
			t.Errorf("%.40s… is a payload", text)
		}
	}
}

func TestPayloadsAreBoundedAsAWhole(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"logEvents":[` + strings.Repeat(`{"id":"1"},`, 100) + `{}]}`, "{" + strings.Repeat(" ", 1100) + "}",
	} {
		s := newPayloadScanner(strings.NewReader(text))
		if s.end != maxPayload {
			t.Errorf("the bound is %d", s.end)
		}
		if s.end = 1000; s.scan() == nil {
			t.Errorf("%d bytes are read where 1000 are allowed", len(text))
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(`{"messageType":"DATA_MESSAGE","logEvents":[{"id":"1","message":"}\\\""},[[]],"x"],"a":{"b":[1]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimSpace(text), "{") || len(text) > maxMember {
			_, _, _ = scanned(text)
			return
		}
		// Whatever is JSON is taken apart into JSON.
		s := newPayloadScanner(strings.NewReader(text))
		check := func(v []byte) {
			if !json.Valid(v) {
				t.Fatalf("%s holds %s", text, v)
			}
		}
		s.member = func(_ string, v []byte) error { check(v); return nil }
		s.event = func(v []byte, _ int64) bool { check(v); return true }
		if err := s.scan(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	})
}

func BenchmarkPayload(b *testing.B) {
	event := `{"id":"1","timestamp":1447920000000,"message":"INFO {\"level\":\"info\",\"n\":1}"},`
	text := `{"messageType":"DATA_MESSAGE","logEvents":[` + strings.Repeat(event, 1000) + `{}]}`
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, err := ReadHeader([]byte(text)); err != nil {
			b.Fatal(err)
		}
	}
}
