package realtest

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// Seed returns the seed of what a test draws: that of PENSTOCK_TEST_SEED, else another one each time. The test says it,
// so that it can be run again with the same.
func Seed(t testing.TB) uint64 {
	t.Helper()
	text := os.Getenv("PENSTOCK_TEST_SEED")
	if text == "" {
		return uint64(time.Now().UnixNano())
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return seed
}
