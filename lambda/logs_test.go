package lambda

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A payload that cannot be read whole must be given back: nobody else has it.
func TestABrokenPayloadIsGivenBack(t *testing.T) {
	t.Parallel()
	const good = `{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{"id":"1",` +
		`"timestamp":1,"message":"m"}]}`
	z := zipped(t, good)
	flipped := bytes.Clone(z)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for name, data := range map[string][]byte{
		"cut": z[:len(z)-5], "checksum": flipped, "half JSON": zipped(t, good[:len(good)-20]),
		"no events":               []byte(strings.Replace(good, "logEvents", "LogEvents", 1)),
		"events that are no list": []byte(`{"messageType":"DATA_MESSAGE","logEvents":{"id":"1"}}`),
		"kind":                    zipped(t, strings.Replace(good, "DATA_", "OTHER_", 1)),
		"type":                    zipped(t, strings.Replace(good, `"owner":"1"`, `"owner":1`, 1)),
	} {
		if u := unwrapBytes(data, 1); u.err == nil {
			t.Errorf("%s: %+v", name, u)
		}
	}
	for name, data := range map[string][]byte{"once": z, "twice": zipped(t, string(z)), "not at all": []byte(good)} {
		u := unwrapBytes(data, 1)
		if u.err != nil || len(u.logs) != 1 || value(u.logs[0].header.LogGroup) != "g" || u.logs[0].header.FirstID != "1" {
			t.Errorf("compressed %s: %+v", name, u)
		}
	}
}
