package migrate

import (
	"strings"

	"github.com/seed56735111/penstock/internal/lazyregexp"
)

var (
	jodaDate  = lazyregexp.New(`%\{\+([^}]*)\}`)
	fieldOf   = lazyregexp.New(`%\{\[?([^}\]+]+)\]?((?:\[[^\]]+\])*)\}`)
	vectorTag = lazyregexp.New(`\{\{\s*([^}\s]+)\s*\}\}`)
)

// sprintf makes an index pattern of a text with %{field}, %{[a][b]} and %{+YYYY.MM.dd}.
func sprintf(v string) string {
	v = jodaDate.ReplaceAllStringFunc(v, func(m string) string {
		date := jodaDate.FindStringSubmatch(m)[1]
		return "{" + strings.NewReplacer("YYYY", "yyyy", "yyyy", "yyyy", "xxxx", "xxxx", "uuuu", "yyyy").Replace(date) + "}"
	})
	return fieldOf.ReplaceAllStringFunc(v, func(m string) string {
		parts := fieldOf.FindStringSubmatch(m)
		name := parts[1] + strings.NewReplacer("][", ".", "[", ".", "]", "").Replace(parts[2])
		return "{" + strings.TrimPrefix(name, "@metadata.") + "|unknown}"
	})
}

// strftime are the parts of a date in an index name.
var strftime = strings.NewReplacer("%Y", "yyyy", "%m", "MM", "%d", "dd", "%H", "HH", "%G", "xxxx", "%V", "ww", "%F",
	"yyyy-MM-dd")

var strftimeDate = lazyregexp.New(`%[YmdHGVF](?:[._-]?%[YmdHGVF])*`)

// templated makes an index pattern of a text with strftime's dates and {{ field }}.
func templated(v string) (string, bool) {
	v = vectorTag.ReplaceAllStringFunc(v, func(m string) string {
		return "{" + strings.TrimPrefix(vectorTag.FindStringSubmatch(m)[1], ".") + "|unknown}"
	})
	v = strftimeDate.ReplaceAllStringFunc(v, func(m string) string { return "{" + strftime.Replace(m) + "}" })
	return v, !strings.Contains(v, "%")
}

// hints are the verbs of ours that come nearest to what code does, told by words in it.
var hints = []struct {
	word *lazyregexp.Regexp
	rule string
}{
	{lazyregexp.New(`parse_json|JSON\.parse|json_decode|cjson|JsonSlurper`), "parse: { field: message, as: json }"},
	{lazyregexp.New(`parse_key_value|parse_logfmt`), "parse: { field: message, as: key-value }"},
	{lazyregexp.New(`parse_grok|parse_regex|\bgrok\b`), "parse: { field: message, as: grok, pattern: … }"},
	{lazyregexp.New(`parse_url`), "parse: { field: …, as: url }"},
	{lazyregexp.New(`parse_user_agent`), "parse: { field: …, as: user_agent }"},
	{lazyregexp.New(`\babort\b|event\.cancel|return\s+-1|\.Cancel\(`), "{ drop: REASON, when: … }"},
	{lazyregexp.New(`\bdel\(|event\.remove|\.Delete\(|=\s*nil\b|ctx\.remove`), "remove: [ … ]"},
	{
		lazyregexp.New(`to_int|to_float|to_bool|to_string|tonumber|tostring|\.to_[ifs]\b|Integer\.parse`),
		"convert: { FIELD: integer }",
	},
	{lazyregexp.New(`sha[0-9]|\bmd5\b|hmac|redact\(`), "redact: { fields: [ … ], with: mask }"},
	{lazyregexp.New(`get_enrichment_table_record|\bgeoip\b`), "lookup: { table: …, field: …, into: … }"},
	{lazyregexp.New(`random_int|math\.random|\brand\(`), "sample: 10%"},
}

// nearestTo are rules that come near to what code does.
func nearestTo(code string) []string {
	var rules []string
	for _, h := range hints {
		if h.word.MatchString(code) {
			rules = append(rules, h.rule)
		}
	}
	if len(rules) == 0 {
		rules = []string{"compute: { FIELD: 'expression' }"}
	}
	return rules
}
