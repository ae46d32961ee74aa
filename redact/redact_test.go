package redact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seed56735111/penstock/internal/planted"
	"github.com/seed56735111/penstock/redact"
)

func newKey(tb testing.TB, number int, secret string) *redact.Key {
	tb.Helper()
	k, err := redact.NewKey(number, []byte(secret))
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

// What is found, to the byte, and what is left alone.
func TestWhatIsFound(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ in, want string }{
		{`card 4111 1111 1111 1111 12/27`, `card [card] 12/27`},
		{`4111111111111111.`, `[card].`},
		{`4111111111111112 has no check digit`, `4111111111111112 has no check digit`},
		{`a4111111111111111 and 0.4111111111111111`, `a4111111111111111 and 0.4111111111111111`},
		{`PAN4111111111111111`, `PAN[card]`},
		{`card-4111-1111-1111-1111.`, `card-[card].`},
		{`order 4111111111111111`, `order 4111111111111111`},
		{`order paid by card 4111111111111111`, `order paid by card [card]`},
		{`{"order":17,"card":"4111111111111111"}`, `{"order":17,"card":"[card]"}`},
		{`DE89370400440532013000`, `[iban]`},
		{`DE89 3704 0044 0532 0130 00, thanks`, `[iban], thanks`},
		{`GB82-WEST-1234-5698-7654-32`, `[iban]`},
		{`DE88370400440532013000`, `DE88370400440532013000`},
		{`from=ada.l@example.co.uk, to`, `from=[mail], to`},
		{`git@github.com:x/y`, `[mail]:x/y`},
		{`a@b, icon@2x.png, x@1.2.3`, `a@b, icon@2x.png, x@1.2.3`},
		{`10.0.0.1:443 [2001:db8::1]:443 ::1`, `[ip]:443 [[ip]]:443 [ip]`},
		{`Chrome/120.0.0.0 http://host/10.0.0.1 v1.2.3.4 1.2.3.4.5`, `Chrome/120.0.0.0 http://host/[ip] v1.2.3.4 1.2.3.4.5`},
		{`{m:2001:db8::1} 10:11::x ab::12::ab`, `{m:[ip]} 10:11::x ab::12::ab`},
		{`10:11:12 std::x 00:1b:44:11:3a:b7`, `10:11:12 std::x 00:1b:44:11:3a:b7`},
		{`call +49 30 1234567 or (212) 555-0123`, `call [phone] or [phone]`},
		{`2026-11-24T10:00:00+01:00, 1+12345678`, `2026-11-24T10:00:00+01:00, 1+12345678`},
		{`AKIAIOSFODNN7EXAMPLE,wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY`, `[aws_key],[aws_secret]`},
		{`aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY`, `aws_secret_access_key=[aws_secret]`},
		{`secret=da39a3ee5e6b4b0d3255bfef95601890afd80709`, `secret=da39a3ee5e6b4b0d3255bfef95601890afd80709`},
		{`X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101`, `X-Amz-Credential=[aws_key]%2F20260101`},
		{`session token expired, sessionToken=abcdef0123456789ABCD`, `session token expired, sessionToken=[session_token]`},
		{`x=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl;y`, `x=[jwt];y`},
		{`Authorization: Bearer mF_9.B5f-4.1JqM==, x`, `Authorization: Bearer [bearer], x`},
		{`WWW-Authenticate: Bearer realm="x"`, `WWW-Authenticate: Bearer realm="x"`},
		{`postgres://app:p@ss:w0rd@db:5432/x`, `postgres://app:[url_password]@db:5432/x`},
		{`amqp://u:a/b@host/v`, `amqp://u:[url_password]@host/v`},
		{`http://host:8080/@x http://host/a:b@c`, `http://host:8080/@x http://host/a:b@c`},
		{`https:\/\/u:secret\/1@h\/`, `https:\/\/u:[url_password]@h\/`},
		{"-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx", "[private_key]\nx"},
		{`"-----BEGIN PRIVATE KEY-----\nMIIE\n","x":1`, `"[private_key]","x":1`},
		{`MIIEabc\n-----END EC PRIVATE KEY-----`, `[private_key]`},
		{
			`["-----BEGIN PRIVATE KEY-----","MIIE","-----END PRIVATE KEY-----","x"]`,
			`["[private_key]","[private_key]","[private_key]","x"]`,
		},
		{`-----BEGIN PUBLIC KEY-----`, `-----BEGIN PUBLIC KEY-----`},
		{`remote: ghp_` + strings.Repeat("aB3", 12), `remote: [github_token]`},
		{
			`https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX`,
			`https://hooks.slack.com/services/[slack_token]`,
		},
		{`xoxb-123456789012-abcdefABCDEF`, `[slack_token]`},
		{`a\nuser@example.org\n`, `a\n[mail]\n`},
		{`C:\AKIAIOSFODNN7EXAMPLE`, `C:\[aws_key]`},
		{`\u00e4da@example.org`, `[mail]`},
		{`q=%34%3111111111111111`, `q=[card]`},
		{`{"n":4111111111111111,"m":[-1,4111111111111111]}`, `{"n":null,"m":[-1,null]}`},
		{
			`{"ada@example.org":1,"bob@example.org":2,"x@example.org":"y@example.org"}`,
			`{"[mail]":1,"[mail]_2":2,"[mail]_3":"[mail]"}`,
		},
	} {
		d := redact.New(nil)
		got, _ := d.Append(nil, []byte(tt.in), redact.Mask)
		if json.Valid([]byte(tt.in)) {
			got, _ = d.AppendJSON(nil, []byte(tt.in), redact.Mask, nil)
		}
		if string(got) != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
		if again, _ := d.Append(nil, got, redact.Mask); !bytes.Equal(again, got) {
			t.Errorf("%s: once more: %s", got, again)
		}
	}
}

