package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed56735111/penstock/domain"
	"github.com/seed56735111/penstock/internal/settings"
	"github.com/seed56735111/penstock/mapping"
	"github.com/seed56735111/penstock/pipeline"
)

// templateOptions say which templates are meant, and for which domain.
type templateOptions struct {
	pipeline.Target
	read       pipeline.Read // its pattern, its fields and its routes
	force, yes bool
	asJSON     bool
}

func newTemplatesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Show, put and compare the index templates that follow from the formats",
		Long: `templates makes an index template for each format, by the types of its fields, and a component template that
all of them are composed of. They are named penstock-…, and note who wrote them: a template that somebody else
wrote or changed is shown by diff, and stays.

FORMAT is one of those that "penstock formats" lists. Without one all are meant, and what the routes of the
configuration file have of their own: their indexes and data streams, in their targets, and their retention. --index
is the pattern that ship runs with. docs/templates.md explains what is in them.`,
		Example: "  penstock templates show alb\n" +
			"  penstock templates put --domain https://search-x.eu-west-1.es.amazonaws.com",
		GroupID: groupDomain,
	}
	cmd.AddCommand(newTemplatesShow(a), newTemplatesPut(a), newTemplatesDiff(a))
	return cmd
}

func (o *templateOptions) flags(cmd *cobra.Command) settings.Flags {
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Text(&o.read.Index, "index")
	f.Text(&o.read.Fields, "fields")
	f.Target(&o.Target)
	return f
}

