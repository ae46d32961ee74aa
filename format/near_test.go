package format_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/format"
)

// near returns the formats that a text is near to, with what speaks against them.
func near(t *testing.T, cfg format.Config, text string) []penstock.Near {
	t.Helper()
	d, err := format.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := d.Recognize(&penstock.Object{}, penstock.Identity{Key: "x"},
		penstock.Entry{Reader: strings.NewReader(text)})
	if err != nil {
		t.Fatal(err)
	}
	return rec.Near
}

func TestNearFormatsAreNamedWithWhatSpeaksAgainstThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, format, against string }{
		{
			"tls 2.0 2026-11-24T10:00:00 net/gate/1 listener 203.0.113.9:1 203.0.113.10:2 5 2 98\n", "nlb",
			"it ends before the field",
		},
		{`{"firewall_name":"a","availability_zone":"b","event":{}}` + "\n", "networkfirewall", "but not event_timestamp"},
		{
			"one=1 two=2 three=3\nlevel=x msg=y a=b\nlevel=x msg=y\n", "kv",
			"2 of the first 3 lines fit too: logfmt is more particular",
		},
	} {
		all := near(t, format.Config{Near: true}, tt.text)
		i := slices.IndexFunc(all, func(n penstock.Near) bool { return n.Format == tt.format })
		if i < 0 || !strings.Contains(all[i].Against, tt.against) {
			t.Errorf("%q is near to %v, want %s: %s", tt.text, all, tt.format, tt.against)
		}
	}
	if all := near(t, format.Config{Near: true}, "plain words\n"); len(all) > 0 {
		t.Errorf("plain words are near to %v", all)
	}
	if all := near(t, format.Config{}, "tls 2.0 2026-11-24T10:00:00 net/gate/1\n"); all != nil {
		t.Errorf("nobody asked, and it is near to %v", all)
	}
}

// Every sample is asked what it is near to: nothing breaks, and no format is near to itself.
func TestNoSampleIsNearToItsOwnFormat(t *testing.T) {
	t.Parallel()
	d, err := format.New(format.Config{Near: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range samples(t) {
		rec, err := d.Recognize(&penstock.Object{}, one.identity(), penstock.Entry{Reader: bytes.NewReader(one.text)})
		if err != nil {
			continue // binary
		}
		if len(rec.Near) > 3 {
			t.Errorf("%s is near to %v", one.path, rec.Near)
		}
		for _, n := range rec.Near {
			if n.Format == rec.Format || n.Against == "" {
				t.Errorf("%s, which is %s, is near to %+v", one.path, rec.Format, n)
			}
		}
	}
}
