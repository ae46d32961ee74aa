module github.com/seed56735111/penstock/bench

go 1.26.0

require (
	github.com/aws/aws-sdk-go-v2 v1.48.0
	github.com/seed56735111/penstock v0.0.0-00010101000000-000000000000
	github.com/zeebo/xxh3 v1.1.0
)

require (
	github.com/aws/smithy-go v1.28.9 // indirect
	github.com/elastic/go-grok v0.3.1 // indirect
	github.com/go-json-experiment/json v1.27.2 // indirect
	github.com/klauspost/cpuid/v2 v2.2.10 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

replace github.com/seed56735111/penstock => ../
