package guard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/seed56735111/penstock/guard"
	"github.com/seed56735111/penstock/guard/identity"
)

// A handler of your own behind the gate of a domain, for a test that wants to see its client refused.
func ExampleNew() {
	const alice = "arn:aws:iam::123456789012:user/alice"
	identities := identity.New()
	key, err := identities.CreateUser(identity.User{ARN: alice})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = key // what the client under test signs with

	document, _, err := guard.Access("iam="+alice, guard.DomainARN("eu-west-1", "123456789012", "logs"))
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := guard.ParseAccessPolicy(document)
	if err != nil {
		fmt.Println(err)
		return
	}
	g, err := guard.New(guard.Config{
		Backend: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{}") }),
		Account: "123456789012", Region: "eu-west-1", Name: "logs",
		Identities: identities, Policy: guard.FixedPolicy(policy),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	sentence, reason, _ := strings.Cut(w.Body.String(), " because ")
	fmt.Println(w.Code, sentence)
	fmt.Println("because", reason)
	// Output:
	// 403 {"Message":"User: anonymous is not authorized to perform: es:ESHttpGet
	// because no resource-based policy allows the es:ESHttpGet action"}
}

func ExampleParseTarget() {
	target, err := guard.ParseTarget("/logs-*/_doc/a%2Fb?routing=x")
	fmt.Printf("%q %v\n", target.Segments, err)
	_, err = guard.ParseTarget("/logs-*/%2e%2e/secret")
	fmt.Println(err)
	// Output:
	// ["logs-*" "_doc" "a/b"] <nil>
	// a dot segment at byte 8
}
