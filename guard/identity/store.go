package identity

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed56735111/penstock/guard/internal/edge"
)

const (
	maxIdentityFile = 16 << 20
	// maxMinted bounds the sessions that STS keeps in memory.
	maxMinted = 10_000

	defaultSessionSeconds = 3600
	maxSessionSeconds     = 43200
)

// Store holds the users, roles and sessions that a domain knows. It follows changes of its file within a second.
// Sessions that STS issues live in memory until they expire. All methods may be called from several goroutines.
type Store struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex
	file    identityFile
	book    *book
	minted  map[string]*mintedSession
	checked time.Time
	stamp   edge.Stamp
}

// mintedSession is a session from STS. Its user or role is looked up again when the file has changed.
type mintedSession struct {
	Session
	in *book
	id *Caller
}

// New returns a store without a file. What it holds is gone with the process.
func New() *Store {
	return &Store{book: &book{}, minted: map[string]*mintedSession{}, log: slog.New(slog.DiscardHandler)}
}

// Load reads a file of identities, a JSON object with the lists "users", "roles" and "sessions". Errors name the file
// and the place in it. When the file changes later and cannot be read, the last good state stays in force and logger
// gets the error. A nil logger is silent.
func Load(path string, logger *slog.Logger) (*Store, error) {
	ids := New()
	ids.path = path
	if logger != nil {
		ids.log = logger
	}
	if err := ids.reload(); err != nil {
		return nil, err
	}
	return ids, nil
}

// Open is Load for a file that may not exist yet. The store then starts empty.
func Open(path string, logger *slog.Logger) (*Store, error) {
	ids, err := Load(path, logger)
	if errors.Is(err, fs.ErrNotExist) {
		ids = New()
		ids.path = path
		return ids, nil
	}
	return ids, err
}

// Replace puts users, roles and sessions in the place of those in memory, from the text of a file of identities. They
// are in force when it returns; after an error those before stay. Sessions of STS go on as long as their user or role
// is there. A store that follows a file takes none.
func (ids *Store) Replace(text []byte) error {
	if ids.path != "" {
		return fmt.Errorf("replace identities: they are in %s", ids.path)
	}
	f, b, err := parseIdentities(text)
	if err != nil {
		return fmt.Errorf("replace identities: %w", err)
	}
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.file, ids.book = *f, b
	return nil
}

// lookup finds the caller that an access key id belongs to.
func (ids *Store) lookup(keyID string) (*Caller, bool) {
	if ids == nil {
		return nil, false
	}
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.refresh()
	if id, ok := ids.book.keys[keyID]; ok && !id.disabled {
		return id, true
	}
	m, ok := ids.minted[keyID]
	if !ok {
		return nil, false
	}
	if m.in != ids.book {
		id, err := ids.book.session(&m.Session)
		if err != nil {
			return nil, false // its user or role is gone
		}
		m.in, m.id = ids.book, id
	}
	return m.id, true
}

func (ids *Store) role(arn string) (*roleEntry, bool) {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.refresh()
	e, ok := ids.book.roles[arn]
	return e, ok
}

// mint issues a session of a user or role that lives in memory only.
func (ids *Store) mint(
	of, name string, lifetime time.Duration, policies ...jsontext.Value,
) (Credentials, *Caller, error) {
	s := newSession(of, name, lifetime, policies)
	ids.mu.Lock()
	defer ids.mu.Unlock()
	id, err := ids.book.session(&s)
	if err != nil {
		return Credentials{}, nil, fmt.Errorf("session%w", err)
	}
	if len(ids.minted) >= maxMinted {
		maps.DeleteFunc(ids.minted, func(_ string, m *mintedSession) bool { return time.Now().After(m.Expires) })
		if len(ids.minted) >= maxMinted {
			return Credentials{}, nil, fmt.Errorf("there are %d sessions already", maxMinted)
		}
	}
	ids.minted[s.AccessKeyID] = &mintedSession{s, ids.book, id}
	return s.credentials(id.arn), id, nil
}

func newSession(of, name string, lifetime time.Duration, policies []jsontext.Value) Session {
	now := time.Now().UTC().Truncate(time.Second)
	return Session{
		AccessKeyID: newID("ASIA", 16), Secret: newSecret(), Token: newToken(),
		Of: of, Name: name, Policies: policies, Issued: now, Expires: now.Add(lifetime),
	}
}

func (s *Session) credentials(arn string) Credentials {
	return Credentials{AccessKeyID: s.AccessKeyID, Secret: s.Secret, Token: s.Token, Expires: s.Expires, ARN: arn}
}

