package archtest_test

import (
	"bytes"
	"go/ast"
	"go/doc"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The table of rooms in ARCHITECTURE.md stands between these lines.
const (
	tableBegins = "<!-- made by: go test ./internal/archtest -update -->\n"
	tableEnds   = "<!-- end -->\n"
)

func TestTheTableOfRoomsIsThatOfTheCode(t *testing.T) {
	name := filepath.Join("..", "..", "ARCHITECTURE.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok1 := strings.Cut(string(text), tableBegins)
	old, tail, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table: %q and %q", name, tableBegins, tableEnds)
	}
	table := rooms(t)
	switch {
	case old == table:
	case *update:
		if err := os.WriteFile(name, []byte(head+tableBegins+table+tableEnds+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows other rooms than the code has: go test ./internal/archtest -update", name)
	}
}

// rooms writes a line for each package: what its documentation says first, and which packages of ours it imports.
func rooms(t *testing.T) string {
	t.Helper()
	type room struct {
		about   string
		imports map[string]bool
	}
	all := map[string]*room{}
	for _, f := range sources(t) {
		r := all[f.pkg]
		if r == nil {
			r = &room{imports: map[string]bool{}}
			all[f.pkg] = r
		}
		if about := about(f.syntax); about != "" {
			r.about = about
		}
		for _, spec := range f.syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if ours, ok := ourPackage(path); ok {
				r.imports[ours] = true
			}
		}
	}
	var b bytes.Buffer
	b.WriteString("| room | what it is | imports of ours |\n| --- | --- | --- |\n")
	for _, pkg := range sortedKeys(all) {
		r := all[pkg]
		if r.about == "" {
			t.Errorf("%s: no file says what the package is", pkg)
		}
		name := "`" + pkg + "`"
		if pkg == root {
			name = "`*.go`"
		}
		about, imports := strings.ReplaceAll(r.about, "|", "\\|"), strings.Join(sortedKeys(r.imports), ", ")
		b.WriteString("| " + name + " | " + about + " | " + imports + " |\n")
	}
	return b.String()
}

// about is the first sentence of a package's documentation, without its subject.
func about(f *ast.File) string {
	if f.Doc == nil {
		return ""
	}
	sentence := new(doc.Package).Synopsis(f.Doc.Text())
	words := strings.SplitN(sentence, " ", 3)
	if len(words) == 3 && (words[0] == "Package" || words[0] == "Command") {
		sentence = strings.TrimPrefix(words[2], "is ")
	}
	return strings.TrimSuffix(sentence, ".")
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// place is a file and a declaration in it, as the walks of ARCHITECTURE.md name them: `run.go:shipment.read`.
var place = regexp.MustCompile("`([a-z0-9_/]+\\.go):([A-Za-z_.]+)`")

// The walks lead through places that are there.
func TestTheWalksLeadThroughPlacesThatAreThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "ARCHITECTURE.md"))
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, f := range sources(t) {
		for _, d := range f.syntax.Decls {
			for _, name := range declarations(d) {
				declared[f.name+":"+name] = true
			}
		}
	}
	places := place.FindAllStringSubmatch(string(text), -1)
	const walks = 3
	if n := strings.Count(string(text), "\n### A walk: "); n != walks || len(places) < 10*walks {
		t.Errorf("ARCHITECTURE.md has %d walks through %d places, want %d through at least ten each", n, len(places), walks)
	}
	for _, p := range places {
		if !declared[p[1]+":"+p[2]] {
			t.Errorf("a walk in ARCHITECTURE.md leads through %s, and %s is not declared in %s", p[0], p[2], p[1])
		}
	}
}

// declarations are the names that a declaration gives: functions, methods with their type, types.
func declarations(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return []string{d.Name.Name}
		}
		of := d.Recv.List[0].Type
		if star, ok := of.(*ast.StarExpr); ok {
			of = star.X
		}
		if id, ok := of.(*ast.Ident); ok {
			return []string{id.Name + "." + d.Name.Name}
		}
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if s, ok := s.(*ast.TypeSpec); ok {
				names = append(names, s.Name.Name)
			}
		}
	}
	return names
}

// An allowance that nobody uses would let an import in that nobody decided on.
func TestNoAllowanceIsUnused(t *testing.T) {
	imports := map[string]map[string]bool{} // by package
	for _, f := range sources(t) {
		if imports[f.pkg] == nil {
			imports[f.pkg] = map[string]bool{}
		}
		for _, spec := range f.syntax.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports[f.pkg][path] = true
		}
	}
	for _, text := range unused(allowed, homes, imports) {
		t.Error(text)
	}
	// It can find some.
	have := map[string]map[string]bool{"a": {module + "/b": true, "example.com/x/y": true}}
	got := unused(map[string][]string{"a": {"b", "c"}, "gone": {}},
		map[string][]string{"example.com/x": {"a", "d"}, "example.com/none": {}}, have)
	if len(got) != 3 {
		t.Errorf("found %d allowances that nobody uses, want 3: %q", len(got), got)
	}
}

// unused returns a sentence for each entry of the tables that no import needs.
func unused(allowed, homes map[string][]string, imports map[string]map[string]bool) (all []string) {
	for _, pkg := range sortedKeys(allowed) {
		if imports[pkg] == nil {
			all = append(all, pkg+" has a line in the table and is no package")
			continue
		}
		for _, to := range allowed[pkg] {
			path := module + "/" + to
			if to == root {
				path = module
			}
			if !imports[pkg][path] {
				all = append(all, pkg+" may import "+to+" and does not")
			}
		}
	}
	for _, below := range sortedKeys(homes) {
		for _, pkg := range homes[below] {
			used := false
			for path := range imports[pkg] {
				used = used || path == below || strings.HasPrefix(path, below+"/")
			}
			if !used {
				all = append(all, pkg+" may import "+below+" and does not")
			}
		}
	}
	return all
}
