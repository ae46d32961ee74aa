// Package planted makes secrets of every kind for tests: random ones that are nobody's, and the ways in which programs
// write them into logs.
package planted

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/seed56735111/penstock/redact"
)

// Secret is a secret and what stands around it.
type Secret struct {
	Kind redact.Kind
	// Before is what tells the secret where it does not do so itself, such as its name; After is what follows.
	Before, Text, After string
}

// In returns the secret with what stands around it.
func (s Secret) In() string { return s.Before + s.Text + s.After }

const (
	digits  = "0123456789"
	small   = "abcdefghijklmnopqrstuvwxyz"
	capital = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	word    = digits + small + capital
)

func of(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// mixed is a random text with letters of both kinds and a digit.
func mixed(r *rand.Rand, n int, alphabet string) string {
	return of(r, 1, digits) + of(r, 1, small) + of(r, 1, capital) + of(r, n-3, alphabet)
}

// Make returns a random secret of a kind.
func Make(r *rand.Rand, kind redact.Kind) Secret {
	s := Secret{Kind: kind}
	switch kind {
	case redact.Card:
		s.Before, s.Text = pick(r, "", "card ", "pan=", "paid with "), card(r)
	case redact.IBAN:
		s.Text = iban(r)
	case redact.Mail:
		s.Text = of(r, 1+r.IntN(10), small) + pick(r, "", ".", "+", "_") + of(r, 3, word) + "@" +
			of(r, 3+r.IntN(8), small) + pick(r, ".example", ".co.uk", ".org", "-x.example.com")
	case redact.IP:
		s.Text = address(r)
	case redact.Phone:
		s.Text = phone(r)
	case redact.AWSKey:
		s.Text = pick(r, "AKIA", "ASIA") + of(r, 16, capital+"234567")
	case redact.AWSSecret:
		s.Before = pick(r, "aws_secret_access_key = ", `"SecretAccessKey": "`, "secretAccessKey=", "AWS_SECRET_ACCESS_KEY=")
		s.Text = mixed(r, 40, word+"/+")
	case redact.SessionToken:
		if r.IntN(2) == 0 {
			s.Before = pick(r, "aws_session_token=", `"SessionToken":"`, "x-amz-security-token: ")
			s.Text = mixed(r, 40+r.IntN(400), word+"/+")
		} else {
			s.Text = pick(r, "IQoJb3JpZ2luX2Vj", "FwoGZXIvYXdzE") + of(r, 200+r.IntN(300), word+"/+") + "=="
		}
	case redact.JWT:
		s.Text = part(`{"alg":"`+pick(r, "HS256", "RS256", "ES384")+`","typ":"JWT"}`) + "." +
			part(fmt.Sprintf(`{"sub":"%s","iat":%d}`, of(r, 12, word), r.IntN(2e9))) + "." + of(r, 43, word+"-_")
	case redact.Bearer:
		s.Before = pick(r, "Authorization: Bearer ", "bearer ", "Bearer ")
		s.Text = mixed(r, 16+r.IntN(40), word+"-._~") + of(r, 1, word)
	case redact.PrivateKey:
		s.Text = block(r)
	case redact.URLPassword:
		s.Before = pick(r, "postgres", "https", "amqp", "redis") + "://" + of(r, r.IntN(9), small) + ":"
		s.Text, s.After = mixed(r, 8+r.IntN(12), word+"!$*_-"), "@db."+of(r, 5, small)+".internal:5432/x"
	case redact.GitHubToken:
		s.Text = "gh" + of(r, 1, "pousr") + "_" + of(r, 36, word)
		if r.IntN(4) == 0 {
			s.Text = "github_pat_" + of(r, 22, word) + "_" + of(r, 59, word)
		}
	case redact.SlackToken:
		s.Text = "xox" + of(r, 1, "bparse") + "-" + of(r, 12, digits) + "-" + of(r, 12, digits) + "-" + of(r, 24, word)
		if r.IntN(4) == 0 {
			s.Before = "https://hooks.slack.com/services/"
			s.Text = "T" + of(r, 9, capital) + "/B" + of(r, 9, capital) + "/" + of(r, 24, word)
		}
	}
	return s
}

func part(json string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(json))
}

// brands are the beginnings and lengths of cards, and their groups.
var brands = []struct {
	head   string
	length int
	groups []int
}{
	{"4", 16, []int{4, 4, 4, 4}},
	{"4", 13, nil},
	{"51", 16, []int{4, 4, 4, 4}},
	{"2221", 16, []int{4, 4, 4, 4}},
	{"37", 15, []int{4, 6, 5}},
	{"6011", 16, []int{4, 4, 4, 4}},
	{"3528", 16, []int{4, 4, 4, 4}},
	{"36", 14, []int{4, 6, 4}},
	{"62", 19, []int{4, 4, 4, 4, 3}},
}

