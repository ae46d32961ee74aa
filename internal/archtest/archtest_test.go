// Package archtest keeps the layout of the project: who may import whom, where the big dependencies may appear, and
// what is linked into the binary.
package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/seed56735111/penstock"

// root is the root package in the tables below.
const root = "penstock"

// allowed says which packages of ours a package may import. A package that is missing here may import none.
// internal/cli wires everything together and is left out.
var allowed = map[string][]string{
	"cmd/penstock":        {"internal/cli"},
	"cmd/penstock-lambda": {"internal/function", "internal/advice", "decode", "decode/parquet", "decode/avro"},

	// Modes.
	"lambda": {root, "cloudwatch", "domain", "pipeline", "source"},
	"proxy":  {"domain", "sigv4", "guard", "doctor", "iam", "internal/reload"},
	"doctor": {"domain", "sigv4", "sigv4/explain", "iam"}, // whose table all use who explain a refusal
	"guard": {
		"iam", "sigv4", "guard/identity", "guard/fault", "guard/internal/edge", "internal/glob", "internal/reload",
		"internal/lazyregexp",
	},
	"engine": {
		"engine/internal/wire", "engine/internal/dates", "engine/internal/mapping", "engine/internal/store",
		"engine/internal/query", "engine/internal/agg", "engine/internal/change", "internal/glob",
	},

	// Domains for tests.
	"domaintest":          {"guard", "guard/fault", "guard/identity", "sigv4"},
	"domaintest/embedded": {"domaintest", "engine", "guard"},

	// The floors below the engine's APIs, from the bottom up.
	"engine/internal/wire":    {"internal/glob"},
	"engine/internal/words":   {},
	"engine/internal/dates":   {"engine/internal/wire", "internal/zones"},
	"engine/internal/mapping": {"engine/internal/wire", "engine/internal/words", "engine/internal/dates", "internal/glob"},
	"engine/internal/store":   {"engine/internal/wire", "engine/internal/mapping", "internal/glob"},
	"engine/internal/query": {
		"engine/internal/wire", "engine/internal/words", "engine/internal/dates", "engine/internal/mapping",
		"engine/internal/store", "internal/glob",
	},
	"engine/internal/change": {"engine/internal/wire", "engine/internal/mapping", "engine/internal/store"},
	"engine/internal/agg": {
		"engine/internal/wire", "engine/internal/dates", "engine/internal/mapping", "engine/internal/query",
		"internal/glob",
	},

	// The parts of the local domain's edge.
	"guard/identity":      {"iam", "sigv4", "guard/internal/edge", "internal/lazyregexp"},
	"guard/fault":         {"guard/internal/edge"},
	"guard/internal/edge": {},

	// The process of the Lambda function.
	"internal/function": {
		root, "source", "decode", "deadletter", "domain", "lambda", "pipeline", "internal/settings",
		"internal/advice", "internal/config",
	},

	// What the edge is made of: the table of settings, and the way out of errors.
	"internal/settings": {"shape", "cloudwatch", "pipeline", "internal/advice", "internal/version"},
	"internal/migrate":  {"internal/config", "internal/lazyregexp"},
	"internal/config": {
		"domain", "shape", "format", "pipeline", "internal/settings", "internal/glob", "iam", "rules",
		"redact", "internal/lazyregexp", root,
	},
	"internal/advice": {
		root, "source", "shape", "bulk", "deadletter", "doctor", "domain", "sigv4", "pipeline", "lambda",
	},
	"internal/version": {},
	"internal/reload":  {},

	// The wiring.
	"pipeline": {
		root, "domain", "sigv4", "source", "decode", "format", "cloudwatch", "shape", "shape/ocsf", "bulk", "deadletter",
		"mapping", "internal/glob", "rules", "rules/expr", "redact",
	},

	// Stages.
	"source":                 {root, "sigv4", "internal/lazyregexp"},
	"decode":                 {root, "internal/inflate"},
	"decode/parquet":         {"decode", "decode/internal/values", "internal/quote", "internal/inflate"},
	"decode/avro":            {"decode", "decode/internal/values", "internal/quote"},
	"decode/internal/values": {"internal/quote"},
	"format": {
		root, "format/internal/delimited", "format/internal/entry", "format/internal/lines", "format/internal/events",
		"format/internal/multiline", "format/internal/times", "format/internal/winxml", "format/internal/own",
		"format/internal/journal",
		"internal/extract", "internal/quote",
	},
	"shape":      {root, "internal/glob", "internal/quote"},
	"shape/ocsf": {root, "internal/quote"},
	"bulk":       {root, "domain", "internal/quote", "internal/sha2x"},
	"mapping":    {root, "domain", "internal/quote"},
	"deadletter": {root},

	// The machinery of formats, from the bottom up.
	"internal/quote":         {},
	"internal/sha2x":         {},
	"internal/glob":          {},
	"internal/extract":       {},
	"internal/lazyregexp":    {},
	"format/internal/times":  {root, "internal/quote", "internal/zones"},
	"format/internal/entry":  {root, "internal/quote", "format/internal/times"},
	"format/internal/lines":  {root, "format/internal/entry", "internal/quote", "format/internal/times"},
	"format/internal/events": {root, "format/internal/entry", "internal/quote", "format/internal/times"},
	"format/learn": {
		root, "format", "format/internal/entry", "format/internal/lines", "format/internal/times", "internal/lazyregexp",
	},
	"format/internal/own": {
		root, "format/internal/entry", "format/internal/lines", "format/internal/times", "internal/extract", "internal/quote",
	},
	"format/internal/journal": {
		root, "format/internal/entry", "internal/quote", "format/internal/lines", "format/internal/times",
	},
	"format/internal/winxml":    {root, "format/internal/entry", "internal/quote", "format/internal/times"},
	"format/internal/delimited": {root, "format/internal/entry", "internal/quote", "format/internal/times"},
	"format/internal/multiline": {
		root, "format/internal/entry", "format/internal/events", "format/internal/lines", "internal/quote",
		"format/internal/times",
	},

	// What people write about records.
	"rules":      {root, "internal/extract", "internal/quote", "rules/expr", "redact"},
	"rules/expr": {"internal/quote"},
	"redact":     {"internal/quote"},

	// Secrets for tests.
	"internal/planted": {"redact"},

	"cloudwatch": {root, "internal/jsjson"},

	"sigv4/explain": {"sigv4", "internal/lazyregexp"},

	"internal/jsjson": {"internal/quote"},

	// Leaves.
	root:     {},
	"domain": {},
	"python": {},
	"sigv4":  {},
	"iam":    {},
}

