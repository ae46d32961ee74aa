package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/deadletter"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/pipeline"
	"github.com/seed56735111/penstock/shape"
)

// logger is short for what the commands hand on.
type logger = *slog.Logger

// letterOptions say where dead letters rest and how to get there.
type letterOptions struct {
	dir string
	s3  pipeline.S3
}

const deadLettersFlag = "dead-letters"

func (o *letterOptions) flags(f settings.Flags) {
	f.Text(&o.dir, deadLettersFlag)
	f.S3(&o.s3)
}

// named reports whether somebody said where the letters are, and so expects them there.
func (o *letterOptions) named(cmd *cobra.Command) bool { return cmd.Flags().Changed(deadLettersFlag) }

// open returns the dead letters.
func (o *letterOptions) open(ctx context.Context, identity *pipeline.AWS, l logger) (deadletter.Store, error) {
	return pipeline.Letters(ctx, o.dir, identity, &o.s3, l)
}

// notePath tells of a path in the endpoint: domains of AWS have none, and answer as if nothing was there.
func (a *app) notePath(t *pipeline.Target) {
	u, err := domain.ParseURL(t.URL)
	if err != nil {
		return
	}
	switch path := strings.Trim(u.Path, "/"); {
	case path == "":
	case strings.HasPrefix(path, "_dashboards"), strings.HasPrefix(path, "_plugin/"):
		a.note("--domain is the address of Dashboards: leave %s out of it", u.Path)
	default:
		a.note("--domain has the path %s, which is put before every path: right behind a proxy that takes it off, "+
			"wrong for a domain itself", u.Path)
	}
}

// noteNoIDs says which promise is weaker without ids.
func (a *app) noteNoIDs(o *pipeline.Write) {
	if o.NoIDs {
		a.note("without ids the domain cannot tell what it has: what is sent again after a lost answer, " +
			"and all of it when this command is run again, is stored twice")
	}
}

// noteUnseen names the fields of drop rules that no record had.
func (a *app) noteUnseen(rules *shape.Rules) {
	for _, name := range rules.Unseen() {
		a.note("no record had the field %q of a drop rule; penstock explain shows the documents with their fields", name)
	}
}

// fallbackRegion is where things on this machine are when nobody says a region.
const fallbackRegion = "eu-west-1"

// localRegion is the region of a domain or a function on this machine: the one that is given, or the environment's.
func localRegion(given string) string {
	return cmp.Or(given, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"), fallbackRegion)
}

// requestError says for a person why a request got no answer.
func requestError(u fmt.Stringer, err error) error {
	if e, ok := errors.AsType[*domain.Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[interface {
		error
		Fatal() bool
	}](err); ok && f.Fatal() {
		return err
	}
	return &domain.Error{Endpoint: u.String(), Kind: domain.Unreachable, Err: err}
}