func newTemplatesShow(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "show [FORMAT…]",
		Short: "Write the templates, as requests for the console of Dashboards",
		Long: `show writes the templates, and the policies of retention, as the requests that put makes. With --domain they
are in the form that its version takes; without one in that of OpenSearch, which Elasticsearch takes from 7.8 on but for
retention.`,
		Example: "  penstock templates show alb cloudtrail\n" +
			"  penstock templates show --index 'app-{yyyy.MM}' --domain https://…",
		RunE: func(cmd *cobra.Command, formats []string) error {
			a.templateRoutes(cmd, &o, formats)
			if o.URL != "" {
				all, err := o.open(cmd.Context(), a, formats)
				for i := 0; i < len(all) && err == nil; i++ {
					err = o.show(a.Out, &all[i])
				}
				return err
			}
			for _, target := range o.read.TemplateTargets() {
				p, err := o.read.IndexesOf(target, mapping.Engine{}, mapping.ISM, formats...)
				if err == nil {
					err = o.show(a.Out, &templatePlace{target: target, indexes: p, keeper: mapping.ISM})
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.ValidArgsFunction = a.formatNames
	o.flags(cmd).BoolVar(&o.asJSON, "json", false, "print one JSON object for each template")
	return cmd
}

func newTemplatesPut(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "put [FORMAT…]",
		Short: "Put the templates that a domain lacks or has from an earlier version",
		Long: `put makes the templates in the domain. It may be run again at any time. They are for indexes that are made from
then on; those that are there keep their mappings.

The retention of routes deletes indexes. put sets it, and nothing else does: as a policy of Index State Management, or
of the lifecycle management of Elasticsearch. What it takes in of the indexes that are there today is listed, and
nothing is put without --yes then. For a serverless collection the lifecycle policy is printed, for you to create.`,
		Example: "  penstock templates put --domain https://search-x.eu-west-1.es.amazonaws.com\n" +
			"  penstock templates put alb --index 'app-{format}-{yyyy.MM}' --domain https://…",
		RunE: func(cmd *cobra.Command, formats []string) error {
			a.templateRoutes(cmd, &o, formats)
			all, err := o.open(cmd.Context(), a, formats)
			if err != nil {
				return err
			}
			if err := o.confirm(a.Out, all); err != nil {
				return err
			}
			for i := range all {
				if err := o.put(cmd.Context(), a, &all[i]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	f := o.flags(cmd)
	f.BoolVar(&o.force, "force", false, "put also those that somebody else wrote or changed")
	f.BoolVar(&o.yes, "yes", false, "set the retention of indexes that are there already")
	cmd.ValidArgsFunction = a.formatNames
	return cmd
}

// confirm lists what retention would take in of the indexes that are there today. Without --yes that is an error.
func (o *templateOptions) confirm(w io.Writer, all []templatePlace) error {
	taken := 0
	for i := range all {
		for _, k := range all[i].kept {
			if !o.wants(k) || len(k.Indexes) == 0 {
				continue
			}
			taken += len(k.Indexes)
			_, _ = fmt.Fprintf(w, "%s%s takes in, of today:\n", targetPrefix(all[i].target), retentionText(&k.Retention))
			for _, name := range k.Indexes {
				_, _ = fmt.Fprintf(w, "  %s\n", printable(name))
			}
		}
	}
	if taken > 0 && !o.yes {
		return usagef("look at the list, and run it again with --yes",
			"retention would delete indexes that are there already (%d)", taken)
	}
	return nil
}

// wants reports whether a retention is to be put.
func (o *templateOptions) wants(k *mapping.Kept) bool {
	return k.State == mapping.Missing || k.State == mapping.Older || o.force && k.State == mapping.Foreign
}

func retentionText(r *mapping.Retention) string {
	from := "an index was made"
	if r.Stream {
		from = "the next index followed"
	}
	return fmt.Sprintf("retention %s of %s: it deletes %s %s after %s, and", r.Keep, r.Of, r.Pattern, r.Age, from)
}

// put puts what is missing in one domain.
func (o *templateOptions) put(ctx context.Context, a *app, p *templatePlace) error {
	n, err := mapping.Put(ctx, p.domain, p.found, o.force)
	if n > 0 || err == nil {
		_, _ = fmt.Fprintf(a.Out, "%s%s put, %d as %s should be\n", targetPrefix(p.target), plural(int64(n), "template"),
			count(p.found, mapping.Same), verb(count(p.found, mapping.Same), "it", "they"))
	}
	if !o.force {
		a.noteLeft(p.found)
	}
	if err != nil {
		return err
	}
	for _, k := range p.kept {
		switch {
		case o.wants(k):
			if err := mapping.PutRetention(ctx, p.domain, k); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(a.Out, "%sretention %s of %s put: %s, deleted at %s\n",
				targetPrefix(p.target), k.Keep, k.Of, k.Pattern, k.Age)
		case k.State == mapping.Foreign:
			a.note("the policy %s left as somebody else wrote it; see penstock templates diff", k.Name)
		default:
			_, _ = fmt.Fprintf(a.Out, "%sretention %s of %s is as it should be\n", targetPrefix(p.target), k.Keep, k.Of)
		}
	}
	return p.printServerless(a)
}

// printServerless prints the lifecycle policies of a collection, which its own service takes and no request to the
// collection makes.
func (p *templatePlace) printServerless(a *app) error {
	for i := range p.serverless {
		r := &p.serverless[i]
		collection := p.collection
		if collection == "" {
			collection = "COLLECTION"
		}
		body, err := json.Marshal(r.Serverless(collection))
		if err != nil {
			return err
		}
		a.note("a collection has its retention from its service; create it with what is printed")
		if _, err := fmt.Fprintf(a.Out, "aws opensearchserverless create-lifecycle-policy --type retention "+
			"--name %s --policy %s\n", r.Name, shellQuoted(string(body))); err != nil {
			return unwritten(err)
		}
	}
	return nil
}

func newTemplatesDiff(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "diff [FORMAT…]",
		Short: "Compare the templates with those of a domain",
		Long: `diff has a line for each template and each policy of retention that is not as it should be, with what it is:
missing, older (put by an earlier version), edited (put by templates put and changed since) or foreign (somebody else
wrote it). Below a template are the values that only the domain has, with -, and those that it lacks, with +. It writes
nothing when all are the same.`,
		Example: "  penstock templates diff --domain https://search-x.eu-west-1.es.amazonaws.com",
		RunE: func(cmd *cobra.Command, formats []string) error {
			a.templateRoutes(cmd, &o, formats)
			all, err := o.open(cmd.Context(), a, formats)
			if err != nil {
				return err
			}
			differ := []templateDiff{}
			for i := range all {
				differ = append(differ, all[i].diff()...)
			}
			if o.asJSON {
				return printJSON(a.Out, map[string]any{"same": len(differ) == 0, "differ": differ})
			}
			var text strings.Builder
			for i := range differ {
				differ[i].write(&text)
			}
			if _, err := fmt.Fprint(a.Out, text.String()); err != nil {
				return unwritten(err)
			}
			return nil
		},
	}
	cmd.ValidArgsFunction = a.formatNames
	o.flags(cmd).BoolVar(&o.asJSON, "json", false, "print one JSON object")
	return cmd
}

// templateDiff is a template or a policy of retention that is not as it should be.
type templateDiff struct {
	Target string        `json:"target,omitempty"`
	Path   string        `json:"path"`
	State  mapping.State `json:"state"`
	// Lines are the values that only the domain has, with -, and those that it lacks, with +.
	Lines []string `json:"lines,omitempty"`
}

func (p *templatePlace) diff() []templateDiff {
	var all []templateDiff
	for i := range p.found {
		t := &p.found[i]
		if t.State == mapping.Same {
			continue
		}
		one := templateDiff{Target: p.target, Path: t.Path, State: t.State}
		if t.State != mapping.Missing {
			one.Lines = t.Diff(t.There)
		}
		all = append(all, one)
	}
	for _, k := range p.kept {
		if k.State != mapping.Same {
			all = append(all, templateDiff{Target: p.target, Path: string(k.Keeper) + "/" + k.Name, State: k.State})
		}
	}
	return all
}

func (d *templateDiff) write(text *strings.Builder) {
	_, _ = fmt.Fprintf(text, "%s%s: %s\n", targetPrefix(d.Target), d.Path, d.State)
	for _, line := range d.Lines {
		_, _ = fmt.Fprintf(text, "  %s\n", printable(line))
	}
}

// templatePlace is what one domain should have.
type templatePlace struct {
	target  string // its name, empty for the one that is not named
	domain  *domain.Domain
	indexes *pipeline.Indexes
	found   []mapping.Standing
	keeper  mapping.Keeper
	kept    []*mapping.Kept
	// Of a serverless collection:
	collection string
	serverless []mapping.Retention
}

// targetPrefix names the target in front of a line.
func targetPrefix(target string) string {
	if target == "" {
		return ""
	}
	return "target " + target + ": "
}

// templateRoutes takes the routes of the file, unless formats are named.
func (a *app) templateRoutes(cmd *cobra.Command, o *templateOptions, formats []string) {
	o.read.Definitions = a.config.Definitions()
	if len(formats) == 0 {
		a.routes(cmd, &o.read)
	}
}

// open asks the domains what they are, and compares what they have with what they should.
func (o *templateOptions) open(ctx context.Context, a *app, formats []string) ([]templatePlace, error) {
	logger, err := a.logger()
	if err != nil {
		return nil, err
	}
	targets, err := a.routeTargets(o.read.Routes, &o.Target)
	if err != nil {
		return nil, err
	}
	outlets, err := pipeline.OpenOutlets(ctx, &o.Target, targets, o.read.Routes, pipeline.Write{}, logger)
	if err != nil {
		return nil, err
	}
	var all []templatePlace
	err = outlets.Each(func(name string, d *domain.Domain) error {
		target := o.Target
		if name != "" {
			target = targets[name]
		}
		p, err := o.place(ctx, name, &target, d, formats)
		all = append(all, p)
		return err
	})
	return all, err
}

func (o *templateOptions) place(
	ctx context.Context, name string, target *pipeline.Target, d *domain.Domain, formats []string,
) (p templatePlace, err error) {
	p = templatePlace{target: name, domain: d, collection: target.Collection}
	banner, err := pipeline.Probe(ctx, d)
	if err := pipeline.BannerMatters(err); err != nil {
		return p, err
	}
	e := pipeline.Engine(banner)
	retentions, err := pipeline.Retentions(o.read.Routes, name)
	if err != nil {
		return p, err
	}
	switch {
	case len(retentions) == 0:
	case target.IsServerless():
		p.serverless = retentions
	default:
		if p.keeper, err = mapping.FindKeeper(ctx, d, e); err != nil {
			return p, err
		}
	}
	if p.indexes, err = o.read.IndexesOf(name, e, p.keeper, formats...); err != nil {
		return p, err
	}
	if p.found, err = mapping.Read(ctx, d, p.indexes.Templates); err != nil {
		return p, err
	}
	if p.keeper == "" {
		return p, nil
	}
	for _, r := range p.indexes.Retentions {
		k, err := mapping.ReadRetention(ctx, d, p.keeper, r)
		if err != nil {
			return p, err
		}
		p.kept = append(p.kept, k)
	}
	mapping.Apart(p.kept)
	return p, nil
}

// shownTemplate is a request that makes a template or a policy of retention.
type shownTemplate struct {
	Target string `json:"target,omitempty"`
	Path   string `json:"path"`
	Body   any    `json:"body"`
}

// show writes what a domain should have as requests.
func (o *templateOptions) show(w io.Writer, p *templatePlace) error {
	if p.target != "" && !o.asJSON {
		if _, err := fmt.Fprintf(w, "# target %s\n", p.target); err != nil {
			return unwritten(err)
		}
	}
	show := func(path string, of any) error {
		if o.asJSON {
			return printJSON(w, shownTemplate{p.target, path, of})
		}
		body, err := json.MarshalIndent(of, "", "  ")
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "PUT %s\n%s\n\n", path, body); err != nil {
			return unwritten(err)
		}
		return nil
	}
	for i := range p.indexes.Templates {
		if err := show(p.indexes.Templates[i].Path, p.indexes.Templates[i].Body); err != nil {
			return err
		}
	}
	for i := range p.indexes.Retentions {
		r := &p.indexes.Retentions[i]
		if p.keeper == "" {
			continue
		}
		if err := show(string(p.keeper)+"/"+r.Name, r.Policy(p.keeper)); err != nil {
			return err
		}
	}
	return nil
}

func count(found []mapping.Standing, state mapping.State) (n int) {
	for i := range found {
		if found[i].State == state {
			n++
		}
	}
	return n
}

// putTemplates puts the templates for what a run ships.
func (a *app) putTemplates(ctx context.Context, p *pipeline.Pipeline) error {
	found, n, err := p.PutTemplates(ctx)
	if n > 0 {
		a.note("%s put; those of an index are what it begins with, so indexes that are there keep their mappings",
			plural(int64(n), "index template"))
	}
	if err == nil {
		a.noteLeft(found)
	}
	return err
}

// noteLeft names templates that are not ours to change.
func (a *app) noteLeft(found []mapping.Standing) {
	var names []string
	for i := range found {
		if s := found[i].State; s == mapping.Edited || s == mapping.Foreign {
			names = append(names, found[i].Path[strings.LastIndexByte(found[i].Path, '/')+1:])
		}
	}
	if len(names) > 0 {
		a.note("%s left as somebody else wrote or changed it: %s; see penstock templates diff",
			plural(int64(len(names)), "index template"), strings.Join(names, ", "))
	}
}
