package format

import "github.com/seed56735111/penstock/format/internal/lines"

// klog is what k8s.io/klog writes, and glog before it: Kubernetes, etcd and much else. There is no year.
func klog() schema {
	return schema{
		name:  "klog",
		told:  "lines that begin with I, W, E or F and four digits, a time, a number and a place in the program",
		about: "logs of Kubernetes' components and of others that use klog or glog; the year is that of the object's time",
		grammar: &lines.Schema{
			Record: "a klog record", Least: 5, Several: true, GoesOn: lines.Indented,
			Layout: lines.Layout{Bare: true, Padded: true},
			Fields: []lines.Field{
				{Name: "level", Width: 1, Is: lines.OneOf("I", "W", "E", "F", "D")},
				{Name: "time", Kind: lines.MonthDay, Width: len("1124 10:00:00.123456")},
				{Name: "thread", Is: lines.Digits(1, 20)},
				{Name: "file", End: ":"},
				{Name: "line", Kind: lines.Integer, End: "] ", Is: lines.Digits(1, 7)},
				{Name: "message", Kind: lines.Message, Rest: true},
			},
		},
	}
}