// A detector finds the kinds that it was made for, and nothing else.
func TestEveryKindIsFoundByItself(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for _, kind := range redact.Kinds() {
		for range 50 {
			text := planted.Make(r, kind).In()
			for _, only := range redact.Kinds() {
				n := redact.New([]redact.Kind{only}).Count([]byte(text))
				if n[only] == 0 && only == kind || len(n) > 1 {
					t.Errorf("%s in %q: %v", only, text, n)
				}
			}
		}
	}
	if redact.New([]redact.Kind{"none"}).Finds([]byte("a@example.org")) {
		t.Error("a kind that is none finds something")
	}
}

// What a schema types is left alone, whatever it looks like.
func TestTypedFieldsAreLeftAlone(t *testing.T) {
	t.Parallel()
	const doc = `{"bytes":4111111111111111,"a":{"n":"4111111111111111","t":"4111111111111111"},"t":"4111111111111111"}`
	got, hits := redact.New(nil).AppendJSON(nil, []byte(doc), redact.Mask, func(path []byte) bool {
		return string(path) == "bytes" || string(path) == "a.n"
	})
	const want = `{"bytes":4111111111111111,"a":{"n":"4111111111111111","t":"[card]"},"t":"[card]"}`
	if string(got) != want || hits != 2 {
		t.Errorf("%d hits\n got %s\nwant %s", hits, got, want)
	}
}

