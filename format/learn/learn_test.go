package learn_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed56735111/penstock/format"
	"github.com/seed56735111/penstock/format/learn"
)

// twenty makes lines.
func twenty(line func(i int) string) string {
	var b strings.Builder
	for i := range 20 {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func TestWhatIsLearnt(t *testing.T) {
	t.Parallel()
	said := []string{"it is done", "gate did not open", "a b c d"}
	for _, tt := range []struct {
		name, text string
		want       format.Definition
		covered    int
		guesses    []string // parts of some
		missed     int
	}{
		{
			"pairs behind a head", "restarted\n" + twenty(func(i int) string {
				return fmt.Sprintf("2026-11-24 10:00:%02d INFO  [w-%[1]d] order=%[1]d amount=%[1]d.5 zip=01%02[1]d "+
					"from 192.0.2.%[1]d %[2]s", i, said[i%3])
			}),
			format.Definition{
				Dissect: "%{time} %{+time} %{level->} [%{field3}] order=%{order} amount=%{amount} zip=%{zip} from %{ip} %{message}",
				Types:   map[string]string{"order": "integer", "amount": "decimal", "ip": "ip"},
				Time:    format.TimeDefinition{Fields: []string{"time"}},
			},
			20,
			[]string{
				"no zone stands in it, so it is taken as UTC", "field3: nothing says what it is called",
				"zip: some values have zeros in front", "order: integer, which all 20 values are", `"from" stands in all lines`,
				"message: what follows looks like sentences",
			},
			1,
		},
		{
			"events", twenty(func(i int) string {
				return fmt.Sprintf("[24/Nov/2026:10:00:%02d +0100] WARN gate: failed %d\n\tat x.y(Z.java)", i, i)
			}),
			format.Definition{
				Dissect: "[%{time}] %{level} %{message}", Start: `^\[\d\d/[A-Za-z][A-Za-z][A-Za-z]/\d\d\d\d:`,
				Time: format.TimeDefinition{Fields: []string{"time"}},
			},
			40,
			[]string{"start: 20 of 40 lines begin with a time, and 20 go on"},
			0,
		},
		{
			"columns with a header", "day;clock;who;open\n" + twenty(func(i int) string {
				return fmt.Sprintf("2026-11-24;10:00:%02d;\"a;b\";true", i)
			}),
			format.Definition{
				Delimiter: ";", Quote: `"`, Columns: []string{"day", "clock", "who", "open"},
				Types: map[string]string{"open": "boolean"},
				Time:  format.TimeDefinition{Fields: []string{"day", "clock"}},
			},
			20,
			[]string{"the first line has names alone", "some values stand between double quotes"},
			1,
		},
		{
			"objects", twenty(func(i int) string {
				return fmt.Sprintf(`{"level":"info","at":"2026-11-24T10:00:%02dZ","orderId":%d,"msg":"x"}`, i, i)
			}),
			format.Definition{
				JSON: &format.JSONDefinition{Names: []string{"orderId"}}, Time: format.TimeDefinition{Fields: []string{"at"}},
			},
			20,
			[]string{"orderId stand in all 20 objects"},
			0,
		},
		{
			"a day that nobody can tell from the month", twenty(func(i int) string {
				return fmt.Sprintf("03/05/2024 10:00:%02d +0000 id=%d", i, i)
			}),
			format.Definition{
				Dissect: "%{time} %{+time} %{+time} id=%{id}", Types: map[string]string{"id": "integer"},
				Time: format.TimeDefinition{Fields: []string{"time"}, Layout: "M/d/yyyy H:mm:ss Z"},
			},
			20,
			[]string{"nobody can tell the day from the month"},
			0,
		},
	} {
		p, err := learn.From("mine", []byte(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		tt.want.Name = "mine"
		if diff := cmp.Diff(tt.want, p.Definition); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		if p.Covered != tt.covered || len(p.Missed) != tt.missed || p.Covered+tt.missed != p.Lines {
			t.Errorf("%s: %d of %d lines covered, %d missed: %+v", tt.name, p.Covered, p.Lines, len(p.Missed), p.Missed)
		}
		for _, part := range tt.guesses {
			if !strings.Contains(strings.Join(p.Guesses, "\n"), part) {
				t.Errorf("%s: no guess says %q: %q", tt.name, part, p.Guesses)
			}
		}
	}
}

func TestWhatCannotBeLearnt(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"over\nunder and out\n17\nx y z\n", "a b\nc d\ne f\n", strings.Repeat("\x01\xff\n", 9)} {
		if p, err := learn.From("mine", []byte(text)); !errors.Is(err, learn.ErrNothing) {
			t.Errorf("%q: %v, %+v", text, err, p)
		}
	}
	for name, text := range map[string]string{"mine": "one line\n\n", "alb": "a=1\na=2\n", "A b": "a=1\na=2\n"} {
		if _, err := learn.From(name, []byte(text)); err == nil || errors.Is(err, learn.ErrNothing) {
			t.Errorf("%s of %q: %v", name, text, err)
		}
	}
}

// Whatever the lines are, a proposal accounts for each of them, and has no mistakes.
func FuzzFrom(f *testing.F) {
	f.Add("2026-11-24 10:00:00 INFO [a] b=1\n2026-11-24 10:00:01 INFO [a] b=2 x\n\n")
	f.Add("a|b|1\nc|d|2\n")
	f.Add(`{"a":1,"b":"2026-11-24"}` + "\n" + `{"a":2}` + "\n")
	f.Add("[2026-11-24T10:00:00Z] \"x\n%{a} at\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := learn.From("mine", []byte(text))
		if err != nil {
			return
		}
		if wrong, _ := p.Check(); len(wrong) > 0 || p.Covered > p.Lines {
			t.Fatalf("%q: %v, %+v", text, wrong, p)
		}
	})
}
