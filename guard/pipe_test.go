//go:build unix

package guard_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
)

// pipe is a named pipe that somebody writes text to, once.
func pipe(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Skip(err)
	}
	go func() {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Error(err)
		}
	}()
	return name
}

// A shell's <(…) is a pipe, too.
func TestAPipeIsReadOnce(t *testing.T) {
	t.Parallel()
	policies := pipe(t,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"es:*","Resource":"*"}]}`)
	identities := pipe(t, `{"users":[{"arn":"`+alice+`"}]}`)
	synctest.Test(t, func(t *testing.T) {
		policy, err := guard.OpenPolicyFile(policies, guard.ParseAccessPolicy, nil)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := identity.Load(identities, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if p, err := policy.Policy(); err != nil || p.Len() != 1 {
			t.Errorf("%v, %v", p, err)
		}
		if got := len(ids.Users()); got != 1 {
			t.Errorf("%d users, want 1", got)
		}
	})
}
