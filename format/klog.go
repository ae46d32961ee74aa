package format

import (
	"bytes"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// klog is what k8s.io/klog writes, and glog before it: Kubernetes, etcd and much else. There is no year, but for glog
// since 0.5.
func klog() schema {
	fields := func(width int) []lines.Field {
		return []lines.Field{
			{Name: "level", Width: 1, Is: lines.OneOf("I", "W", "E", "F", "D")},
			{Name: "time", Kind: lines.MonthDay, Width: width},
			{Name: "thread", Is: lines.Digits(1, 40)},
			{Name: "file", End: ":"},
			{Name: "line", Kind: lines.Integer, End: "] ", Is: lines.Digits(1, 7)},
			{Name: "message", Kind: lines.Message, Rest: true},
		}
	}
	return schema{
		name: "klog",
		told: "lines that begin with I, W, E or F and four or eight digits, a time, a number and a place in the program",
		about: "logs of Kubernetes' components and of others that use klog or glog; " +
			"the year is that of the object's time where a line has none",
		grammar: &lines.Schema{
			Record: "a klog record", Several: true, GoesOn: goesOnInKlog,
			Layout: lines.Layout{Bare: true, Padded: true},
			Forms: []lines.Form{
				{Least: 5, Fields: fields(len("20261124 10:00:00.123456"))},
				{Least: 5, Fields: fields(len("1124 10:00:00.123456"))},
			},
		},
	}
}

// goesOnInKlog reports whether a line is a part of a trace of k8s.io/utils/trace, or of a stack.
func goesOnInKlog(line []byte) bool {
	return goesOnLikeText(line) || bytes.HasPrefix(line, []byte("Trace["))
}
