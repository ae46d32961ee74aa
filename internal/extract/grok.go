package extract

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/elastic/go-grok/patterns"
)

// reference is a pattern by its name: %{NAME}, %{NAME:field} or %{NAME:field:type}.
var reference = regexp.MustCompile(`%\{([^}:]*)(?::([^}:]*))?(?::([^}]*))?\}`)

var (
	patternName = regexp.MustCompile(`^\w+$`)
	grokField   = regexp.MustCompile(`^(@?[\w.-]+|(\[[@\w.-]+\])+)$`)
)

// library are the patterns that every grok pattern may name.
var library = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, some := range []map[string]string{
		patterns.Default, patterns.AWS, patterns.Bind9, patterns.Bro, patterns.Exim, patterns.HAProxy, patterns.Httpd,
		patterns.Firewalls, patterns.Java, patterns.Junos, patterns.Maven, patterns.MCollective, patterns.MongoDB,
		patterns.PostgreSQL, patterns.Rails, patterns.Redis, patterns.Ruby, patterns.Squid, patterns.Syslog,
	} {
		maps.Copy(all, some)
	}
	return all
})

// Patterns are the names that a grok pattern may use beside those of its own, sorted.
func Patterns() []string { return slices.Sorted(maps.Keys(library())) }

// The bounds of a grok pattern with all that it names.
const (
	maxExpanded = 64 << 10
	maxNested   = 30
)

// Grok reads a pattern such as "%{IP:client} %{NUMBER:size:int} %{GREEDYDATA:message}", with patterns of its own beside
// those of the library, which they may replace. A field may be written as [a][b], which is a.b.
func Grok(pattern string, own map[string]string, o Options) (Extractor, error) {
	if err := checkLength(pattern); err != nil {
		return nil, err
	}
	x := &expansion{own: own, names: map[string]group{}}
	if err := x.expand(pattern); err != nil {
		return nil, err
	}
	return newExpression(x.out.String(), x.names, o)
}

// expansion writes a grok pattern as a regular expression.
type expansion struct {
	own    map[string]string
	out    strings.Builder
	names  map[string]group
	inside []string // the patterns at hand
}

func (x *expansion) expand(pattern string) error {
	at := 0
	for _, m := range reference.FindAllStringSubmatchIndex(pattern, -1) {
		x.out.WriteString(pattern[at:m[0]])
		at = m[1]
		part := func(n int) string {
			if m[2*n] < 0 {
				return ""
			}
			return pattern[m[2*n]:m[2*n+1]]
		}
		if err := x.named(part(1), part(2), part(3)); err != nil {
			return err
		}
		if x.out.Len() > maxExpanded {
			return fmt.Errorf("with what it names, the pattern is longer than %d bytes", maxExpanded)
		}
	}
	x.out.WriteString(pattern[at:])
	return nil
}

// named writes a pattern by its name.
func (x *expansion) named(name, field, typ string) error {
	text, ok := x.own[name]
	if !ok {
		text, ok = library()[name]
	}
	switch {
	case !ok && patternName.MatchString(name):
		return fmt.Errorf("no pattern is called %s", name)
	case !ok:
		return fmt.Errorf("%q is no name of a pattern", clip(name))
	case slices.Contains(x.inside, name):
		return fmt.Errorf("the pattern %s is within itself: %s", name, strings.Join(append(x.inside, name), ", "))
	case len(x.inside) == maxNested:
		return fmt.Errorf("more than %d patterns are within one another", maxNested)
	case field == "":
		x.out.WriteString("(?:")
	case !grokField.MatchString(field):
		return fmt.Errorf("%q is no name of a field", clip(field))
	default:
		if field[0] == '[' {
			field = strings.ReplaceAll(field[1:len(field)-1], "][", ".")
		}
		of := "f" + strconv.Itoa(len(x.names))
		x.names[of] = group{field, typ}
		x.out.WriteString("(?P<" + of + ">")
	}
	x.inside = append(x.inside, name)
	defer func() { x.inside = x.inside[:len(x.inside)-1] }()
	if err := x.expand(text); err != nil {
		return err
	}
	x.out.WriteString(")")
	return nil
}
