package test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/lambda"
)

// In the function a fault of a record makes a dead letter, however many there are. A fault of an index gives the
// message back.
func TestRefusalsInTheFunction(t *testing.T) {
	t.Parallel()
	logs := func(lines ...string) string {
		event, err := lambda.BuildLogs("123456789012", "/app/gate", "s", lines, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return string(event)
	}
	var many []string
	for i := range 1200 {
		many = append(many, fmt.Sprintf(`{"say":"this","n":%d}`, i))
	}
	for _, test := range []struct {
		name    string
		answer  refuserAnswer
		event   string
		failed  bool
		letters int
		metrics map[string]float64
	}{
		{
			name: "records", answer: says(400, "mapper_parsing_exception", "failed to parse"), event: logs(many...),
			letters: 1200, metrics: map[string]float64{"RecordsDeadLettered": 1200},
		},
		{
			name: "an index", answer: says(400, "index_closed_exception", "closed"), event: logs(`{"say":"this"}`, `{"n":1}`),
			failed: true, metrics: map[string]float64{"RecordsUnacknowledged": 1, "RecordsDelivered": 1, "ItemsGivenBack": 1},
		},
		{
			name: "a pipeline that drops", answer: says(http.StatusOK, "", ""), event: logs(`{"say":"this"}`, `{"n":1}`),
			metrics: map[string]float64{"RecordsDropped": 1, "RecordsDroppedByDomain": 1, "RecordsDelivered": 1},
		},
	} {
		h := &refuser{answers: map[string]refuserAnswer{"this": test.answer}}
		letters := filepath.Join(t.TempDir(), "letters")
		f := startFunction(t, bootstrap(t), "PENSTOCK_DOMAIN="+startRefuser(t, h), "PENSTOCK_NO_SIGN=true",
			"PENSTOCK_DEAD_LETTERS="+letters, "AWS_REGION=eu-west-1")
		got := f.invoke(t, test.event, time.Minute)
		if got.failed != test.failed {
			t.Errorf("%s: failed %v: %.300s", test.name, got.failed, got.payload)
		}
		if test.failed && !strings.Contains(got.payload, "takes no documents") {
			t.Errorf("%s: the answer does not say why: %.300s", test.name, got.payload)
		}
		if n := len(refusalLetters(t, letters)); n != test.letters {
			t.Errorf("%s: %d letters, want %d", test.name, n, test.letters)
		}
		m := f.metrics(t)
		for name, want := range test.metrics {
			if m[name] != want {
				t.Errorf("%s: %s is %v, want %v", test.name, name, m[name], want)
			}
		}
	}
}
