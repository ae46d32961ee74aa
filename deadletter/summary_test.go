package deadletter_test

import (
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/deadletter"
)

// The sentences are those of Elasticsearch 1.5 to 7.10 and OpenSearch 2 and 3.
func TestTheFieldOfARefusalIsFound(t *testing.T) {
	t.Parallel()
	for detail, want := range map[string]string{
		"failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'many'": "n",
		"failed to parse [status]": "status",
		"object mapping for [http] tried to parse field [http] as object, but found a concrete value": "http",
		"object mapping [a.b] can't be changed from nested to non-nested":                             "a.b",
		"mapping set to strict, dynamic introduction of [extra] within [_doc] is not allowed":         "extra",
		`Document contains at least one immense term in field="message" ` +
			`(whose UTF8 encoding is longer than 32766)`: "message",
		"mapper [n] cannot be changed from type [long] to [text]":                              "n",
		`name index: the record has no "service"; {service|other} would say what to take then`: "service",
		"Limit of total fields [1000] has been exceeded":                                       "",
		"": "",
	} {
		if got := deadletter.Field(penstock.Letter{Detail: detail}); got != want {
			t.Errorf("%q: field %q, want %q", detail, got, want)
		}
	}
}
