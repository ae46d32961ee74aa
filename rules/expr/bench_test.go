package expr_test

import (
	"bytes"
	"strings"
	"testing"

	peer "github.com/expr-lang/expr"

	"github.com/seed56735111/penstock/rules/expr"
)

// members is a record whose fields are found by their names, as rules have them.
type members []struct {
	name  string
	value []byte
}

func (m members) Member(p *expr.Path) ([]byte, bool) {
	for n := 1; n <= p.Len(); n++ {
		for i := range m {
			if m[i].name == p.Name(n) {
				return p.Below(m[i].value, n)
			}
		}
	}
	return nil, false
}

// alb are fields of a load balancer's record.
func alb() members {
	m := members{}
	for _, f := range []string{
		`type:"https"`, `time:"2026-11-24T10:00:00.123456Z"`, `elb:"app/web/50dc6c495c0c9188"`,
		`client_ip:"203.0.113.7"`,
		`client_port:46532`, `target_ip:"10.0.3.7"`, `target_port:8080`, `request_processing_time:0.001`,
		`target_processing_time:1.204`, `response_processing_time:0`, `elb_status_code:200`, `target_status_code:200`,
		`received_bytes:1220`, `sent_bytes:5120`, `method:"GET"`,
		`url:"https://www.example.com:443/api/v1/users?page=2"`,
		`user_agent:"ELB-HealthChecker/2.0"`, `trace:{"root":"1-58337262-36d228ad5d99923122bbe354"}`,
		`message:"GET \"/\" é\u00e9"`,
	} {
		name, value, _ := strings.Cut(f, ":")
		m = append(m, struct {
			name  string
			value []byte
		}{name, []byte(value)})
	}
	return m
}

var conditions = []string{
	`elb_status_code == 200 && user_agent startsWith "ELB-HealthChecker"`,
	`elb_status_code >= 500`,
	`target_processing_time > 1`,
	`method in ["GET", "HEAD", "OPTIONS"]`,
	`url contains "/api/" and sent_bytes > 1000`,
	`trace.root startsWith "1-"`,
	`lower(method) == "get"`,
	`url matches "^https://[^/]+/api/v[0-9]+/"`,
	`message contains "é"`,
	`received_bytes + sent_bytes > 1000 ? method == "GET" : method == "PUT"`,
	`absent > 1 || (other ?? "x") == "x"`,
	`split(url, "/")[3] == "api"`,
	`len(user_agent) > 10 && max(sent_bytes, received_bytes) / 2 > 100`,
}

func TestConditionsAllocateNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector, which the short tests are for, empties pools")
	}
	var r expr.Record = alb()
	for _, text := range conditions {
		p, err := expr.Compile(text, nil, expr.Boolean)
		if err != nil {
			t.Fatal(text, err)
		}
		if n := testing.AllocsPerRun(100, func() { p.True(r) }); n >= 1 {
			t.Errorf("%s: %.1f allocations", text, n)
		}
	}
}

func BenchmarkConditions(b *testing.B) {
	var r expr.Record = alb()
	for _, text := range conditions {
		p, err := expr.Compile(text, nil, expr.Boolean)
		if err != nil {
			b.Fatal(text, err)
		}
		b.Run(strings.ReplaceAll(text, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(p.Cost()), "cost")
			for b.Loop() {
				p.True(r)
			}
		})
	}
}

// The first five of them on expr-lang's machine, whose record is a map that somebody has filled.
func BenchmarkPeer(b *testing.B) {
	env := map[string]any{
		"elb_status_code": 200, "user_agent": "ELB-HealthChecker/2.0", "target_processing_time": 1.204,
		"method": "GET",
		"url":    "https://www.example.com:443/api/v1/users?page=2", "sent_bytes": 5120,
	}
	for _, text := range conditions[:5] {
		p, err := peer.Compile(text, peer.Env(env))
		if err != nil {
			b.Fatal(text, err)
		}
		b.Run(strings.ReplaceAll(text, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := peer.Run(p, env); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Of a long field 64 KiB count, whatever is done with it, and what has been made on the way is given back.
func TestLongFieldsAreCut(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	for name, body := range map[string]string{
		"plain": strings.Repeat("x", most+100), "escaped": strings.Repeat(`\n`, most),
		"unicode": strings.Repeat(`\u00e9`, most),
		"wide":    strings.Repeat("é", most), "odd": "x" + strings.Repeat("é", most),
		"late":   strings.Repeat("x", most-1) + `\u00e9`,
		"commas": strings.Repeat(",", most*2),
	} {
		r := expr.JSON(`{"x":"` + body + `end","l":["` + strings.Repeat("x", most) + `","b"]}`)
		for text, want := range map[string]bool{
			`x contains "end"`: false, `x endsWith "end"`: false, "len(x) <= 65536": true,
			`len(x + x + "y") <= 65536`:                 true,
			`len(replace(x, "x", "yyyyyyyy")) <= 65536`: true, `len(split(x, ",")) <= 65537`: true,
			`upper(x) == ""`: false,
			`"b" in l`:       false, `string(l) endsWith "]"`: false,
		} {
			p, err := expr.Compile(text, nil, expr.Boolean)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.True(r); got != want {
				t.Errorf("%s: %s is %t", name, text, got)
			}
		}
		p, err := expr.Compile("x", nil, expr.Unknown)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := p.AppendJSON(nil, r); !ok || !bytes.HasSuffix(got, []byte(`end"`)) {
			t.Errorf("%s: a field by itself is cut", name)
		}
	}
}
