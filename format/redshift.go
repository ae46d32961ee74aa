package format

import (
	"bytes"
	"slices"

	"github.com/seed56735111/penstock/format/internal/lines"
)

// redshift is "Database audit logging" in the AWS documentation: the connection log, the user log and the user activity
// log. Columns were added at the end over the years.
func redshift() schema {
	at := lines.Field{Name: "recordtime", Kind: lines.AnyTime}
	connection := []lines.Field{
		{Name: "event", Is: lines.Word("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_ ")},
		at,
		{Name: "remotehost"},
		{Name: "remoteport", Is: lines.Either(lines.Digits(0, 5), lines.OneOf("-"))},
		{Name: "pid", Kind: lines.Integer, Is: lines.Digits(1, 18)},
		{Name: "dbname"},
		{Name: "username"},
		{Name: "authmethod"},
		{Name: "duration", Kind: lines.Integer, Is: lines.Digits(1, 18)},
		{Name: "sslversion"},
		{Name: "sslcipher"},
		{Name: "mtu", Kind: lines.Integer},
		{Name: "sslcompression"},
		{Name: "sslexpansion"},
		{Name: "iamauthguid"},
		{Name: "application_name"},
		{Name: "os_version"},
		{Name: "driver_version"},
		{Name: "plugin_name"},
		{Name: "protocol_version"},
		{Name: "sessionid"},
		{Name: "compression"},
	}
	fewer := slices.Clone(connection) // told by the time alone, which no other program writes so
	fewer[1].Is = lines.Check{First: lines.Of("MTWFS"), Is: isRedshiftTime}
	return schema{
		name: "redshift",
		told: "lines with bars between an event, a time, a host and its port, or between a user and what became of it; " +
			"lines with a time in " +
			"quotes and [ db=",
		about: "audit logs of Redshift: connections, users and their activity",
		grammar: forms{
			&lines.Schema{
				Record: "a Redshift record", Layout: lines.Layout{Separator: '|', Bare: true, Padded: true},
				Forms: []lines.Form{
					{Least: 9, Fields: connection},
					{Least: 3, Fields: fewer},
					{Least: 11, Fields: []lines.Field{
						{Name: "userid", Kind: lines.Integer, Is: lines.Digits(1, 18)},
						{Name: "username"},
						{Name: "oldusername"},
						{Name: "action", Is: lines.Word("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")},
						{Name: "usecreatedb", Is: lines.Word("01tf")},
						{Name: "usesuper", Is: lines.Word("01tf")},
						{Name: "usecatupd", Is: lines.Word("01tf")},
						{Name: "valuntil"},
						{Name: "pid", Kind: lines.Integer, Is: lines.Digits(1, 18)},
						{Name: "xid", Kind: lines.Integer, Is: lines.Digits(1, 18)},
						at,
					}},
				},
			},
			&lines.Schema{
				Record: "a Redshift activity record", Least: 7, Several: true, GoesOn: goesOnInRedshift,
				Layout: lines.Layout{Bare: true},
				Fields: []lines.Field{
					{Name: "recordtime", Kind: lines.ISO, Lead: "'", End: " UTC [ "},
					{Name: "db", Lead: "db=", End: " user="},
					{Name: "user", End: " pid="},
					{Name: "pid", Kind: lines.Integer, End: " userid=", Is: lines.Digits(1, 18)},
					{Name: "userid", Kind: lines.Integer, End: " xid=", Is: lines.Digits(1, 18)},
					{Name: "xid", Kind: lines.Integer, End: " ]' ", Is: lines.Digits(1, 18)},
					{Name: "query", Kind: lines.Message, Lead: "LOG: ", Rest: true},
				},
			},
		},
	}
}

// isRedshiftTime reports whether a value is written as Tue, 24 Nov 2026 10:12:02:131.
func isRedshiftTime(value []byte) bool {
	value = bytes.TrimRight(value, " ")
	return len(value) == len("Tue, 24 Nov 2026 10:12:02:131") && value[3] == ',' && value[len(value)-4] == ':' &&
		bytes.Count(value, []byte{':'}) == 3
}

// goesOnInRedshift reports whether a line goes on with the query before it. One with a time and a database does not,
// whatever follows.
func goesOnInRedshift(line []byte) bool {
	const head = "'2006-01-02T15:04:05Z UTC [ db="
	return len(line) < len(head) || string(line[len(head)-len("Z UTC [ db="):len(head)]) != "Z UTC [ db="
}