// homes says which packages may import the packages below a path. Whatever is not named here may be imported from
// anywhere but the packages in standardOnly; what is linked at all is in testdata/modules.txt.
var homes = map[string][]string{
	"github.com/aws/aws-sdk-go-v2":         {"source", "pipeline", "internal/function"},
	"github.com/aws/smithy-go":             {"source", "pipeline", "internal/function"},
	"github.com/aws/aws-lambda-go":         {"lambda"},
	"github.com/blevesearch/segment":       {"engine/internal/words"}, // the rules of Unicode alone
	"github.com/blevesearch/bleve":         {"engine/internal/store"},
	"github.com/blevesearch":               {"engine/internal/store", "engine/internal/words"},
	"github.com/johannesboyne/gofakes3":    {"internal/bucket"},
	"github.com/spf13/cobra":               {"internal/cli"},
	"github.com/spf13/pflag":               {"internal/cli", "internal/settings", "internal/config", "internal/function"},
	"github.com/goccy/go-yaml":             {"internal/config"},
	"github.com/elastic/go-grok":           {"internal/extract"},
	"github.com/maxmind/mmdbwriter":        {},
	"github.com/pelletier/go-toml":         {"internal/migrate"},
	"github.com/mileusna/useragent":        {"rules"},
	"github.com/oschwald/maxminddb-golang": {"rules"},
	"github.com/VictoriaMetrics/metrics":   {"internal/cli"},
	"github.com/rogpeppe/go-internal":      {},
	"github.com/santhosh-tekuri":           {},
	"github.com/google/go-cmp":             {},
	"github.com/expr-lang/expr":            {},
	"github.com/ulikunitz/xz":              {"decode", "decode/avro"},
	"github.com/andybalholm/brotli":        {"decode/parquet"},
	"github.com/pierrec/lz4":               {"decode", "decode/parquet"},
	"golang.org/x/term":                    {"internal/cli"},
	"testing":                              {"internal/realtest", "domaintest", "domaintest/embedded"},
	"unsafe":                               {},
	"encoding/gob":                         {},
	"github.com/stretchr/testify":          {},
	"github.com/go-json-experiment/json": {
		"shape", "guard", "guard/identity", "guard/internal/edge", "internal/cli", "proxy",
	},
}

