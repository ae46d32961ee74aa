package iam

import (
	"slices"
	"strings"
)

// A set of patterns tells texts apart into kinds: two texts are of one kind when the same patterns fit them. The kinds
// are found by running all patterns at once, as automata, over every text there is, so none is missed.

// The bounds of a search: states of the automata together, and kinds.
const (
	maxStates = 20_000
	maxKinds  = 2_000
)

// textKind is one of the kinds, with a text of it.
type textKind struct {
	example string
	fits    []bool // by pattern
}

// kindsOf finds the kinds of the texts that begin with prefix. A text of a kind that is among usual is its example; the
// others are as short as can be. The automata make at most so many steps. With exact false there may be more kinds.
func kindsOf(patterns []begun, prefix string, usual []string, steps int) (kinds []textKind, exact bool) {
	run := product{alphabet: alphabetOf(patterns)}
	start := make([]int, 0, len(patterns))
	for _, p := range patterns {
		m := newMachine(p.pattern, run.alphabet)
		state := 0
		for _, r := range p.text + prefix {
			state = m.step(state, run.symbol(r))
		}
		run.machines, start = append(run.machines, m), append(start, state)
	}
	seen := map[string]bool{} // by what fits
	exact = true
	add := func(state []int, example string) {
		fits := run.fits(state)
		key := bits(fits)
		switch {
		case seen[key]:
		case len(kinds) == maxKinds:
			exact = false
		default:
			seen[key] = true
			kinds = append(kinds, textKind{example, fits})
		}
	}
	for _, text := range usual {
		rest, ok := strings.CutPrefix(text, prefix)
		if !ok {
			continue
		}
		state := start
		for _, r := range rest {
			state = run.step(state, run.symbol(r))
		}
		add(state, text)
	}
	whole := run.walk(start, prefix, steps, add)
	return kinds, exact && whole
}

// walk visits every state, the nearest first, with a text that leads to it. It reports whether it came to an end.
func (run *product) walk(start []int, prefix string, steps int, visit func(state []int, text string)) bool {
	type place struct {
		state  []int
		from   int // index in queue
		symbol int
	}
	queue := []place{{state: start, from: -1}}
	known := map[string]bool{stateKey(start): true}
	textOf := func(i int) string {
		var runes []rune
		for ; queue[i].from >= 0; i = queue[i].from {
			runes = append(runes, run.alphabet[queue[i].symbol])
		}
		slices.Reverse(runes)
		return prefix + string(runes)
	}
	most := min(maxStates, steps/(len(run.alphabet)*(len(run.machines)+1)))
	for i := 0; i < len(queue); i++ {
		visit(queue[i].state, textOf(i))
		for symbol := range run.alphabet {
			next := run.step(queue[i].state, symbol)
			key := stateKey(next)
			if known[key] {
				continue
			}
			if len(queue) >= most {
				return false
			}
			known[key] = true
			queue = append(queue, place{next, i, symbol})
		}
	}
	return true
}

// product runs several machines side by side.
type product struct {
	alphabet []rune
	machines []*machine
}

// alphabetOf are the characters that patterns name, and one that none names, which stands for all others.
func alphabetOf(patterns []begun) []rune {
	named := map[rune]bool{}
	for _, b := range patterns {
		for _, q := range b.pattern {
			for _, r := range q.text {
				named[r] = true
			}
		}
	}
	// The other one comes first, so that examples have it where any will do.
	other := 'x'
	for _, r := range "xabcdefghijklmnopqrstuvwyz0123456789~" {
		if other = r; !named[r] {
			break
		}
	}
	for named[other] {
		other++
	}
	alphabet := []rune{other}
	for r := range named {
		alphabet = append(alphabet, r)
	}
	slices.Sort(alphabet[1:])
	return alphabet
}

// symbol is the index of a character in the alphabet.
func (run *product) symbol(r rune) int {
	if i := slices.Index(run.alphabet, r); i >= 0 {
		return i
	}
	return 0
}

func (run *product) step(state []int, symbol int) []int {
	next := make([]int, len(state))
	for i, m := range run.machines {
		next[i] = m.step(state[i], symbol)
	}
	return next
}

