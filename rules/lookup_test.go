package rules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/seed56735111/penstock"
	"github.com/seed56735111/penstock/rules"
	"github.com/seed56735111/penstock/rules/expr"
)

// database is a MaxMind database of two networks.
func database(t testing.TB) *rules.Table {
	t.Helper()
	table, err := rules.ReadTable(&rules.TableSource{Name: "geo", MMDB: "geo.mmdb"}, bytes.NewReader(databaseBytes(t)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func databaseBytes(t testing.TB) []byte {
	t.Helper()
	w, err := mmdbwriter.New(mmdbwriter.Options{
		DatabaseType: "Test-City", RecordSize: 24, IncludeReservedNetworks: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for cidr, city := range map[string]string{"203.0.113.0/24": "Köln \"am Rhein\"", "2001:db8::/32": "Oslo"} {
		_, network, err := net.ParseCIDR(cidr)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Insert(network, mmdbtype.Map{
			"city":     mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(city)}},
			"location": mmdbtype.Map{"latitude": mmdbtype.Float64(50.9), "radius": mmdbtype.Uint16(5)},
			"tags":     mmdbtype.Slice{mmdbtype.String("a"), mmdbtype.Bool(true)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const hosts = "\ufeffip,name,rack,note\r\n10.0.0.1,web-1,7,\"says \"\"hi\"\"\"\r\n10.0.0.2,web-2,,\r\n" +
	"17,seventeen,,\r\n"

func csvTable(t testing.TB, text string) (*rules.Table, error) {
	t.Helper()
	return rules.ReadTable(&rules.TableSource{Name: "hosts", CSV: "hosts.csv", Key: "ip"}, strings.NewReader(text))
}

// withTables are stages that know two tables.
func withTables(t testing.TB) rules.Stages {
	t.Helper()
	list, err := csvTable(t, hosts)
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]*rules.Table{"hosts": list, "geo": database(t)}
	return rules.Stages{Table: func(name string) (*rules.Table, error) {
		if tables[name] == nil {
			return nil, errors.New("no such table")
		}
		return tables[name], nil
	}}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	const cologne = `{"city":{"names":{"en":"Köln \"am Rhein\""}},` +
		`"location":{"latitude":50.9,"radius":5},"tags":["a",true]}`
	stages := withTables(t)
	for _, c := range []struct {
		verb       rules.Lookup
		value, out string
	}{
		{rules.Lookup{Table: "hosts"}, `"10.0.0.1"`, `,"o":{"name":"web-1","rack":"7","note":"says \"hi\""}`},
		{rules.Lookup{Table: "hosts"}, `"10.0.0.2"`, `,"o":{"name":"web-2"}`},
		{rules.Lookup{Table: "hosts"}, `"10.0.\u0030.2"`, `,"o":{"name":"web-2"}`},
		{rules.Lookup{Table: "hosts"}, `17`, `,"o":{"name":"seventeen"}`},
		{rules.Lookup{Table: "hosts", Fields: []string{"rack", "name"}}, `"10.0.0.1"`, `,"o":{"rack":"7","name":"web-1"}`},
		{rules.Lookup{Table: "hosts"}, `"10.0.0.3"`, ""},
		{rules.Lookup{Table: "hosts"}, `null`, ""},
		{rules.Lookup{Table: "hosts"}, `""`, ""},
		{rules.Lookup{Table: "hosts"}, `{"a":1}`, ""},
		{rules.Lookup{Table: "geo"}, `"203.0.113.77"`, `,"o":` + cologne},
		{rules.Lookup{Table: "geo"}, `"::ffff:203.0.113.77"`, `,"o":` + cologne},
		{
			rules.Lookup{Table: "geo", Fields: []string{"city.names.en", "location", "absent"}},
			`"2001:db8::17"`,
			`,"o":{"city":{"names":{"en":"Oslo"}},"location":{"latitude":50.9,"radius":5}}`,
		},
		{rules.Lookup{Table: "geo"}, `"198.51.100.1"`, ""},
		{rules.Lookup{Table: "geo"}, `"no address"`, ""},
		{rules.Lookup{Table: "geo"}, `5`, ""},
	} {
		c.verb.Field, c.verb.Into = "f", "o"
		chain, err := rules.Compile(nil, []rules.Rule{{Verb: c.verb}}, expr.Schema{"f": expr.Text}, stages)
		if err != nil {
			t.Fatal(err)
		}
		e, err := chain.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from memory
			doc, err := e.Shape(&penstock.Record{JSON: []byte(`{"f":` + c.value + `}`)})
			if got, want := string(doc.Body()), `{"f":`+c.value+c.out+`}`; err != nil || got != want {
				t.Errorf("%s of %s: %s, %v; want %s", c.verb.Table, c.value, got, err, want)
			}
		}
	}
}

func TestTablesThatAreNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                 "the file is empty",
		"a,b\n1,2\n":       `no column is called "ip"; there are a, b`,
		"ip,a\n1,2\n1,3\n": `line 3: the key "1" is there twice`,
		"ip,a\n1,2,3\n":    "record on line 2: wrong number of fields",
		"ip,ip\n1,2\n":     `two columns are called "ip"`,
		"ip,\n1,2\n":       `column "": "table." is no name of a field: a part between its dots is empty`,
		"ip,a..b\n1,2\n":   `column "a..b": "table.a..b" is no name of a field: a part between its dots is empty`,
		"ip,\"a\n1,2\n":    `record on line 1; parse error on line 2, column 5: extraneous or missing " in quoted-field`,
	} {
		if _, err := csvTable(t, text); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
	for _, data := range []string{"", "no database", "\xab\xcd\xefMaxMind.com\xe0"} {
		_, err := rules.ReadTable(&rules.TableSource{Name: "geo", MMDB: "x"}, strings.NewReader(data))
		if err == nil {
			t.Errorf("%q is a database", data)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	stages := withTables(b)
	for name, verb := range map[string]rules.Lookup{
		"none": {}, "csv": {Table: "hosts", Field: "ip"}, "mmdb": {Table: "geo", Field: "client"},
		"fields": {Table: "geo", Field: "client", Fields: []string{"city.names.en"}},
	} {
		b.Run(name, func(b *testing.B) {
			list := []rules.Rule{{Verb: rules.Set{Fields: []rules.Assignment{{Field: "a", Value: "b"}}}}}
			if verb.Into = "o"; verb.Table != "" {
				list = append(list, rules.Rule{Verb: verb})
			}
			c, err := rules.Compile(nil, list, nil, stages)
			if err != nil {
				b.Fatal(err)
			}
			e, err := c.Shaper(&plain{}).Entry(nil, penstock.Identity{}, "", "json")
			if err != nil {
				b.Fatal(err)
			}
			record := []byte(`{"ip":"10.0.0.1","client":"203.0.113.77","path":"/a/b/c"}`)
			r := penstock.Record{}
			b.ReportAllocs()
			for b.Loop() {
				r.JSON = record
				if _, err := e.Shape(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A database that is damaged has other values, or none, and does no harm.
func TestDamagedDatabasesDoNoHarm(t *testing.T) {
	t.Parallel()
	whole := databaseBytes(t)
	random := rand.New(rand.NewPCG(1, 2))
	read := 0
	for range 3000 {
		data := bytes.Clone(whole)
		for range 1 + random.IntN(4) {
			data[random.IntN(len(data))] = byte(random.Uint32())
		}
		table, err := rules.ReadTable(&rules.TableSource{Name: "geo", MMDB: "x"}, bytes.NewReader(data))
		if err != nil {
			continue
		}
		read++
		for _, key := range []string{"203.0.113.77", "2001:db8::17", "198.51.100.1", "::"} {
			if object, ok := table.Find([]byte(key)); ok && !json.Valid(object) {
				t.Errorf("%s is %s", key, object)
			}
		}
	}
	if read < 1000 {
		t.Errorf("%d of 3000 were read", read)
	}
}