// CreateUser adds a user and, when it has no keys, one access key, and saves. An empty ID is filled in.
func (ids *Store) CreateUser(u User) (Credentials, error) {
	if u.ID == "" {
		u.ID = newID("AIDA", 17)
	}
	if len(u.Keys) == 0 {
		u.Keys = []AccessKey{{ID: newID("AKIA", 16), Secret: newSecret()}}
	}
	err := ids.change(func(f *identityFile) error {
		f.Users = append(f.Users, u)
		return nil
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("create user: %w", err)
	}
	return Credentials{AccessKeyID: u.Keys[0].ID, Secret: u.Keys[0].Secret, ARN: u.ARN}, nil
}

// CreateRole adds a role and saves. An empty ID is filled in.
func (ids *Store) CreateRole(r Role) error {
	if r.ID == "" {
		r.ID = newID("AROA", 17)
	}
	err := ids.change(func(f *identityFile) error {
		f.Roles = append(f.Roles, r)
		return nil
	})
	if err != nil {
		return fmt.Errorf("create role: %w", err)
	}
	return nil
}

// CreateSession adds a session of a user or role, which is given by its ARN, and saves. A session of a role needs a
// name.
func (ids *Store) CreateSession(
	of, name string, lifetime time.Duration, policies ...jsontext.Value,
) (Credentials, error) {
	s := newSession(of, name, lifetime, policies)
	err := ids.change(func(f *identityFile) error {
		f.Sessions = append(f.Sessions, s)
		return nil
	})
	if err != nil {
		return Credentials{}, fmt.Errorf("create session: %w", err)
	}
	arn := of
	if name != "" {
		arn = sessionARN(of, name)
	}
	return s.credentials(arn), nil
}

// Remove removes a user or role by its ARN, with its sessions, or an access key or session by its access key id, and
// saves.
func (ids *Store) Remove(what string) error {
	err := ids.change(func(f *identityFile) error {
		n := f.len()
		f.Users = slices.DeleteFunc(f.Users, func(u User) bool { return u.ARN == what })
		f.Roles = slices.DeleteFunc(f.Roles, func(r Role) bool { return r.ARN == what })
		f.Sessions = slices.DeleteFunc(f.Sessions, func(s Session) bool { return s.Of == what || s.AccessKeyID == what })
		for i := range f.Users {
			f.Users[i].Keys = slices.DeleteFunc(slices.Clone(f.Users[i].Keys), func(k AccessKey) bool { return k.ID == what })
		}
		if f.len() == n {
			return fmt.Errorf("no user, role or access key %q", what)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove identity: %w", err)
	}
	return nil
}

func (f *identityFile) len() int {
	n := len(f.Users) + len(f.Roles) + len(f.Sessions)
	for _, u := range f.Users {
		n += len(u.Keys)
	}
	return n
}

// Users lists the users.
func (ids *Store) Users() []User {
	return snapshot(ids, func(f *identityFile) []User { return f.Users })
}

// Roles lists the roles.
func (ids *Store) Roles() []Role {
	return snapshot(ids, func(f *identityFile) []Role { return f.Roles })
}

// Sessions lists the sessions of the file. Those that STS issued are not among them.
func (ids *Store) Sessions() []Session {
	return snapshot(ids, func(f *identityFile) []Session { return f.Sessions })
}

func snapshot[T any](ids *Store, list func(*identityFile) []T) []T {
	ids.mu.Lock()
	defer ids.mu.Unlock()
	ids.refresh()
	return slices.Clone(list(&ids.file))
}

// The name and lifetime of the sessions that CreatePrincipal makes.
const (
	localSession  = "local"
	localLifetime = 12 * time.Hour
)

// CreatePrincipal creates the identity that a policy's principal stands for, and returns credentials of it: a user with
// a key, a role with a session, or for an account a user named demo who may do everything there.
func (ids *Store) CreatePrincipal(principal string) (Credentials, error) {
	if edge.IsAccount(principal) {
		principal = "arn:aws:iam::" + principal + ":root"
	}
	a, err := edge.ParseARN(principal)
	if err != nil {
		return Credentials{}, fmt.Errorf("create principal: %w", err)
	}
	prefix := "arn:" + a.Partition + ":iam::" + a.Account + ":"
	kind, rest, _ := strings.Cut(a.Resource, "/")
	switch kind {
	case "user":
		return ids.CreateUser(User{ARN: principal})
	case "role":
		return ids.createRoleSession(principal, localSession)
	case "assumed-role":
		role, session, _ := strings.Cut(rest, "/")
		return ids.createRoleSession(prefix+"role/"+role, session)
	case "root":
		all := jsontext.Value(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
		return ids.CreateUser(User{ARN: prefix + "user/demo", Policies: []jsontext.Value{all}})
	}
	return Credentials{}, fmt.Errorf("create principal: %q is neither a user, a role, a role session nor an account",
		principal)
}

func (ids *Store) createRoleSession(role, session string) (Credentials, error) {
	if _, ok := ids.role(role); !ok {
		if err := ids.CreateRole(Role{ARN: role}); err != nil {
			return Credentials{}, err
		}
	}
	return ids.CreateSession(role, session, localLifetime)
}