func card(r *rand.Rand) string {
	b := pick(r, brands...)
	n := b.head + of(r, b.length-len(b.head)-1, digits)
	sum := 0
	for i := range len(n) {
		d := int(n[len(n)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	n += string(rune('0' + (10-sum%10)%10))
	if b.groups == nil || r.IntN(2) == 0 {
		return n
	}
	return grouped(n, b.groups, pick(r, " ", "-"))
}

func grouped(n string, groups []int, sep string) string {
	var parts []string
	for _, g := range groups {
		parts, n = append(parts, n[:g]), n[g:]
	}
	return strings.Join(parts, sep)
}

func iban(r *rand.Rand) string {
	c := pick(r, "DE18", "GB04", "FR10", "NL04", "NO11", "MT05")
	body := map[string]string{
		"DE18": of(r, 18, digits), "GB04": of(r, 4, capital) + of(r, 14, digits), "NO11": of(r, 11, digits),
		"FR10": of(r, 10, digits) + of(r, 11, digits+capital) + of(r, 2, digits),
		"NL04": of(r, 4, capital) + of(r, 10, digits),
		"MT05": of(r, 4, capital) + of(r, 5, digits) + of(r, 18, digits+capital),
	}[c]
	rest := 0
	for _, b := range body + c[:2] + "00" {
		if b >= 'A' {
			rest = (rest*100 + int(b-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(b-'0')) % 97
		}
	}
	n := fmt.Sprintf("%s%02d%s", c[:2], 98-rest, body)
	if r.IntN(2) == 0 {
		return n
	}
	var parts []string
	for ; len(n) > 4; n = n[4:] {
		parts = append(parts, n[:4])
	}
	return strings.Join(append(parts, n), " ")
}

func address(r *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(r.IntN(256)) //nolint:gosec // below 256
	}
	b[0] |= 1
	switch r.IntN(4) {
	case 0:
		return netip.AddrFrom16(b).String()
	case 1:
		copy(b[:10], []byte{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0})
		return netip.AddrFrom16(b).String()
	}
	return netip.AddrFrom4([4]byte(b[:4])).String()
}

func phone(r *rand.Rand) string {
	switch r.IntN(4) {
	case 0:
		return "+49 " + of(r, 3, "123456789") + " " + of(r, 7, digits)
	case 1:
		return "+1-" + of(r, 1, "23456789") + of(r, 2, digits) + "-555-" + of(r, 4, digits)
	case 2:
		return of(r, 1, "23456789") + of(r, 2, digits) + "-555-" + of(r, 4, digits)
	}
	return "+44" + of(r, 10, "123456789")
}

func block(r *rand.Rand) string {
	what := pick(r, "RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ")
	var b strings.Builder
	b.WriteString("-----BEGIN " + what + "PRIVATE KEY-----\n")
	for range 3 + r.IntN(20) {
		b.WriteString(of(r, 64, word+"+/") + "\n")
	}
	b.WriteString(of(r, 30, word+"+/") + "==\n-----END " + what + "PRIVATE KEY-----")
	return b.String()
}

// Forms are the ways in which a secret is written, each as the inside of a JSON string.
var Forms = []struct {
	Name  string
	Write func(r *rand.Rand, text string) string
}{
	{"plain", func(_ *rand.Rand, text string) string { return inJSON(text) }},
	{"escaped", func(r *rand.Rand, text string) string { return escaped(r, text) }},
	{"JSON in JSON", func(_ *rand.Rand, text string) string { return inJSON(`{"m":"` + inJSON(text) + `"}`) }},
	{"escaped twice", func(r *rand.Rand, text string) string { return inJSON(escaped(r, text)) }},
	{"percent", func(_ *rand.Rand, text string) string { return percent(text, "") }},
	{"percent, all", func(_ *rand.Rand, text string) string { return percent(text, word) }},
	{"percent twice", func(_ *rand.Rand, text string) string { return percent(percent(text, ""), "") }},
}

func inJSON(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text)
}

func escaped(r *rand.Rand, text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if r.IntN(3) == 0 || c < ' ' || c == '"' || c == '\\' {
			_, _ = fmt.Fprintf(&b, `\u%04x`, c)
		} else if c == '/' {
			b.WriteString(`\/`)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// percent encodes all bytes that are no letters and digits, and those.
func percent(text, also string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(word, c) < 0 || strings.IndexByte(also, c) >= 0 {
			_, _ = fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Resolved returns a text with its escapes resolved as often as there are some, for those who look for a secret.
func Resolved(text string) string {
	for range 4 {
		var b strings.Builder
		for i := 0; i < len(text); i++ {
			var c byte
			switch rest := text[i:]; {
			case len(rest) > 2 && rest[0] == '%' && scan(rest[1:3], &c):
				i += 2
			case len(rest) > 5 && rest[:2] == `\u` && scan(rest[4:6], &c):
				i += 5
			case len(rest) > 1 && rest[:2] == `\n`:
				c = '\n'
				i++
			case len(rest) > 1 && rest[0] == '\\':
				c = rest[1]
				i++
			default:
				c = rest[0]
			}
			b.WriteByte(c)
		}
		if b.String() == text {
			break
		}
		text = b.String()
	}
	return text
}

func scan(digits string, c *byte) bool {
	n, err := strconv.ParseUint(digits, 16, 8)
	*c = byte(n)
	return err == nil
}
