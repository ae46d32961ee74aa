package redact

import "bytes"

// set is a set of kinds, one bit for each of the list of them.
type set uint16

const (
	card = iota
	iban
	mail
	ip
	phone
	awsKey
	awsSecret
	sessionToken
	jwt
	bearer
	privateKey
	urlPassword
	githubToken
	slackToken
	kindCount // how many there are
)

// anchor says what a byte may be a part of, so that all others are passed over.
type anchor uint8

const (
	atNothing    anchor = iota
	atEscape            // \ or %
	atDigit             // the first check digit of an IBAN
	atAt                // the @ of a mail
	atDot               // the first dot of an address
	atColon             // the first colon of an address
	atPlus              // the beginning of a phone number
	atDash              // the last dash of a phone number
	atSlash             // the second slash of a URL
	atA                 // AKIA, AQo
	atF                 // FwoG
	atI                 // IQoJ
	atK                 // the k of token
	atC                 // the c of secret
	atJ                 // the J of eyJ
	atB                 // Bearer
	atP                 // PRIVATE KEY
	atUnderscore        // ghp_, github_pat_
	atX                 // xoxb-
	atH                 // hooks.slack.com
)

// anchorTable says for which kinds an anchor stands for bytes.
var anchorTable = []struct {
	kinds set
	bytes string
	anchor
}{
	{1 << iban, "0123456789", atDigit},
	{1 << mail, "@", atAt},
	{1 << ip, ".", atDot},
	{1 << ip, ":", atColon},
	{1 << phone, "+", atPlus},
	{1 << phone, "-", atDash},
	{1 << urlPassword, "/", atSlash},
	{1<<awsKey | 1<<awsSecret | 1<<sessionToken, "A", atA},
	{1 << sessionToken, "F", atF},
	{1 << sessionToken, "I", atI},
	{1 << sessionToken, "kK", atK},
	{1 << awsSecret, "cC", atC},
	{1 << jwt, "J", atJ},
	{1 << bearer, "bB", atB},
	{1 << privateKey, "P", atP},
	{1 << githubToken, "_", atUnderscore},
	{1 << slackToken, "x", atX},
	{1 << slackToken, "h", atH},
}

func anchorsOf(kinds set) (table [256]anchor) {
	if kinds != 0 {
		table['\\'], table['%'] = atEscape, atEscape
	}
	for _, a := range anchorTable {
		if a.kinds&kinds == 0 {
			continue
		}
		for i := range len(a.bytes) {
			table[a.bytes[i]] = a.anchor
		}
	}
	return table
}

// found is what a look at an anchor gives: a secret from start to end, and where to go on. Nothing was found when start
// is end.
type found struct{ start, end, next int }

