package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock/format/internal/entry"
	"github.com/seed56735111/penstock/format/internal/lines"
)

// emr is what Hadoop and the programs around it write on the machines of EMR, by their log4j.properties, and what EMR's
// own step controller writes. Other Java programs have the same layouts: a class of Hadoop's or a word of the
// controller's tells.
func emr() schema {
	at := lines.Field{Name: "time", Kind: lines.ISOText, Width: len("2026-11-24 10:11:12,131")}
	level := lines.Field{
		Name: "level", Lead: " ", End: " ", Is: lines.OneOf("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"),
	}
	message := lines.Field{Name: "message", Kind: lines.Message, Rest: true}
	class := lines.Word("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.$_-")
	return schema{
		name:  "emr",
		told:  "lines with a time, a level and a class of Hadoop's or EMR's, or the words of EMR's step controller",
		about: "logs of Hadoop and of EMR's steps",
		grammar: &lines.Schema{
			Record: "a Hadoop log record", Several: true, GoesOn: goesOnInHadoop, Proof: func(records [][]byte) bool {
				return slices.ContainsFunc(records, isHadoop)
			}, Layout: lines.Layout{Bare: true},
			Forms: []lines.Form{
				{Least: 5, Fields: []lines.Field{
					at, level, {Name: "logger", End: " (", Is: class}, {Name: "thread", End: "): "}, message,
				}},
				{Least: 5, Fields: []lines.Field{
					at, level, {Name: "thread", Lead: "[", End: "] "}, {Name: "logger", End: ": ", Is: class}, message,
				}},
				{Least: 4, Fields: []lines.Field{at, level, {Name: "logger", End: ": ", Is: class}, message}},
				{Least: 3, Fields: []lines.Field{
					{Name: "time", Kind: lines.ISO, Width: len("2026-11-24T10:11:12.131Z")}, level, message,
				}},
				{Least: 2, Fields: []lines.Field{{Name: "level", End: " ", Is: level.Is}, message}},
			},
		},
	}
}

// goesOnInHadoop reports whether a line goes on with the message before it: a stack trace, or the banner of a start.
func goesOnInHadoop(line []byte) bool {
	if lines.Indented(line) || entry.GoesOn(line) {
		return true
	}
	for _, head := range [...]string{"/****", "****", "STARTUP_MSG:", "SHUTDOWN_MSG:"} {
		if bytes.HasPrefix(line, []byte(head)) {
			return true
		}
	}
	return false
}

// isHadoop reports whether a line has a word that tells Hadoop, or EMR, from other programs in Java.
func isHadoop(line []byte) bool {
	for _, word := range [...]string{
		"org.apache.hadoop.", "com.amazon.", "amazonaws.elasticmapreduce", "aws157.", "Ensure step ", "StepRunner",
		"startExec '", "hadoop jar ",
	} {
		if bytes.Contains(line, []byte(word)) {
			return true
		}
	}
	return false
}
