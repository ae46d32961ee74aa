module github.com/seed56735111/penstock/test/clients

go 1.26.0

replace github.com/seed56735111/penstock => ../..

require (
	github.com/aws/aws-sdk-go-v2 v1.48.0
	github.com/aws/aws-sdk-go-v2/credentials v1.21.0
	github.com/elastic/go-elasticsearch/v7 v7.13.1
	github.com/opensearch-project/opensearch-go/v4 v4.8.1
	github.com/seed56735111/penstock v0.0.0-00010101000000-000000000000
)

require (
	github.com/aws/smithy-go v1.28.9 // indirect
	golang.org/x/sync v0.25.0 // indirect
)
