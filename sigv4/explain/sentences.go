package explain

import (
	"regexp"
	"strings"
	"sync"
)

// A sentence is one that a domain refuses requests with.
type sentence struct {
	text *regexp.Regexp
	// find makes a finding of it. The submatches are those of text.
	find func(e *explainer, m []string) Finding
}

// sentences are in the order in which they are looked for. An answer can have several that begin alike. They are
// compiled when one is looked for first: most programs never do.
var sentences = sync.OnceValue(func() []sentence {
	return []sentence{
		{
			regexp.MustCompile(`The request signature we calculated does not match the signature you provided`),
			(*explainer).mismatch,
		},
		{
			regexp.MustCompile(`Signature (expired): ([0-9TZ]+) is now earlier than ([0-9TZ]+) \(([0-9TZ]+)`),
			(*explainer).clock,
		},
		{
			regexp.MustCompile(`Signature (not yet current): ([0-9TZ]+) is still later than ([0-9TZ]+) \(([0-9TZ]+)`),
			(*explainer).clock,
		},
		{regexp.MustCompile(`Credential should be scoped to a valid region, not '([^'\n]*)'`), (*explainer).region},
		{regexp.MustCompile(`Credential should be scoped to correct service: '([^'\n]*)'`), (*explainer).service},
		{
			regexp.MustCompile(`Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ` +
				`'([0-9]*)' != '([0-9]*)'`), (*explainer).day,
		},
		{regexp.MustCompile(`Credential should be scoped with a valid terminator`), (*explainer).malformed},
		{regexp.MustCompile(`Credential must have exactly 5 slash-delimited elements`), (*explainer).malformed},
		{regexp.MustCompile(`security token included in the request is expired`), (*explainer).expired},
		{regexp.MustCompile(`security token included in the request is invalid(\.?)`), (*explainer).invalid},
		{
			regexp.MustCompile(`Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header`),
			(*explainer).noDate,
		},
		{regexp.MustCompile(`Date must be in ISO-8601 'basic format'`), (*explainer).badDate},
		{
			regexp.MustCompile(`not a valid key=value pair \(missing equal-sign\) in Authorization header|` +
				`Invalid key=value pair|Authorization header requires '\w+' parameter|Unsupported AWS 'algorithm'|` +
				`AWS query-string parameters must include|must be present at most once in the request|` +
				`must have '\w+' parameter at most once|Found both 'X-Amz-Algorithm'`), (*explainer).malformed,
		},
		{regexp.MustCompile(`'Host' must be a 'SignedHeader'`), (*explainer).hostUnsigned},
		{regexp.MustCompile(`Invalid Host [Hh]eader`), (*explainer).wrongHost},
		{regexp.MustCompile(`User: anonymous is not authorized to perform`), (*explainer).anonymous},
		{
			regexp.MustCompile(`is not authorized to perform: \S+.* with an explicit deny in an? (\S+) policy`),
			(*explainer).denied,
		},
		{regexp.MustCompile(`is not authorized to perform: es:`), (*explainer).policy},
		{regexp.MustCompile(`no permissions for \[[^\]\n]*\] and User`), (*explainer).fineGrained},
		{
			regexp.MustCompile(`Missing Authentication Token|Forbidden"\s*,\s*"type"|"message":\s*"Forbidden"`),
			(*explainer).elsewhere,
		},
	}
})

// sentenceOf finds the sentence of a refusal in a text.
func sentenceOf(text string) *sentence {
	all := sentences()
	for i := range all {
		if all[i].text.MatchString(text) {
			return &all[i]
		}
	}
	return nil
}

// isPage reports whether a text is a page for people, which no domain answers a signed request with.
func isPage(text string) bool {
	head := strings.ToLower(bounded(strings.TrimSpace(text)))
	return strings.HasPrefix(head, "<!doctype") || strings.HasPrefix(head, "<html") || strings.HasPrefix(head, "<?xml")
}