func (run *product) fits(state []int) []bool {
	fits := make([]bool, len(state))
	for i, m := range run.machines {
		fits[i] = m.accepts(state[i])
	}
	return fits
}

// machine is one pattern as a deterministic automaton, whose states are made when they are reached.
type machine struct {
	alphabet []rune
	tokens   []token
	states   [][]bool // which positions of tokens a state is at
	ids      map[string]int
	next     [][]int // by state and symbol; -1 is not known yet
}

// token is one character of a pattern.
type token struct {
	kind partKind
	r    rune
}

// newMachine makes the automaton of a pattern without variables.
func newMachine(p pattern, alphabet []rune) *machine {
	m := &machine{alphabet: alphabet, ids: map[string]int{}}
	for i := range p {
		if p[i].kind != partLiteral {
			m.tokens = append(m.tokens, token{kind: p[i].kind})
			continue
		}
		for _, r := range p[i].text {
			m.tokens = append(m.tokens, token{r: r})
		}
	}
	at := make([]bool, len(m.tokens)+1)
	m.enter(at, 0)
	m.state(at)
	return m
}

// enter adds a position, and those behind stars, which may be empty.
func (m *machine) enter(at []bool, i int) {
	for ; ; i++ {
		at[i] = true
		if i == len(m.tokens) || m.tokens[i].kind != partAnyRun {
			return
		}
	}
}

// state is the number of a set of positions.
func (m *machine) state(at []bool) int {
	key := bits(at)
	id, ok := m.ids[key]
	if !ok {
		id = len(m.states)
		m.ids[key] = id
		m.states = append(m.states, at)
		m.next = append(m.next, slices.Repeat([]int{-1}, len(m.alphabet)))
	}
	return id
}

func (m *machine) step(state, symbol int) int {
	if next := m.next[state][symbol]; next >= 0 {
		return next
	}
	at := make([]bool, len(m.tokens)+1)
	for i, here := range m.states[state] {
		if !here || i == len(m.tokens) {
			continue
		}
		switch t := m.tokens[i]; {
		case t.kind == partAnyRun:
			m.enter(at, i)
		case t.kind == partAnyOne, t.r == m.alphabet[symbol]:
			m.enter(at, i+1)
		}
	}
	next := m.state(at)
	m.next[state][symbol] = next
	return next
}

func (m *machine) accepts(state int) bool { return m.states[state][len(m.tokens)] }

// bits is a list of booleans as a key.
func bits(list []bool) string {
	b := make([]byte, len(list))
	for i, v := range list {
		if v {
			b[i] = 1
		}
	}
	return string(b)
}

func stateKey(state []int) string {
	runes := make([]rune, 0, len(state))
	for _, id := range state {
		runes = append(runes, rune(id)) //nolint:gosec // there are at most maxStates
	}
	return string(runes)
}

// usualPaths are paths that people know, an index of no special name among them.
var usualPaths = []string{
	"/", "/any-index/_search", "/any-index", "/any-index/_doc/1", "/_bulk", "/_search", "/_cat/indices",
	"/_cluster/health", "/_cluster/settings", "/_all", "/_all/_search", "/_mget", "/_msearch", "/_aliases", "/_reindex",
	"/_index_template/any", "/_snapshot/any", "/_plugins/_security/api/roles", "/_dashboards/", "/any-index/_bulk",
	"/any-index/_mapping", "/any-index/_delete_by_query", "/.kibana", "/.opendistro_security",
}

// begun is a pattern of which the beginning of the text is known.
type begun struct {
	text    string // the beginning
	pattern pattern
}

// paths is what a path of the domain has to fit, behind the domain's ARN. With ok false no path does.
func (a *arnPattern) paths(d Domain) (b begun, ok bool) {
	arn := d.ARN()
	own, _ := splitARN(arn)
	switch {
	case a.any:
		return begun{pattern: pattern{{kind: partAnyRun}}}, true
	case a.never:
		return begun{}, false
	case a.short != nil:
		return begun{arn, a.short}, true
	}
	for i := range 5 {
		if !a.segment[i].match(own[i], nil, false) {
			return begun{}, false
		}
	}
	return begun{own[5], a.segment[5]}, true
}
