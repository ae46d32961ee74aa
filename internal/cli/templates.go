package cli

import (
	"context"
	"encoding/json"
	"fmt"
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
	index  string
	fields string
	force  bool
}

func newTemplatesCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "templates",
		Short: "Show, put and compare the index templates that follow from the formats",
		Long: `templates makes an index template for each format, by the types of its fields, and a component template that
all of them are composed of. They are named penstock-…, and note who wrote them: a template that somebody else
wrote or changed is shown by diff, and stays.

FORMAT is one of those that "penstock formats" lists; without one all are meant. --index is the pattern that ship runs
with. docs/templates.md explains what is in them.`,
		Example: "  penstock templates show alb\n" +
			"  penstock templates put --domain https://search-x.eu-west-1.es.amazonaws.com",
		GroupID: groupDomain,
	}
	cmd.AddCommand(newTemplatesShow(a), newTemplatesPut(a), newTemplatesDiff(a))
	return cmd
}

func (o *templateOptions) flags(cmd *cobra.Command) settings.Flags {
	f := settings.Flags{FlagSet: cmd.Flags()}
	f.Text(&o.index, "index")
	f.Text(&o.fields, "fields")
	f.Target(&o.Target)
	return f
}

func newTemplatesShow(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "show [FORMAT…]",
		Short: "Write the templates, as requests for the console of Dashboards",
		Long: `show writes the templates as the requests that put makes. With --domain they are in the form that its version
takes; without one in that of OpenSearch, which Elasticsearch takes from 7.8 on.`,
		Example: "  penstock templates show alb cloudtrail\n" +
			"  penstock templates show --index 'app-{yyyy.MM}' --domain https://…",
		RunE: func(cmd *cobra.Command, formats []string) error {
			var e mapping.Engine
			if o.URL != "" {
				d, err := o.Open(cmd.Context(), 1)
				if err != nil {
					return err
				}
				banner, err := pipeline.Probe(cmd.Context(), d)
				if err := pipeline.BannerMatters(err); err != nil {
					return err
				}
				e = pipeline.Engine(banner)
			}
			all, err := pipeline.Templates(e, o.index, o.fields, formats...)
			if err != nil {
				return err
			}
			for i := range all {
				body, err := json.MarshalIndent(all[i].Body, "", "  ")
				if err != nil {
					return err
				}
				if _, err := fmt.Fprintf(a.Out, "PUT %s\n%s\n\n", all[i].Path, body); err != nil {
					return unwritten(err)
				}
			}
			return nil
		},
	}
	o.flags(cmd)
	cmd.ValidArgsFunction = oneOf(formatNames()...)
	return cmd
}

func newTemplatesPut(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "put [FORMAT…]",
		Short: "Put the templates that a domain lacks or has from an earlier version",
		Long: `put makes the templates in the domain. It may be run again at any time. They are for indexes that are made from
then on; those that are there keep their mappings.`,
		Example: "  penstock templates put --domain https://search-x.eu-west-1.es.amazonaws.com\n" +
			"  penstock templates put alb --index 'app-{format}-{yyyy.MM}' --domain https://…",
		RunE: func(cmd *cobra.Command, formats []string) error {
			d, found, err := o.read(cmd.Context(), formats)
			if err != nil {
				return err
			}
			n, err := mapping.Put(cmd.Context(), d, found, o.force)
			if n > 0 || err == nil {
				_, _ = fmt.Fprintf(a.Out, "%s put, %d as %s should be\n", plural(int64(n), "template"), count(found, mapping.Same),
					map[bool]string{true: "it", false: "they"}[count(found, mapping.Same) == 1])
			}
			if !o.force {
				a.noteLeft(found)
			}
			return err
		},
	}
	cmd.ValidArgsFunction = oneOf(formatNames()...)
	o.flags(cmd).BoolVar(&o.force, "force", false, "put also those that somebody else wrote or changed")
	return cmd
}

func newTemplatesDiff(a *app) *cobra.Command {
	var o templateOptions
	cmd := &cobra.Command{
		Use:   "diff [FORMAT…]",
		Short: "Compare the templates with those of a domain",
		Long: `diff has a line for each template that is not as it should be, with what it is: missing, older (put by an
earlier version), edited (put by templates put and changed since) or foreign (somebody else wrote it). Below it are
the values that only the domain has, with -, and those that it lacks, with +. It writes nothing when all are the
same.`,
		Example: "  penstock templates diff --domain https://search-x.eu-west-1.es.amazonaws.com",
		RunE: func(cmd *cobra.Command, formats []string) error {
			_, found, err := o.read(cmd.Context(), formats)
			if err != nil {
				return err
			}
			for i := range found {
				t := &found[i]
				if t.State == mapping.Same {
					continue
				}
				var text strings.Builder
				_, _ = fmt.Fprintf(&text, "%s: %s\n", t.Path, t.State)
				if t.State != mapping.Missing {
					for _, line := range t.Diff(t.There) {
						_, _ = fmt.Fprintf(&text, "  %s\n", printable(line))
					}
				}
				if _, err := fmt.Fprint(a.Out, text.String()); err != nil {
					return unwritten(err)
				}
			}
			return nil
		},
	}
	o.flags(cmd)
	cmd.ValidArgsFunction = oneOf(formatNames()...)
	return cmd
}

// read compares the templates for formats with those of the domain.
func (o *templateOptions) read(ctx context.Context, formats []string) (*domain.Domain, []mapping.Standing, error) {
	d, err := o.Open(ctx, 1)
	if err != nil {
		return nil, nil, err
	}
	found, err := pipeline.ReadTemplates(ctx, d, o.index, o.fields, formats...)
	return d, found, err
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
