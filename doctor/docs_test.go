package doctor_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/doctor"
)

var update = flag.Bool("update", false, "write the table of causes into docs/doctor.md")

// The table of causes in docs/doctor.md stands between these lines.
const (
	tableBegins = "<!-- made by: go test ./doctor -run Page -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

// elsewhere are the fixes that other tests apply.
var elsewhere = map[doctor.Cause]bool{
	doctor.RegionWrong:     true, // cmd/penstock: doctor.txtar
	doctor.ServiceWrong:    true,
	doctor.TLSUntrusted:    true,
	doctor.SecretWrong:     true,
	doctor.WritesBlocked:   true, // real_test.go
	doctor.FineGrainedRole: true,
}

// TestThePageHasTheTable holds docs/doctor.md to the table, and says of each fix whether a test has applied it.
func TestThePageHasTheTable(t *testing.T) {
	const name = "../docs/doctor.md"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), tableBegins)
	old, tail, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	applied := map[doctor.Cause]bool{}
	for _, p := range plants(t) {
		applied[p.want] = applied[p.want] || p.applied
	}
	var b strings.Builder
	b.WriteString("| cause | exit | it means | claimed by | what mends it | the fix was |\n" +
		"| --- | --- | --- | --- | --- | --- |\n")
	for _, c := range doctor.Causes() {
		tried := "read"
		if applied[c.Name] || elsewhere[c.Name] {
			tried = "applied"
		}
		_, _ = fmt.Fprintf(&b, "| `%s` | %d | %s | %s | %s | %s |\n", c.Name, c.Exit, c.Means, c.Evidence, c.Fix, tried)
	}
	switch {
	case old == b.String():
	case *update:
		if err := os.WriteFile(name, []byte(head+tableBegins+b.String()+tableEnds+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has another table than the code: go test ./doctor -run Page -update", name)
	}
}
