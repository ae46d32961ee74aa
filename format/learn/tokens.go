package learn

import (
	"slices"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/format/internal/lines"
	"github.com/seed56735111/penstock/internal/lazyregexp"
)

// shape is how a token is set apart.
type shape byte

const (
	word    shape = iota
	moment        // a time, also in brackets
	quoted        // between double quotes
	bracket       // between brackets
	pair          // KEY=VALUE
)

// token is a part of a line between spaces.
type token struct {
	shape  shape
	lead   string // what stands before the value: a key, a quote, a bracket
	value  string
	end    string // what stands behind it
	spaces int    // behind it
}

var isPair = lazyregexp.New(`^[A-Za-z_][\w.-]*=`)

// tokens takes a line apart.
func (l *learner) tokens(line string) (all []token) {
	for at := 0; at < len(line); {
		rest := line[at:]
		t := token{}
		size := 0
		switch n := l.leadingTime(rest); {
		case n > 0 && rest[0] == '[' && strings.HasPrefix(rest[n:], "]"):
			t, size = token{shape: moment, lead: "[", value: rest[1:n], end: "]"}, n+1
		case n > 0 && rest[0] != '[':
			t, size = token{shape: moment, value: rest[:n]}, n
		default:
			t, size = plainToken(rest)
		}
		for size < len(rest) && rest[size] != ' ' && (t.shape == moment || t.shape == quoted || t.shape == bracket) {
			t.end += rest[size : size+1] // such as a colon
			size++
		}
		for size < len(rest) && rest[size] == ' ' {
			size, t.spaces = size+1, t.spaces+1
		}
		all = append(all, t)
		at += size
	}
	return all
}

// plainToken takes the token that a text begins with, which is no time.
func plainToken(rest string) (t token, size int) {
	enclosed := func(open, end string, shape shape) bool {
		behind, ok := strings.CutPrefix(rest, open)
		n := strings.Index(behind, end)
		if !ok || n < 0 {
			return false
		}
		t, size = token{shape: shape, lead: open, value: behind[:n], end: end}, len(open)+n+len(end)
		return true
	}
	key := isPair.FindString(rest)
	switch {
	case key != "" && (enclosed(key+`"`, `"`, pair) || enclosed(key+`[`, `]`, pair)):
		for size < len(rest) && strings.IndexByte(",;", rest[size]) >= 0 {
			t.end, size = t.end+rest[size:size+1], size+1
		}
		return t, size
	case key == "" && (enclosed(`"`, `"`, quoted) || enclosed("[", "]", bracket)):
		return t, size
	}
	end := strings.IndexByte(rest, ' ')
	if end < 0 {
		end = len(rest)
	}
	value := strings.TrimRight(rest[len(key):end], ",;:")
	if value == "" {
		value = rest[len(key):end]
	}
	t = token{lead: key, value: value, end: rest[len(key)+len(value) : end]}
	if key != "" {
		t.shape = pair
	}
	return t, end
}

// dissect proposes a pattern with what stands at the same place in all lines.
func (l *learner) dissect() bool {
	var rows [][]token
	for _, line := range l.start() {
		rows = append(rows, l.tokens(line.text))
	}
	var pattern strings.Builder
	names := &naming{}
	fields, size := 0, len(rows)
	even := len(rows) > 4 && l.p.Start == "" && sameLength(rows)
	if even {
		l.guess("all lines have %d parts, and each part is a field; one with other spaces is read otherwise", len(rows[0]))
	}
	for i := 0; ; i++ {
		column, left := agreeing(rows, i, size)
		if left == nil {
			if slices.ContainsFunc(rows, func(row []token) bool { return len(row) > i }) {
				pattern.WriteString("%{" + names.unique("message") + "}")
				l.guess("message: from there on the lines have nothing in common, and are one text")
				fields++
			}
			break
		}
		values := valuesOf(column)
		if column[0].shape == word && !even && (!isStructure(values) || l.p.Start != "" && isConstant(values)) {
			pattern.WriteString("%{" + names.unique("message") + "}")
			l.guess("message: what follows looks like sentences, and is one text")
			fields++
			break
		}
		rows = left
		fields += l.column(&pattern, names, column, values)
	}
	l.p.Dissect = strings.TrimRight(pattern.String(), " ")
	if last := len(names.taken) - 1; l.p.Start != "" && last >= 0 {
		if _, ok := l.p.Types[names.taken[last]]; ok {
			delete(l.p.Types, names.taken[last])
			l.guess("%s: text after all, because further lines of an event belong to it", names.taken[last])
		}
	}
	if len(l.p.Time.Fields) == 0 {
		l.guess("time: no time stands at the same place in all lines")
	}
	return fields > 1
}

func sameLength(rows [][]token) bool {
	return !slices.ContainsFunc(rows, func(row []token) bool { return len(row) != len(rows[0]) })
}

// agreeing returns the tokens at a place that are set apart in the way that most of them are, with their rows; nil when
// they are too few of all.
func agreeing(rows [][]token, i, all int) (column []token, left [][]token) {
	counts := map[[2]string]int{}
	var best [2]string
	how := func(t token) [2]string { return [2]string{string(rune(t.shape)) + t.lead, t.end} }
	for _, row := range rows {
		if i < len(row) {
			key := how(row[i])
			if counts[key]++; counts[key] > counts[best] {
				best = key
			}
		}
	}
	for _, row := range rows {
		if i < len(row) && how(row[i]) == best {
			column, left = append(column, row[i]), append(left, row)
		}
	}
	if 5*len(left) < 4*all {
		return nil, nil
	}
	return column, left
}

