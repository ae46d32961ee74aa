package redact_test

import (
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/redact"
)

// nearMisses are values of logs that look like secrets, with the names that stand before them.
var nearMisses = []struct {
	name string
	make func(r *rand.Rand) string
}{
	{"order numbers", func(r *rand.Rand) string {
		name := []string{
			`"order_id":"`, "order=", "Order no. ", `"invoiceNumber": "`, "tracking-id: ", "orderId=", "shipment #",
			"serial_number: ", "request_id=", `{"order":{"number":"`, "ticket ",
		}[r.IntN(10)]
		return name + number(r, 6+r.IntN(14))
	}},
	{"order numbers in groups", func(r *rand.Rand) string {
		return fmt.Sprintf("order %d-%03d-%07d", 2020+r.IntN(9), r.IntN(1000), r.IntN(1e7))
	}},
	{"versions", func(r *rand.Rand) string {
		return []string{"v", "Chrome/", "version ", "lib-", "python@"}[r.IntN(5)] +
			fmt.Sprintf([]string{"%d.%d.%d", "%d.%d.%d-rc.1", "%d.%d.%d+build.7", "%d.%d.%d_1"}[r.IntN(4)],
				r.IntN(150), r.IntN(30), r.IntN(9000))
	}},
	{"versions of four parts", func(r *rand.Rand) string {
		return fmt.Sprintf("Chrome/%d.0.%d.%d", r.IntN(150), r.IntN(200), r.IntN(200))
	}},
	{"UUIDs", func(r *rand.Rand) string {
		h := hexadecimal(r, 16)
		return "id=" + h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
	}},
	{"UUIDs of digits", func(r *rand.Rand) string {
		n := number(r, 32)
		return n[:8] + "-" + n[8:12] + "-" + n[12:16] + "-" + n[16:20] + "-" + n[20:]
	}},
	{"SHA-1", func(r *rand.Rand) string { return "commit " + hexadecimal(r, 20) }},
	{"SHA-1 behind the word secret", func(r *rand.Rand) string { return "secret_hash=" + hexadecimal(r, 20) }},
	{"SHA-256", func(r *rand.Rand) string { return "sha256:" + hexadecimal(r, 32) }},
	{"times", func(r *rand.Rand) string {
		at := time.Unix(r.Int64N(2e9), r.Int64N(1e9)).UTC()
		return at.Format([]string{
			time.RFC3339Nano, "02/Jan/2006:15:04:05 +0000", "2006-01-02 15:04:05,000", "20060102150405.000000",
			"20060102T150405Z", time.RFC1123Z,
		}[r.IntN(6)])
	}},
	{"times as numbers", func(r *rand.Rand) string {
		at := time.Unix(1e9+r.Int64N(1e9), r.Int64N(1e9))
		return "at=" + strconv.FormatInt([]int64{at.Unix(), at.UnixMilli(), at.UnixMicro(), at.UnixNano()}[r.IntN(4)], 10)
	}},
	{"fractions", func(r *rand.Rand) string { return "took " + strconv.FormatFloat(r.Float64(), 'f', -1, 64) + "s" }},
	{"trace ids", func(r *rand.Rand) string {
		h := hexadecimal(r, 12)
		return "Root=1-" + hexadecimal(r, 4) + "-" + h
	}},
	{"addresses of Ethernet", func(r *rand.Rand) string {
		h := hexadecimal(r, 6)
		return h[:2] + ":" + h[2:4] + ":" + h[4:6] + ":" + h[6:8] + ":" + h[8:10] + ":" + h[10:]
	}},
	{"names in programs", func(r *rand.Rand) string {
		return []string{
			"std::vector<int>", "Foo::Bar", "icon@2x.png", "user@host", "bearer of news", "token: none",
		}[r.IntN(6)]
	}},
}

func number(r *rand.Rand, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(byte('0' + r.IntN(10)))
	}
	return b.String()
}

func hexadecimal(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return hex.EncodeToString(b)
}

// What looks like a secret is none: cards and keys are found in fewer than one of 10,000 such values, and what is found
// is what docs/redaction.md says.
func TestNearMissesAreNoSecrets(t *testing.T) {
	t.Parallel()
	const n = 10_000
	r := rand.New(rand.NewPCG(14, 7))
	d := redact.New(nil)
	got := map[string]int{}
	for _, near := range nearMisses {
		for range n {
			text := near.make(r)
			for kind, hits := range d.Count([]byte(text)) {
				if got[near.name+": "+string(kind)]++; got[near.name+": "+string(kind)] < 4 {
					t.Logf("%s: %s: %s", near.name, kind, text)
				}
				_ = hits
			}
		}
	}
	t.Logf("found by kind in %d values of %d sorts: %v", n*len(nearMisses), len(nearMisses), got)
	if diff := cmp.Diff(map[string]int{}, got); diff != "" {
		t.Errorf("found in near misses (-want +got):\n%s", diff)
	}
}

// documented are the values in the samples of formats that are what they look like: mails and addresses.
var documented = regexp.MustCompile(`@example\.com$|^(10|127|192|203|198|172)\.\d+\.\d+\.\d+$` +
	`|^(2001:db8|fe80|ff02|::)|^(0\.0\.0\.0|1\.1\.1\.1|1\.2\.3\.4|6\.7\.8\.9|2\.1\.2\.2)$`)

// In the golden documents of all formats nothing is found but the mails and the addresses that they have.
func TestGoldenDocumentsHaveNoSecrets(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../format/testdata/*/*.golden")
	if err != nil || len(files) < 100 {
		t.Fatal(len(files), err)
	}
	key, err := redact.NewKey(1, []byte("0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	got, all, lines := map[string]int{}, map[redact.Kind]int{}, 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines++
			for _, kind := range redact.Kinds() {
				for _, found := range redact.New([]redact.Kind{kind}).Find([]byte(line)) {
					all[kind]++
					if !documented.MatchString(found) {
						got[string(kind)+" "+found]++
					}
				}
			}
			out, hits := redact.New(nil).AppendJSON(nil, []byte(line), redact.Hash(key), nil)
			if hits == 0 && string(out) != line {
				t.Errorf("%s: changed without a hit: %s", file, line)
			}
		}
	}
	t.Logf("found in %d lines: %v", lines, all)
	for _, what := range slices.Sorted(maps.Keys(got)) {
		t.Errorf("%s, %d times", what, got[what])
	}
}
