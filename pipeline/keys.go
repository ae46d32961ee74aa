package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/seed56735111/penstock/redact"
)

// KeySource says where the secret of a key is, and which number the key has.
type KeySource struct {
	redact.Reference
	Number int
}

// longestSecret bounds what is read of a file with a secret.
const longestSecret = 64 << 10

// LocalSecret returns what a reference to a variable of the environment or to a file names.
func LocalSecret(r redact.Reference) ([]byte, error) {
	switch r.Scheme {
	case "env":
		if v, ok := os.LookupEnv(r.Name); ok {
			return []byte(v), nil
		}
		return nil, errors.New("the variable is not set")
	case "file":
		f, err := os.Open(r.Name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		return io.ReadAll(io.LimitReader(f, longestSecret))
	}
	return nil, errors.New("parameters of Systems Manager are not read here")
}

// Secret returns what reads secrets, also those that are parameters of Systems Manager.
func (o *AWS) Secret(ctx context.Context) func(redact.Reference) ([]byte, error) {
	return func(r redact.Reference) ([]byte, error) {
		if r.Scheme != "ssm" {
			return LocalSecret(r)
		}
		cfg, err := o.Load(ctx)
		if err != nil {
			return nil, err
		}
		return Parameter(ctx, cfg, r.Name)
	}
}

// key returns the key of a name. It is read once for all routes.
func (o *Read) key(name string) (*redact.Key, error) {
	if k := o.keyed[name]; k != nil {
		return k, nil
	}
	from, ok := o.Keys[name]
	if !ok {
		return nil, errors.New("no key has this name")
	}
	read := o.Secret
	if read == nil {
		read = LocalSecret
	}
	secret, err := read(from.Reference)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", from.Reference, err)
	}
	k, err := redact.NewKey(from.Number, secret)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from.Reference, err)
	}
	if o.keyed == nil {
		o.keyed = map[string]*redact.Key{}
	}
	o.keyed[name] = k
	return k, nil
}
