package explain_test

import (
	"fmt"

	"github.com/seed56735111/penstock/sigv4/explain"
)

func ExampleExplain() {
	x, err := explain.Parse([]byte(`GET /_cat/indices?v HTTP/1.1
Host: search-logs-abc.eu-west-1.es.amazonaws.com
X-Amz-Date: 20151119T080000Z
Authorization: AWS4-HMAC-SHA256 Credential=AKID/20151119/us-east-1/es/aws4_request, SignedHeaders=host, Signature=0

HTTP/1.1 403 Forbidden

{"message":"Credential should be scoped to a valid region, not 'us-east-1'. "}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	finding := explain.Explain(x, explain.Options{})
	fmt.Println(finding.Cause)
	fmt.Println(finding.Fix)
	// Output:
	// region-wrong
	// sign for "eu-west-1", the region in the domain's name
}
