module github.com/seed56735111/penstock/bench/peers

go 1.26.0

require (
	github.com/elastic/go-elasticsearch/v7 v7.13.1
	github.com/opensearch-project/opensearch-go/v4 v4.8.1
	github.com/seed56735111/penstock v0.0.0-00010101000000-000000000000
)

require golang.org/x/sync v0.25.0 // indirect

replace github.com/seed56735111/penstock => ../../