// standardOnly are the packages that anybody can copy: they import the standard library and nothing else.
var standardOnly = []string{
	root, "sigv4", "sigv4/explain", "iam", "domain", "python", "internal/realtest", "internal/inflate", "internal/zones",
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	for _, f := range sources(t) {
		for _, spec := range f.syntax.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if reason := refuse(f.pkg, imported); reason != "" {
				t.Errorf("%s: %s → %s: %s", f.name, f.pkg, imported, reason)
			}
		}
	}
}

// refuse says why a package may not import another. It returns nothing when it may.
func refuse(from, imported string) string {
	if ours, ok := ourPackage(imported); ok {
		rule, ruled := allowed[from]
		switch {
		case from == "internal/cli", slices.Contains(rule, ours):
			return ""
		case ruled:
			return "it may import only " + list(rule) + " of ours"
		case strings.HasPrefix(from, "internal/"):
			return "" // helpers of tests and of the demo, which no package but internal/cli imports
		default:
			return "the package is not in the table: give it a line"
		}
	}
	first, _, _ := strings.Cut(imported, "/")
	if strings.Contains(first, ".") && slices.Contains(standardOnly, from) {
		return "it may import only the standard library"
	}
	for below, where := range homes {
		if (imported == below || strings.HasPrefix(imported, below+"/")) && !slices.Contains(where, from) {
			return "it may appear only in " + list(where)
		}
	}
	return ""
}

// The rules must be able to refuse: each of these edges would be a mistake.
func TestForbiddenImportsAreRefused(t *testing.T) {
	for _, edge := range []struct{ from, imported string }{
		{root, module + "/bulk"},
		{"bulk", module + "/source"},
		{"guard", module + "/engine"},
		{"shape", module + "/internal/cli"},
		{"newcomer", module},
		{"sigv4", "github.com/aws/aws-sdk-go-v2/aws"},
		{"iam", "golang.org/x/sync/errgroup"},
		{"bulk", "github.com/aws/aws-sdk-go-v2/aws"},
		{"internal/cli", "github.com/blevesearch/bleve/v2"},
		{"decode", "unsafe"},
		{"format", "testing"},
	} {
		if refuse(edge.from, edge.imported) == "" {
			t.Errorf("%s → %s is let through", edge.from, edge.imported)
		}
	}
}

func TestNoPackageHasAnInitFunction(t *testing.T) {
	for _, f := range sources(t) {
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: func init: state belongs to a constructor", f.name)
			}
		}
	}
}

// source is one Go file that is not a test.
type source struct {
	name, pkg string
	syntax    *ast.File
}

// sources parses all files of the module, whatever system they are for.
func sources(t *testing.T) []source {
	t.Helper()
	top := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(top, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(name, top, d.Name())
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		short, err := filepath.Rel(top, name)
		if err != nil {
			return err
		}
		short = filepath.ToSlash(short)
		pkg := path.Dir(short)
		if pkg == "." {
			pkg = root
		}
		all = append(all, source{name: short, pkg: pkg, syntax: syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatal("found no Go files")
	}
	return all
}

// enter skips hidden directories, test data and other modules.
func enter(dir, top, base string) error {
	if dir == top {
		return nil
	}
	if strings.HasPrefix(base, ".") || base == "testdata" {
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

// ourPackage is the path of a package in this module.
func ourPackage(imported string) (string, bool) {
	if imported == module {
		return root, true
	}
	return strings.CutPrefix(imported, module+"/")
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
