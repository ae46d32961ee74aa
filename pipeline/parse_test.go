package pipeline

import "testing"

func TestATextIsReadAsARecordOfAFormat(t *testing.T) {
	t.Parallel()
	read := Read{Definitions: []Definition{{Name: "shop", Dissect: "%{level}: %{text}"}}}
	for _, c := range [][3]string{
		{"shop", "warn: disk full", `{"level":"warn","text":"disk full"}`},
		{"json", `{"a":1,"b":{"c":"x"}}`, `{"a":1,"b":{"c":"x"}}`},
		{"json", `{"a":`, ""},
		{"json", "plain", ""},
		{"json", `[{"a":1},{"a":2}]`, ""}, // two records
		{"kv", `user=ada took=17 msg="two words"`, `{"user":"ada","took":"17","msg":"two words"}`},
		{"kv", "", ""},
		{"alb", "no line of a load balancer", ""},
	} {
		read, err := read.textOf(c[0])
		if err != nil {
			t.Fatal(err)
		}
		got, ok := read([]byte("="), []byte(c[1]))
		if string(got) != "="+c[2] || ok != (c[2] != "") {
			t.Errorf("%s as %s is %s, %t; want %s", c[1], c[0], got, ok, c[2])
		}
	}
	if _, err := read.textOf("yaml"); err == nil {
		t.Error("there is no format yaml")
	}
}
