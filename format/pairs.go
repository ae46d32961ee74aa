package format

import "github.com/seed56735111/penstock/format/internal/lines"

// stamps are the names under which programs write their time in pairs.
func stamps(more ...lines.Field) []lines.Field {
	for _, name := range []string{
		"time", "ts", "timestamp", "t", "@timestamp", "datetime", "eventtime", "event_time", "date_time", "start_time",
		"log_time", "rt",
	} {
		more = append(more, lines.Field{Name: name, Kind: lines.Stamp})
	}
	return more
}

// logfmt is what github.com/kr/logfmt reads, and go-kit, logrus and many others write.
func logfmt() schema {
	return schema{
		name:  "logfmt",
		told:  "lines of KEY=VALUE with a level or a message among them: level, lvl, severity, at, msg, message",
		about: "logfmt",
		grammar: &lines.Pairs{
			Record: "a logfmt record", Least: 2, OneOf: []string{"level", "lvl", "severity", "loglevel", "at", "msg", "message"},
			Bare: true, Not: []string{"date"}, // firewalls have date= and time=
			Known: stamps(),
		},
	}
}

// kv is what firewalls and many programs write.
func kv() schema {
	return schema{
		name:  "kv",
		told:  "lines of at least three KEY=VALUE, which most of their words are",
		about: "other lines of KEY=VALUE, such as those of firewalls",
		grammar: &lines.Pairs{
			Record: "a record of pairs", Least: 3, Known: stamps(lines.Field{Name: "date", Kind: lines.Day}), Lists: true,
		},
		generic: true,
	}
}
