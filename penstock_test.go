package penstock_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/seed56735111/penstock"
)

func TestReasonsAreAllThatThereAre(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "penstock.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Reason") {
			return true
		}
		n++
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil || !slices.Contains(penstock.Reasons(), value) {
			t.Errorf("Reasons lacks %s (%v)", spec.Names[0].Name, err)
		}
		return true
	})
	if n == 0 || n != len(penstock.Reasons()) {
		t.Errorf("%d constants, %d reasons", n, len(penstock.Reasons()))
	}
}
