package format

import "github.com/seed56735111/penstock/format/internal/delimited"

// csv is RFC 4180, also with the separators that spreadsheets write where a comma is a part of numbers.
func csv() schema {
	return schema{
		name: "csv",
		told: "rows of as many cells, below names or with values that are no text; " +
			"csv(fields=a,b,…) names the columns of a table without names",
		about:   "tables with commas, semicolons or bars between cells, also in quotes and over several lines",
		grammar: &delimited.Grammar{Record: "a row of CSV", Separators: ",;|", Suffix: ".csv"},
		generic: true,
	}
}

// tsv is csv with tabs.
func tsv() schema {
	return schema{
		name: "tsv", told: "the same with tabs", about: "tables with tabs between cells",
		grammar: &delimited.Grammar{Record: "a row of TSV", Separators: "\t", Suffix: ".tsv"},
		generic: true,
	}
}
