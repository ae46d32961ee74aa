package identity_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed56735111/penstock/guard/identity"
)

const (
	alice   = "arn:aws:iam::123456789012:user/team/alice"
	shipper = "arn:aws:iam::123456789012:role/service/shipper"
)

func TestIdentityFileErrorsNameThePlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const (
		key   = `{"id":"A","secret":"s"}`
		asia  = `"access_key_id":"ASIA1","secret":"s"`
		times = `"issued":"2026-01-01T00:00:00Z","expires":"2026-01-02T00:00:00Z"`
	)
	users := func(list ...string) string { return `{"users":[` + strings.Join(list, ",") + `]}` }
	ofAlice := func(more string) string { return strings.TrimSuffix(`{"arn":"`+alice+`",`+more, ",") + `}` }
	shipperWith := func(more string) string { return `{"roles":[{"arn":"` + shipper + `",` + more + `}]}` }
	session := func(more string) string {
		return `{"roles":[{"arn":"` + shipper + `"}],"sessions":[{` + asia + `,` + more + `}]}`
	}
	nobodys := `{"sessions":[{` + asia + `,"token":"t","of":"` + alice + `",` + times + `}]}`
	for content, want := range map[string]string{
		"":                                       "line 1, column 1: ",
		"{\n  \"users\": [,]\n}":                 "line 2, column ",
		`{"groups": []}`:                         `unknown name "groups"`,
		`{"users": [], "users":[]}`:              `the name "users" is there twice`,
		users(`{"arn":"alice"}`):                 `users[0].arn: "alice" is not an ARN`,
		users(`{"arn":"arn:aws:iam::1:user/a"}`): `users[0].arn: "arn:aws:iam::1:user/a" is not the ARN of an IAM user`,
		users(`{"arn":"` + shipper + `"}`):       `users[0].arn: "` + shipper + `" is not the ARN of an IAM user`,
		users(ofAlice(""), ofAlice("")):          `users[1].arn: ` + alice + ` is there twice`,
		// Keys and policies.
		users(ofAlice(`"access_keys":[{"id":"AKIA1","secret":""}]`)): `users[0].access_keys[0]: the secret of AKIA1 is empty`,
		users(ofAlice(`"access_keys":[{"id":"A/B","secret":"s"}]`)):  `access_keys[0]: "A/B" is not an access key id`,
		users(ofAlice(`"access_keys":[` + key + `,` + key + `]`)):    `users[0].access_keys[1]: access key A is there twice`,
		users(ofAlice(`"policies":[{"Statement":"x"}]`)):             `users[0].policies[0]: `,
		// Roles.
		shipperWith(`"boundary":{"Statement":"x"}`):      `roles[0].boundary: `,
		shipperWith(`"max_session_seconds":50000`):       `roles[0].max_session_seconds: 50000 is not between`,
		shipperWith(`"trust":["bob"]`):                   `roles[0].trust[0]: "bob" is not an ARN`,
		shipperWith(`"web_identity":{"public_key":"x"}`): `roles[0].web_identity: public_key is not PEM`,
		// Sessions.
		nobodys: `sessions[0].of: no user or role`,
		session(`"token":"t","of":"` + shipper + `","name":"a b"`): `sessions[0].name: "a b" is not a role session name`,
		session(`"of":"` + shipper + `","name":"ab"`):              `sessions[0]: a session needs a token`,
		session(`"expires":"soon"`):                                `line 1, column `,
	} {
		path := filepath.Join(dir, "identities.json")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := identity.Load(path, nil)
		if err == nil || !strings.Contains(err.Error(), want) ||
			!strings.HasPrefix(err.Error(), "read identities: "+path+": ") {
			t.Errorf("%s: got %v, want …%s…", content, err, want)
		}
	}
	if _, err := identity.Load(filepath.Join(dir, "none.json"), nil); err == nil ||
		!strings.Contains(err.Error(), "none.json") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestIdentitiesSurviveInTheirFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "identities.json")
	ids, err := identity.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	user, err := ids.CreateUser(identity.User{ARN: alice})
	if err != nil {
		t.Fatal(err)
	}
	if err := ids.CreateRole(identity.Role{ARN: shipper, Trust: []string{alice}}); err != nil {
		t.Fatal(err)
	}
	session, err := ids.CreateSession(shipper, "night", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:sts::123456789012:assumed-role/shipper/night"; session.ARN != want || session.Token == "" {
		t.Errorf("session %+v, want %s", session, want)
	}
	if !strings.HasPrefix(user.AccessKeyID, "AKIA") || len(user.AccessKeyID) != 20 || len(string(user.Secret)) != 40 {
		t.Errorf("user key %q, secret of %d characters", user.AccessKeyID, len(string(user.Secret)))
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info.Mode(), err)
	}
	again, err := identity.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Users()) != 1 || len(again.Roles()) != 1 || len(again.Sessions()) != 1 ||
		again.Sessions()[0].Of != shipper {
		t.Errorf("read again: %v %v %v", again.Users(), again.Roles(), again.Sessions())
	}
	if _, err := again.CreateUser(identity.User{ARN: alice}); err == nil || !strings.Contains(err.Error(), "there twice") {
		t.Errorf("the same user again: %v", err)
	}
	if err := again.Remove(shipper); err != nil {
		t.Fatal(err)
	}
	if err := again.Remove(shipper); err == nil {
		t.Error("a role is removed twice")
	}
	if len(again.Roles()) != 0 || len(again.Sessions()) != 0 || len(again.Users()) != 1 {
		t.Error("removing a role leaves its sessions, or takes more than those")
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("files %v, %v", left, err)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	c := identity.Credentials{AccessKeyID: "AKIA1", Secret: "hunter2hunter2", Token: "hunter2token"}
	u := identity.User{ARN: alice, Keys: []identity.AccessKey{{ID: "AKIA1", Secret: "hunter2"}}}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", c.Secret)
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "all", c, "user", u)
	text := log.String() + fmt.Sprintf("%v %+v %#v %s %q %v %+v %#v", c, c, c, c.Secret, c.Secret, u, u, u)
	if strings.Contains(text, "hunter2") {
		t.Errorf("a secret in %s", text)
	}
}