func valuesOf(column []token) []string {
	values := make([]string, 0, len(column))
	for _, t := range column {
		values = append(values, t.value)
	}
	return values
}

// column writes what stands for the tokens at a place, and returns how many fields that are.
func (l *learner) column(pattern *strings.Builder, names *naming, column []token, values []string) int {
	t := column[0]
	padded := slices.ContainsFunc(column, func(t token) bool { return t.spaces > 1 })
	space := ""
	if slices.ContainsFunc(column, func(t token) bool { return t.spaces > 0 }) {
		space = " "
	}
	if t.shape == word && isConstant(values) && !padded {
		pattern.WriteString(t.value + t.end + space)
		l.guess("%q stands in all lines, and is taken as the text between fields", t.value+t.end)
		return 0
	}
	name := ""
	switch t.shape {
	case moment:
		name = names.unique("time")
	case pair:
		key, _, _ := strings.Cut(t.lead, "=")
		name = names.unique(key)
	default:
		name = l.name(names, values)
	}
	arrow := ""
	if padded {
		arrow = "->"
		l.guess("%s: more than one space may follow it", name)
	}
	pattern.WriteString(t.lead + "%{" + name)
	if t.shape == moment && t.lead == "" { // the value goes up to a space
		for range strings.Count(t.value, " ") {
			pattern.WriteString("} %{+" + name)
		}
	}
	pattern.WriteString(arrow + "}" + t.end + space)
	if t.shape == moment && len(l.p.Time.Fields) == 0 {
		l.p.Time.Fields = []string{name}
		l.timeGuess(name, values)
		return 1
	}
	l.typed(name, values)
	return 1
}

var isText = lazyregexp.New(`^([a-z]+|[^\w\s%]+)$`)

// isConstant reports whether all values are one word or sign that says nothing by itself.
func isConstant(values []string) bool {
	return len(values) > 2 && isText.MatchString(values[0]) && values[0] != "-" && !isLevel(values[0]) &&
		all(values, func(v string) bool { return v == values[0] })
}

var (
	isUUID   = lazyregexp.New(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)
	isHex    = lazyregexp.New(`^[0-9a-f]{16,}$`)
	isPath   = lazyregexp.New(`^/\S*$`)
	isURL    = lazyregexp.New(`^[a-z][a-z0-9+.-]*://\S+$`)
	isClass  = lazyregexp.New(`^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$`)
	isMethod = lazyregexp.New(`^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT|TRACE)$`)
	isStatus = lazyregexp.New(`^[1-5]\d\d$`)
	isMail   = lazyregexp.New(`^[^@\s]+@[^@\s]+\.[a-z]+$`)
)

func isLevel(v string) bool {
	switch strings.ToUpper(v) {
	case "TRACE", "DEBUG", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "ERR", "CRITICAL", "CRIT", "ALERT", "FATAL",
		"EMERG", "SEVERE", "PANIC":
		return true
	}
	return false
}

func isAddress(v string) bool { return lines.IsIP([]byte(v)) }

// meanings are what values look like, with the name that such a field is proposed.
func meanings() []struct {
	name string
	is   func(string) bool
} {
	return []struct {
		name string
		is   func(string) bool
	}{
		{"level", isLevel},
		{"ip", isAddress},
		{"method", isMethod.MatchString},
		{"status", isStatus.MatchString},
		{"uuid", isUUID.MatchString},
		{"hash", isHex.MatchString},
		{"url", isURL.MatchString},
		{"path", isPath.MatchString},
		{"mail", isMail.MatchString},
		{"logger", isClass.MatchString},
	}
}

// isStructure reports whether values at a place are of one kind, and no words of sentences.
func isStructure(values []string) bool {
	if isConstant(values) || typeOf(values) != "" || all(values, isDecimal.MatchString) {
		return true
	}
	for _, m := range meanings() {
		if all(values, m.is) {
			return true
		}
	}
	return false
}

// naming gives each field a name of its own.
type naming struct{ taken []string }

func (n *naming) unique(name string) string {
	name = strings.Trim(notInName.ReplaceAllString(name, "_"), "_.-")
	name = strings.ReplaceAll(name, ".", "_") // one that is within another is none
	if !isName.MatchString(name) || name == "aws" || name == "penstock" {
		name = "field"
	}
	for try, one := 2, name; ; try++ {
		if !slices.Contains(n.taken, one) {
			n.taken = append(n.taken, one)
			return one
		}
		one = name + "_" + strconv.Itoa(try)
	}
}

var notInName = lazyregexp.New(`[^A-Za-z0-9_.-]+`)

// name proposes a name by what values look like.
func (l *learner) name(names *naming, values []string) string {
	for _, m := range meanings() {
		if all(values, m.is) {
			name := names.unique(m.name)
			l.guess("%s: a name by what the values look like, such as %q", name, values[0])
			return name
		}
	}
	if all(values, l.isTime) {
		return names.unique("time")
	}
	name := names.unique("field" + strconv.Itoa(len(names.taken)+1))
	l.guess("%s: nothing says what it is called; its values are such as %q", name, values[0])
	return name
}
