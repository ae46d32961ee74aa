package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/bulk"
	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/mapping"
)

// Write has the budgets of the writer. Zero fields have the defaults of bulk.Config, which says what they mean.
type Write struct {
	MaxInFlight int
	BatchBytes  int64
	BatchDocs   int
	Linger      time.Duration
	RetryBudget time.Duration
	Gzip        bool
	IndexInPath bool
	NoIDs       bool
	Overwrite   bool
	// Conflicts is what becomes of values that the mapping of an index does not take: one of mapping.Rules, "deadletter"
	// when empty.
	Conflicts string
}

// Deliverer returns the deliverer that makes documents fit the mappings of their indexes, as far as Conflicts says so,
// around next.
func (o *Write) Deliverer(next penstock.Deliverer, d *domain.Domain, l *slog.Logger) penstock.Deliverer {
	if o.Conflicts == "" || o.Conflicts == string(mapping.DeadLetter) {
		return next
	}
	return mapping.NewFitting(next, d, mapping.Rule(o.Conflicts), l)
}

// Check looks at what would fail later.
func (o *Write) Check() error {
	if o.Conflicts != "" && !slices.Contains(mapping.Rules(), o.Conflicts) {
		return optionf(BadConflicts, "--conflicts is %q: want %s", o.Conflicts, strings.Join(mapping.Rules(), ", "))
	}
	return nil
}

// Config is that of a writer for a domain with this banner. An empty banner is that of a domain which keeps it to
// itself.
func (o *Write) Config(banner domain.Banner, l *slog.Logger) bulk.Config {
	return bulk.Config{
		BatchBytes: int(o.BatchBytes), BatchDocs: o.BatchDocs, MaxInFlight: o.MaxInFlight, Linger: o.Linger,
		RetryBudget: o.RetryBudget, StartupTimeout: StartupTimeout, Gzip: o.Gzip, IndexInPath: o.IndexInPath,
		Overwrite: o.Overwrite, NoIDs: o.NoIDs, Known: banner.Version != "", DocType: DocType(banner), Logger: l,
	}
}

// CloseWriter ends a writer whose deliveries are over. What is still under way then belongs to nobody: after the end of
// ctx it is cut off at once, so that a domain that does not answer cannot hold the process.
func CloseWriter(ctx context.Context, w *bulk.Writer) error {
	patience := 5 * time.Second
	if ctx.Err() != nil {
		patience = 0
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return w.Close(closing)
}

// BannerMatters returns the error of a probe unless the domain keeps only its banner to itself.
func BannerMatters(err error) error {
	e, ok := errors.AsType[*domain.Error](err)
	if ok && e.Kind != domain.Unreachable && e.Kind != domain.NotADomain && e.Kind != domain.Unavailable {
		return nil
	}
	return err
}
