package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed56735111/penstock/internal/hostile"
)

// A run that is killed at any moment and started again goes on behind its checkpoint: no record is lost, none is there
// twice, and what it reads again is less than a part of a listing. "make kill-checkpoint" does it at 100 moments of
// 10,000 objects, other ones each time.
func TestARunThatIsKilledGoesOnBehindItsCheckpoint(t *testing.T) {
	t.Parallel()
	objects, kills, rate, seed := 4000, 20, "2000", uint64(2)
	if os.Getenv("PENSTOCK_TEST_FULL") != "" {
		objects, kills, rate, seed = 10_000, 100, "1000", rand.Uint64()
		t.Logf("the seed is %d", seed)
	}
	var reads atomic.Int64
	bucket := &hostile.S3{Get: func(http.ResponseWriter, *hostile.Get) bool {
		reads.Add(1)
		return false
	}}
	for i := range objects {
		bucket.Put(fmt.Sprintf("p/%05d.ndjson", i), fmt.Sprintf(`{"time":"2015-11-19T08:00:00Z","n":%d}`+"\n", i))
	}
	domain := new(hostile.Domain)
	store, index := httptest.NewServer(bucket), httptest.NewServer(domain)
	defer store.Close()
	defer index.Close()
	noted := filepath.Join(t.TempDir(), "checkpoint.json")
	command := func(more ...string) *exec.Cmd {
		cmd := exec.Command(penstock, append([]string{
			"ship", "s3://" + hostile.Bucket + "/p/", "--domain", index.URL, "--no-sign", "--json",
			"--dead-letters", t.TempDir(),
			"--endpoint-url", store.URL, "--path-style", "--index", "kill", "--checkpoint", noted,
			"--linger", "20ms",
		}, more...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=eu-west-1")
		return cmd
	}
	after := func() string {
		var state struct{ After map[string]string }
		text, err := os.ReadFile(noted)
		if err == nil {
			err = json.Unmarshal(text, &state)
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("the checkpoint is not whole: %v: %q", err, text)
		}
		return state.After["s3://"+hostile.Bucket+"/p/"]
	}
	random := rand.New(rand.NewPCG(1, seed))
	killed, before := 0, ""
	for range kills {
		cmd := command("--rate", rate)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+random.IntN(250)) * time.Millisecond)
		if err := cmd.Process.Kill(); err == nil {
			killed++
		} else if !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		at := after()
		if at < before {
			t.Errorf("the checkpoint went from %q back to %q", before, at)
		}
		before = at
		// Everything before the checkpoint is in the domain.
		have := map[string]bool{}
		for _, body := range domain.Docs() {
			_, rest, _ := strings.Cut(body, `"key":"`)
			key, _, _ := strings.Cut(rest, `"`)
			have[key] = true
		}
		for i := range objects {
			if key := fmt.Sprintf("p/%05d.ndjson", i); key <= at && !have[key] {
				t.Fatalf("killed with the checkpoint at %s, and %s is not in the domain", at, key)
			}
		}
	}
	out, err := command().Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got summary
	decodeSummary(t, out, &got)
	if n := len(domain.Docs()); n != objects {
		t.Errorf("%d documents, want %d", n, objects)
	}
	const part = 1000 // of a listing
	if again := reads.Load() - int64(objects); again > int64(killed)*part {
		t.Errorf("%d objects were read again after %d kills", again, killed)
	}
	t.Logf("killed %d times; %d objects read again", killed, reads.Load()-int64(objects))
	if before == "" || got.Records >= int64(objects) {
		t.Errorf("the checkpoint was of no use: at %q, and then %d records", before, got.Records)
	}
	// Behind the end there is nothing, and what comes behind it is shipped.
	reads.Store(0)
	bucket.Put("p/99999.ndjson", `{"time":"2015-11-19T08:00:00Z","n":99999}`+"\n")
	if out, err = command().Output(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	decodeSummary(t, out, &got)
	if got.Records != 1 || reads.Load() != 1 {
		t.Errorf("one object more: %d records, %d objects read", got.Records, reads.Load())
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(noted), "*"))
	if err != nil || len(slices.DeleteFunc(left, func(name string) bool { return name == noted })) > killed {
		t.Errorf("beside the checkpoint: %v %v", left, err)
	}
}
