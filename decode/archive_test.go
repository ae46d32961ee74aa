package decode_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/decode"
)

// everything reads all entries and goes on after those that fail. It returns which ones did.
func everything(stored string) (got map[string]string, failed []string, last error) {
	got = map[string]string{}
	for e, err := range decode.New(decode.Limits{}).Entries("", strings.NewReader(stored)) {
		var data []byte
		if err == nil {
			data, err = io.ReadAll(e)
			got[e.Name] = string(data)
		}
		if err != nil {
			failed, last = append(failed, e.Name), err
		}
	}
	return got, failed, last
}

func TestMembersAfterABrokenOneAreRead(t *testing.T) {
	t.Parallel()
	broken := flip(gz(text), -6)
	for name, stored := range map[string]string{
		"tar":        tarOf("a", text, "b.gz", broken, "c", text),
		"zip":        zipOf("a", text, "b.gz", broken, "c", text),
		"tar.gz":     gz(tarOf("a", text, "b.gz", broken, "c", text)),
		"checksum":   strings.Replace(storedZip("a", text, "b.gz", "0123456789", "c", text), "0123456789", "0123456x89", 1),
		"tar in tar": tarOf("a", text, "b.gz", tarOf("x", text)[:700], "c", text),
	} {
		got, failed, err := everything(stored)
		if got["a"] != text || got["c"] != text || len(failed) != 1 || !strings.HasPrefix(failed[0], "b.gz") {
			t.Errorf("%s: %d members, %q failed: %v", name, len(got), failed, err)
		}
		if oe, ok := errors.AsType[*penstock.ObjectError](err); !ok || oe.Reason != penstock.ReasonCorrupt {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// hexText is text that does not compress much.
func hexText(n int) string {
	data := make([]byte, n/2)
	_, _ = rand.Read(data)
	return hex.EncodeToString(data)
}

func TestAnArchiveThatIsCutOffFailsOnce(t *testing.T) {
	t.Parallel()
	long := hexText(10_000)
	for name, stored := range map[string]string{
		"tar":       tarOf("a", text, "b", long, "c", text)[:5000],
		"tar.gz":    gz(tarOf("a", text, "b", long, "c", text))[:2500],
		"in a file": tarOf("a", text, "b", long)[:512+512+512+512+3000],
		"zip":       storedZip("a", text, "b", long, "c", text)[:3000],
		"zip.gz":    gz(storedZip("a", text, "b", long, "c", text))[:2000],
	} {
		got, failed, err := everything(stored)
		if got["a"] != text || got["b"] == "" || got["c"] != "" || len(failed) != 1 || failed[0] != "b" {
			t.Errorf("%s: %d members, %q failed: %v", name, len(got), failed, err)
		}
	}
}

func TestTarsThatFollowEachOtherAreRead(t *testing.T) {
	t.Parallel()
	want := map[string]string{"a": text, "b": "two"}
	for name, stored := range map[string]string{
		"at once":          tarOf("a", text) + tarOf("b", "two"),
		"with padding":     tarOf("a", text) + strings.Repeat("\x00", 10_240) + tarOf("b", "two"),
		"in gzip members":  gz(tarOf("a", text), tarOf("b", "two")),
		"padded to a tape": tarOf("a", text, "b", "two") + strings.Repeat("\x00", 9*1024),
	} {
		got, failed, err := everything(stored)
		if diff := cmp.Diff(want, got); diff != "" || failed != nil {
			t.Errorf("%s: error %v\n%s", name, err, diff)
		}
	}
	for name, stored := range map[string]string{
		"garbage behind it":         tarOf("a", text) + "garbage",
		"no mark at the end":        strings.TrimRight(tarOf("a", strings.Repeat("x", 512)), "\x00"),
		"a flipped bit in the gzip": flip(gz(tarOf("a", text)), -6),
	} {
		got, failed, err := everything(stored)
		if len(got) != 1 || len(failed) != 1 {
			t.Errorf("%s: %d members, %d failures, error %v", name, len(got), len(failed), err)
		}
	}
}

// storedZip is an archive without compression.
func storedZip(members ...string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(members); i += 2 {
		size := uint64(len(members[i+1]))
		f, _ := w.CreateRaw(&zip.FileHeader{
			Name: members[i], CRC32: crc32.ChecksumIEEE([]byte(members[i+1])), CompressedSize64: size, UncompressedSize64: size,
		})
		_, _ = io.WriteString(f, members[i+1])
	}
	_ = w.Close()
	return b.String()
}

func TestALargeZipIsReadFromAFileThatIsGone(t *testing.T) {
	if testing.Short() {
		t.Skip("large inputs are left out: -short")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	data := make([]byte, 5<<20)
	_, _ = rand.Read(data)
	want := map[string]string{"a": string(data), "b": text}
	got, failed, err := everything(zipOf("a", string(data), "b", text))
	if diff := cmp.Diff(want, got); diff != "" || failed != nil {
		t.Errorf("error %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, error %v", left, err)
	}
	t.Setenv("TMPDIR", dir+"/not there")
	_, _, err = everything(zipOf("a", string(data)))
	if !penstock.IsTemporary(err) {
		t.Errorf("without a place for it: error %v", err)
	}
}

func TestAnEncryptedZipIsNotGarbage(t *testing.T) {
	t.Parallel()
	stored := []byte(zipOf("a", text))
	stored[6] |= 1 // in the local header
	at := bytes.LastIndex(stored, []byte("PK\x01\x02"))
	stored[at+8] |= 1 // in the directory
	for name, s := range map[string]string{"whole": string(stored), "without a directory": string(stored[:at])} {
		_, _, err := everything(s)
		if u, ok := errors.AsType[*decode.UnsupportedError](err); !ok || u.Container != "encrypted zip" {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestContainersAreNamedFromTheOutside(t *testing.T) {
	t.Parallel()
	stored := gz(tarOf("a", text, "b.gz", gz(gz(text)), "c.zip", storedZip("d", text), "e", text))
	want := map[string]string{"a": "gzip tar", "b.gz": "gzip tar gzip gzip", "c.zip!d": "gzip tar zip", "e": "gzip tar"}
	got := map[string]string{}
	for e, err := range decode.New(decode.Limits{}).Entries("", strings.NewReader(stored)) {
		if err != nil {
			t.Fatal(err)
		}
		got[e.Name] = strings.Join(decode.Containers(e), " ")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for e := range decode.New(decode.Limits{}).Entries("", strings.NewReader(text)) {
		if in := decode.Containers(e); in != nil {
			t.Errorf("plain bytes are in %q", in)
		}
	}
	if in := decode.Containers(penstock.Entry{}); in != nil {
		t.Errorf("nothing is in %q", in)
	}
}
