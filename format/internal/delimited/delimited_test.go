package delimited

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format/internal/entry"
)

func rowsOf(t *testing.T, text string) (rows []string) {
	t.Helper()
	r := &entry.Reader{}
	r.Begin(strings.NewReader(text), 64<<10)
	f := &Grammar{Record: "a row", Separators: ",;"}
	f.Read(r, func(rec penstock.Record, err error) bool {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(rec.JSON))
		return true
	})
	return rows
}

// What comes behind the sample is read as it says, whatever it is.
func TestTheSampleDecidesForTheWholeEntry(t *testing.T) {
	t.Parallel()
	text := "n,x,when\n" + strings.Repeat("1,0.5,2026-11-24\n", 10_000)
	rows := rowsOf(t, text+"one,two,three\n007,1,2026-11-25\n")
	want := []string{
		`{"n":1,"x":0.5,"when":"2026-11-24"}`,
		`{"n_text":"one","x_text":"two","when_text":"three"}`,
		`{"n_text":"007","x":1.0,"when":"2026-11-25"}`,
	}
	if diff := cmp.Diff(want, rows[9_999:]); diff != "" {
		t.Error(diff)
	}
}

// A quote that nothing closes costs the line that it is in, and the time for what follows does not grow with the square
// of it.
func TestAQuoteThatNothingClosesCostsOneLine(t *testing.T) {
	t.Parallel()
	rows := rowsOf(t, "a,b\n1,\"2\n"+strings.Repeat("3,4\n", 50_000)+"5,\"6\"\n")
	if len(rows) != 50_002 || rows[1] != `{"a":3,"b":4}` || rows[50_001] != `{"a":5,"b":6}` {
		t.Error(len(rows), rows[:2], rows[50_001:])
	}
	began := time.Now()
	open := rowsOf(t, "a,b\n"+strings.Repeat("1,\"2\n", 200_000))
	if len(open) != 200_000 {
		t.Error(len(open))
	}
	t.Logf("200,000 lines with an open quote: %v", time.Since(began))
}

func TestKindsOfValues(t *testing.T) {
	t.Parallel()
	for want, values := range map[kind][]string{
		integer: {"0", "-1", "999999999999999999", "-0"},
		decimal: {"0.5", "-1.25", "1e3", "1.5E-12", "0e0"},
		zeroed:  {"00", "007", "-01"},
		boolean: {"true", "False", "TRUE"},
		stamp: {
			"2026-11-24", "2026-11-24 10:00:00", "2026/11/24 10:00:00,5", "24/Nov/2026:10:00:00 +0100",
			"Tue Nov 24 10:00:00 2026",
			"[24/Nov/2026:10:00:00 +0100]", "24.11.2026", "24.11.2026 10:00:00", "24/11/2026", "Nov 24, 2026 10:00:00 AM",
		},
		comma:   {"1,5", "-1,5", "0,25", "1.234,50", "12.345.678,9"},
		slashed: {"05/11/2026", "5/11/2026", "05/11/2026 10:00:00"},
		clock:   {"10:00:00", "10:00:00.5"},
		nothing: {""},
		text: {
			"-", ".", "1.", ".5", "01.5", "1e", "1e999", "1.5x", "1000000000000000000", "tRUE", "trues", "2026-11-24x",
			"2026-13-24", "10:00", "10:00:00x",
			"203.0.113.9", "::1", "+1", "Infinity", "[", "0x10", "1_000",
			"1,", ",5", "01,5", "1,2,3", "1.23,5", "1234.567,5", "1.2345,5", "1,000.5",
			"24/11/2026x", "32/11/2026", "24/13/2026", "Nov 24", "24.11.", "24.13.2026",
		},
	} {
		for _, v := range values {
			if got := kindOf([]byte(v)); got != want {
				t.Errorf("%q is of the kind %d, want %d", v, got, want)
			}
		}
	}
}

func TestNamesOfColumns(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a": "a", "User ID": "user_id", "cs(Host)": "cs_host", "lineItem/UsageType": "lineitem_usagetype",
		"Straße": "straße", "a.b": "a_b",
		"_id": "id", "@timestamp": "timestamp", "aws": "x_aws", "Penstock": "x_penstock", "field_7": "x_field_7", "": "",
		"()": "", "\xff": "",
		"\ufeffa": "a", "日本": "日本", "a\u2028b": "a_b", "\"": "", strings.Repeat("x", 300): "",
	} {
		if got := columnName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