// The same secret has the same hash however it is written, another one has another, and the key's number is in front.
func TestHashesJoin(t *testing.T) {
	t.Parallel()
	w := redact.Hash(newKey(t, 7, "0123456789abcdef\n"))
	d := redact.New(nil)
	hash := func(text string) string {
		out, _ := d.Append(nil, []byte(text), w)
		return string(out)
	}
	want := hash("ada@example.org")
	if !strings.HasPrefix(want, "h7:") || len(want) != 3+32 {
		t.Errorf("hash %q", want)
	}
	for _, form := range []string{
		`ada%40example.org`, `ada\u0040example.org`, `%61da%2540example.org`, `ada\\u0040example.org`,
	} {
		if got := hash(form); got != want {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
	if a, b := hash("4111 1111 1111 1111"), hash("4111111111111111"); a != b {
		t.Errorf("%s and %s of one card", a, b)
	}
	if hash("bob@example.org") == want {
		t.Error("one hash of two mails")
	}
	if got := string(w.AppendValue(nil, []byte(`"ada\u0040example.org"`))); got != `"`+want+`"` {
		t.Errorf("value %s, want %s", got, want)
	}
	other := redact.Hash(newKey(t, 7, "0123456789abcdeg"))
	if got := other.AppendText(nil, []byte("ada@example.org")); string(got) == want {
		t.Error("another key makes the same hash")
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	key := newKey(t, 1, "0123456789abcdef")
	for _, tt := range []struct {
		w        redact.With
		in, want string
	}{
		{redact.Mask, `"x"`, `"[redacted]"`},
		{redact.Mask, `17`, `null`},
		{redact.Mask, `{"a":1}`, `null`},
		{redact.Mask, `null`, `null`},
		{redact.Remove, `"x"`, ``},
		{redact.Hash(key), `null`, `null`},
		{redact.Hash(key), `17`, `"` + string(key.Append(nil, []byte("17"))) + `"`},
		{redact.Hash(key), `"17"`, `"` + string(key.Append(nil, []byte("17"))) + `"`},
	} {
		if got := tt.w.AppendValue(nil, []byte(tt.in)); string(got) != tt.want {
			t.Errorf("%s: %s, want %s", tt.in, got, tt.want)
		}
	}
}

// A key is a reference; what is none is not repeated, as it may be the secret.
func TestKeysAreReferences(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"env:JOINS", "file:/run/secrets/joins", "ssm:/penstock/joins"} {
		if r, err := redact.ParseReference(text); err != nil || r.String() != text {
			t.Errorf("%s: %v, %v", text, r, err)
		}
	}
	for _, text := range []string{"hunter2hunter2", "env:", "", "vault:hunter2", "hunter2:x"} {
		if _, err := redact.ParseReference(text); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, secret := range []string{"", "hunter2", "               hunter2\n"} {
		if _, err := redact.NewKey(1, []byte(secret)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", secret, err)
		}
	}
	if _, err := redact.NewKey(0, []byte("0123456789abcdef")); err == nil {
		t.Error("a key has the number 0")
	}
}

// Hostile texts take time in proportion to their length. The test is over at once or takes minutes.
func TestHostileTextsTakeLinearTime(t *testing.T) {
	t.Parallel()
	d := redact.New(nil)
	for _, part := range []string{
		"eyJ", "eyJ.", "a@", "@", "://a:", "//", "://", "-----BEGIN PRIVATE KEY-----", `-----BEGIN PRIVATE KEY-----"`,
		"-----END PRIVATE KEY-----", "AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE/", "secret=", "session_token=", "Bearer ",
		"ghp_", "github_pat_", "xoxb-", "4", "4 ", "4111 ", "1.", "a:", "::", "+1", `\`, `\\`, `\u0040`, "%", "%25", "%2525",
		"IQoJ", "DE89", "411-", "hooks.slack.com/", "bearer+", "xapp-", "session-token=",
	} {
		text := bytes.Repeat([]byte(part), 1<<18/len(part))
		if out, _ := d.Append(nil, text, redact.Mask); len(out) > 2*len(text) {
			t.Errorf("%q grows to %d", part, len(out))
		}
	}
}

// Clean records cost no allocation, and neither do those with secrets.
func TestNothingIsAllocated(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which the short tests are for, empties pools")
	}
	d := redact.New(nil)
	w := redact.Hash(newKey(t, 1, "0123456789abcdef"))
	dst := make([]byte, 0, 4096)
	for _, doc := range []string{record, `{"m":"from ada@example.org\n to 4111111111111111%20"}`} {
		if n := testing.AllocsPerRun(200, func() { _, _ = d.AppendJSON(dst, []byte(doc), w, nil) }); n > 1 {
			t.Errorf("%v allocations for %.40s", n, doc)
		}
	}
}

// record is a document of a load balancer, without a secret but for the addresses.
const record = `{"type":"https","time":"2026-11-24T10:00:00.186641Z","elb":"app/my-loadbalancer/50dc6c495c0c9188",` +
	`"client_ip":"203.0.113.39","client_port":2817,"target_ip":"10.0.0.1","target_port":80,` +
	`"request_processing_time":0.086,"target_processing_time":0.048,"response_processing_time":0.037,` +
	`"elb_status_code":200,"target_status_code":200,"received_bytes":0,"sent_bytes":57,"request_method":"GET",` +
	`"request_url":"https://www.example.com:443/orders/17?page=2","request_protocol":"HTTP/1.1",` +
	`"user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0.6099.109 Safari/537.36",` +
	`"ssl_cipher":"ECDHE-RSA-AES128-GCM-SHA256","ssl_protocol":"TLSv1.2",` +
	`"trace_id":"Root=1-58337281-1d84f3d73c47ec4e58577259",` +
	`"target_group_arn":"arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/my-targets/73e2d6bc24d8a067"}`

func BenchmarkDetect(b *testing.B) {
	key := newKey(b, 1, "0123456789abcdef")
	dst := make([]byte, 0, 4096)
	dirty := strings.Replace(record, "page=2", "mail=ada%40example.org&card=4111111111111111", 1)
	for _, bb := range []struct {
		name  string
		kinds []redact.Kind
		doc   string
	}{
		{"clean/card,aws_key,jwt", []redact.Kind{redact.Card, redact.AWSKey, redact.JWT}, record},
		{"clean/all but ip", redact.Kinds()[:3], record},
		{"clean/all", nil, record},
		{"two secrets/card,mail", []redact.Kind{redact.Card, redact.Mail}, dirty},
	} {
		if bb.name == "clean/all but ip" {
			bb.kinds = append(bb.kinds, redact.Kinds()[4:]...)
		}
		b.Run(bb.name, func(b *testing.B) {
			d := redact.New(bb.kinds)
			doc := []byte(bb.doc)
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = d.AppendJSON(dst[:0], doc, redact.Hash(key), nil)
			}
		})
	}
}

func BenchmarkValue(b *testing.B) {
	key := newKey(b, 1, "0123456789abcdef")
	dst := make([]byte, 0, 64)
	for _, bb := range []struct {
		name string
		w    redact.With
	}{{"mask", redact.Mask}, {"hash", redact.Hash(key)}} {
		b.Run(bb.name, func(b *testing.B) {
			value := []byte(`"203.0.113.39"`)
			b.ReportAllocs()
			for b.Loop() {
				dst = bb.w.AppendValue(dst[:0], value)
			}
		})
	}
}

// JSON stays JSON, a text stays the inside of a string, and what comes out has nothing that is found again.
func FuzzAppend(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, kind := range redact.Kinds() {
		for _, form := range planted.Forms {
			f.Add([]byte(`{"a":["` + form.Write(r, planted.Make(r, kind).In()) + `"]}`))
		}
	}
	f.Add([]byte(record))
	key := newKey(f, 1, "0123456789abcdef")
	f.Fuzz(func(t *testing.T, in []byte) {
		d := redact.New(nil)
		for i, w := range []redact.With{redact.Mask, redact.Remove, redact.Hash(key)} {
			out, hits := d.Append(nil, in, w)
			if hits == 0 && !bytes.Equal(out, in) {
				t.Errorf("changed without a hit: %q", out)
			}
			if json.Valid([]byte(fmt.Sprintf(`"%s"`, in))) && !json.Valid([]byte(fmt.Sprintf(`"%s"`, out))) {
				t.Errorf("with %d: no string any more: %q of %q", i, out, in)
			}
			if !json.Valid(in) {
				continue
			}
			if out, _ := d.AppendJSON(nil, in, w, nil); !json.Valid(out) {
				t.Errorf("with %d: no JSON any more: %q of %q", i, out, in)
			}
		}
	})
}

// What is known is replaced wherever it stands as a word of its own, however it is escaped.
func TestKnownTextsAreReplaced(t *testing.T) {
	t.Parallel()
	all := []redact.Replacement{
		{Old: []byte("ada lovelace"), New: []byte("[r]")},
		{Old: []byte("10.0.0.1"), New: []byte("h1:ab")},
		{Old: []byte("17"), New: []byte("[r]")},
		{Old: []byte("123456"), New: []byte("[r]")},
	}
	for _, tt := range []struct{ in, want string }{
		{
			`{"message":"17 ada lovelace 10.0.0.1:80 110.0.0.1 10.0.0.12"}`,
			`{"message":"[r] [r] h1:ab:80 110.0.0.1 10.0.0.12"}`,
		},
		{`{"u":"q=ada%20lovelace&x=ada\u0020lovelace"}`, `{"u":"q=[r]&x=[r]"}`},
		{`{"n":"17 of 17","m":17,"k":123456,"l":1234567}`, `{"n":"17 of 17","m":17,"k":null,"l":1234567}`},
		{`{"10.0.0.1":1,"a":{"10.0.0.1":2}}`, `{"h1:ab_1":1,"a":{"h1:ab_2":2}}`},
	} {
		if got, _ := redact.AppendJSONWithout(nil, []byte(tt.in), all); string(got) != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.in, got, tt.want)
		}
	}
	got, whole := redact.AppendWithout(nil, []byte(`17 ada lovelace,ada%20lovelace\n10.0.0.1`), all)
	if want := `[r] [r],[r]\nh1:ab`; string(got) != want || whole {
		t.Errorf("all found: %t: got %s, want %s", whole, got, want)
	}
	if _, whole = redact.AppendWithout(nil, []byte("17 ada lovelace"), all[:1]); !whole {
		t.Error("what is there is not found")
	}
}
