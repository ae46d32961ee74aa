package format

import (
	"github.com/seed56735111/penstock/format/internal/events"
)

// apigateway is "Variables for access logging for API Gateway" in the AWS documentation. Users choose the names; these
// are those of its examples. Numbers are text, requestTime is one of the common log format.
func apigateway() schema {
	return schema{
		name: "apigateway",
		told: "objects with requestId, requestTime or requestTimeEpoch, " +
			"httpMethod and resourcePath or routeKey",
		about: "JSON access logs of API Gateway",
		grammar: &events.Row{
			Names: []string{
				"requestId", "extendedRequestId", "requestTime", "requestTimeEpoch", "httpMethod", "resourcePath", "routeKey",
				"protocol", "responseLength", "apiId",
				"domainName", "integrationStatus", "integrationLatency", "eventType", "connectionId",
			}, Least: 5,
			Is:    map[string]string{"requestId": `"`},
			Times: []string{"requestTimeEpoch", "requestTime"}, ID: "requestId",
		},
	}
}