// scan finds the secrets in b, and reports whether there are escapes that may hide others.
func (d *Detector) scan(s *scratch, b []byte) (escaped bool) {
	if d.set&(1<<card) != 0 {
		scanCards(s, b)
	}
	// Where the next look for a kind is worth its while: what was passed over once is not passed over again.
	var passed [kindCount]int
	for i := 0; i < len(b); i++ {
		a := d.anchors[b[i]]
		if a == atNothing {
			continue
		}
		var f found
		of := 0
		switch a {
		case atEscape:
			escaped = escaped || i+1 < len(b) && (b[i] == '%' && hex(b[i+1]) >= 0 || b[i] == '\\' && b[i+1] != '"')
			continue
		case atDigit:
			if i < 2 || !isLetter(b[i-1]) || !isLetter(b[i-2]) {
				continue
			}
			of, f = iban, ibanAt(b, i-2)
		case atAt:
			of, f = mail, mailAt(b, i)
		case atDot:
			if i == 0 || !isDigit(b[i-1]) {
				continue
			}
			of, f = ip, ip4At(b, i)
		case atColon:
			if i+1 == len(b) || hex(b[i+1]) < 0 && b[i+1] != ':' {
				continue
			}
			of, f = ip, ip6At(b, i)
		case atPlus:
			if i+1 == len(b) || !isDigit(b[i+1]) {
				continue
			}
			of, f = phone, phoneAt(b, i)
		case atDash:
			if i < 3 || !isDigit(b[i-1]) || !isDigit(b[i-2]) || !isDigit(b[i-3]) {
				continue
			}
			of, f = phone, americanAt(b, i)
		case atSlash:
			if i < 2 || b[i-1] != '/' && b[i-1] != '\\' {
				continue
			}
			of, f = urlPassword, urlPasswordAt(b, i)
		case atA:
			if d.set&(1<<awsKey|1<<awsSecret) != 0 && isAWSKey(b, i) {
				if d.set&(1<<awsSecret) != 0 {
					s.add(awsSecret, awsSecretNear(b, i))
				}
				if d.set&(1<<awsKey) == 0 {
					continue
				}
				of, f = awsKey, found{i, i + awsKeyLength, i + awsKeyLength}
				break
			}
			if d.set&(1<<sessionToken) == 0 || i < passed[sessionToken] {
				continue
			}
			of, f = sessionToken, sessionTokenAt(b, i)
		case atF, atI:
			if i < passed[sessionToken] {
				continue
			}
			of, f = sessionToken, sessionTokenAt(b, i)
		case atK:
			if i < 2 || i < passed[sessionToken] || b[i-1]|0x20 != 'o' || b[i-2]|0x20 != 't' {
				continue
			}
			of, f = sessionToken, namedTokenAt(b, i-2)
		case atC:
			if i < 2 || b[i-1]|0x20 != 'e' || b[i-2]|0x20 != 's' {
				continue
			}
			of, f = awsSecret, namedSecretAt(b, i-2)
		case atJ:
			if i < 2 || i < passed[jwt] || b[i-1] != 'y' || b[i-2] != 'e' {
				continue
			}
			of, f = jwt, jwtAt(b, i-2)
		case atB:
			if i < passed[bearer] || i+1 == len(b) || b[i+1]|0x20 != 'e' {
				continue
			}
			of, f = bearer, bearerAt(b, i)
		case atP:
			of, f = privateKey, privateKeyAt(b, i)
		case atUnderscore:
			if i < 3 {
				continue
			}
			of, f = githubToken, githubTokenAt(b, i)
		case atX, atH:
			if i < passed[slackToken] {
				continue
			}
			of, f = slackToken, slackTokenAt(b, i)
		}
		if f.end == f.start {
			passed[of] = f.next
			continue
		}
		s.add(of, f)
		i = max(i, f.next-1)
	}
	return escaped
}

// add keeps what was found.
func (s *scratch) add(of int, f found) {
	if f.end > f.start {
		s.hits = append(s.hits, hit{of: of, first: f.start, after: f.end})
	}
}

func isDigit(c byte) bool  { return c-'0' < 10 }
func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }
func isWord(c byte) bool   { return isDigit(c) || isLetter(c) }

// begins reports whether there is no letter or digit directly before b[i].
func begins(b []byte, i int) bool { return i == 0 || !isWord(b[i-1]) }

// ends reports whether there is no letter or digit at b[i].
func ends(b []byte, i int) bool { return i >= len(b) || !isWord(b[i]) }

// has reports whether s stands at b[i], in the same case.
func has(b []byte, i int, s string) bool {
	return i >= 0 && len(b)-i >= len(s) && string(b[i:i+len(s)]) == s
}

// hasFold is has for a text in small letters that stands there in any case.
func hasFold(b []byte, i int, small string) bool {
	return i >= 0 && len(b)-i >= len(small) && bytes.EqualFold(b[i:i+len(small)], []byte(small))
}

// class is a set of bytes.
type class [256]bool

func classOf(ranges ...string) *class {
	c := new(class)
	for _, r := range ranges {
		if len(r) == 3 && r[1] == '-' {
			for b := int(r[0]); b <= int(r[2]); b++ {
				c[b] = true
			}
			continue
		}
		for i := range len(r) {
			c[r[i]] = true
		}
	}
	return c
}

// run returns where the bytes of the class from b[i] on end, at most n of them.
func (c *class) run(b []byte, i, n int) int {
	end := min(len(b), i+n)
	for i < end && c[b[i]] {
		i++
	}
	return i
}

// back returns where the bytes of the class before b[i] begin, at most n of them.
func (c *class) back(b []byte, i, n int) int {
	start := max(0, i-n)
	for i > start && c[b[i-1]] {
		i--
	}
	return i
}
