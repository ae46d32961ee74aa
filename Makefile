# Each target is one command that a person could type; CI runs "make test". Needs Go, make and git; tools come as modules.
TOOL  = go tool -modfile=$(CURDIR)/tools/go.mod
RACE := $(if $(filter 1,$(shell go env CGO_ENABLED)),-race)
FUZZTIME ?= 30s
MODULES = . bench bench/peers test/clients tools/release tools/sha2x

# What a release is called: the tag of its commit, or VERSION.
RELEASE := $(or $(VERSION),$(shell git describe --tags --exact-match 2>/dev/null),v0.0.0-dev)

.PHONY: build lambda.zip wheel release site test-release demo test test-explain test-files test-redaction test-terraform python-fleet soak kill-checkpoint variants check lint fuzz bench bench-formats bench-ship bench-proxy bench-rules bench-guarded dead vuln live
build: ## a static binary in bin/
	CGO_ENABLED=0 go build -trimpath -tags lambda.norpc -ldflags "-s -w" -o bin/penstock ./cmd/penstock
lambda.zip: ## the function in bin/, byte for byte the same each time [ARCH=amd64] [VERSION=1.2.3]
	go run ./internal/lambdazip -arch $(or $(ARCH),arm64) -version "$(VERSION)"

wheel: build ## the Python package with the program of this machine, in dist/ [VERSION=1.2.3]
	PENSTOCK_WHEEL_BINARY=$(CURDIR)/bin/penstock PENSTOCK_WHEEL_PLATFORM=$$(go env GOOS)/$$(go env GOARCH) \
	PENSTOCK_WHEEL_VERSION="$(VERSION)" python3 -m pip wheel --quiet --no-deps -w dist ./python

release: ## all artifacts of a release in dist/, the same bytes each time; publishes nothing [VERSION=v1.2.3]
	go run -C tools/release . before -root $(CURDIR) -version $(RELEASE)
	PENSTOCK_VERSION=$(RELEASE:v%=%) go tool -modfile=tools/goreleaser/go.mod goreleaser release --snapshot --clean
	go run -C tools/release . after -root $(CURDIR) -version $(RELEASE)
site: ## the documentation as a site in bin/site/html, loading nothing from elsewhere; needs Python 3
	go run -C tools/release . site -root $(CURDIR)
	python3 -m venv bin/site/venv && bin/site/venv/bin/pip install --quiet mkdocs-material==9.8.2
	NO_MKDOCS_2_WARNING=1 bin/site/venv/bin/mkdocs build --strict --quiet -f bin/site/mkdocs.yml
test-release: ## two releases from two directories are the same; their packages install and work
	go test -C tools/release -count=1 -timeout=60m -v -run TestRelease . -release

demo: build ## the whole story on this machine
	bin/penstock demo $(ARGS)

test: check build ## everything that is claimed: the short tests with the race detector, then all; skips are listed with their reasons
	$(if $(RACE),go test -race -short -shuffle=on -timeout=10m $$(go list ./... | grep -v '/test$$'),@echo "race detector left out: no C compiler")
	$(TOOL) gotestsum --format pkgname-and-test-fails --format-hide-empty-pkg -- -shuffle=on -timeout=20m ./...
	cd bench && go test ./...
	cd tools/release && go test ./...
	cd tools/sha2x && go test ./...

test-explain: ## the signing mistakes of real clients are named, all of them; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -v -run TestTheExplainerNames ./test
test-files: ## files through rotation, compression and links under 300 seeds; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -run TestFilesLaw ./internal/lawtest
test-redaction: ## 10,000 planted secrets are in nothing that leaves; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -v -run TestNoPlantedSecretLeaves ./test
test-terraform: ## the Terraform module is planned with every variable; needs terraform 1.7 and its AWS provider, and no account
	PENSTOCK_TEST_FULL=1 go test -count=1 -v -run TestTheTerraformModule ./deploy
python-fleet: ## 200 tests with a domain each, 8 at a time, and how fast and small a domain is; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -v -run TestAFleetOfDomains ./test
soak: ## 1,000 clients of the proxy for a minute, with resets, stalls and changing keys; "make test" takes a sample
	go test -count=1 -v -run TestSoak ./proxy -soak-clients 1000 -soak 1m
kill-checkpoint: ## a run with a checkpoint is killed at 100 random moments of 10,000 objects; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -v -run TestARunThatIsKilled ./test
variants: ## every broken variant of the program is caught; "make test" takes a sample
	PENSTOCK_TEST_FULL=1 go test -count=1 -timeout=90m -run TestBrokenVariants ./internal/lawtest

check: lint ## formatting, vet, lint, tidy modules
	@for m in $(MODULES); do (cd $$m && go vet -tags=live ./... && go mod tidy -diff) || exit 1; done

lint:
	@if $(TOOL) -n golangci-lint >/dev/null 2>&1 || [ -n "$$CI" ]; then for m in $(MODULES); do (cd $$m && $(TOOL) golangci-lint run) || exit 1; done; \
	else echo "lint left out: golangci-lint cannot be built here"; fi

fuzz: ## every fuzz target for FUZZTIME
	@go list ./... | while read p; do for f in $$(go test -list '^Fuzz' $$p | grep ^Fuzz); do \
	go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$p || exit 1; done || exit 1; done

bench: ## benchmarks of the packages; compare two runs with benchstat
	go test -run '^$$' -bench . -benchmem $(ARGS) ./...
bench-formats: ## each format beside Go's regexp that takes the same records apart, beside decompression alone; recognition
	go test -run '^$$' -bench 'BesideRegexp|UnknownEntry' -benchtime 200ms $(ARGS) ./format
bench-ship: build ## CPU per GB, peak memory, throughput and requests of the shipping process, beside a prototype of the same work [PEERS=1]
	go run -C bench . $(ARGS)
bench-guarded: ## 10 million documents through a gate that verifies each request; "make test" takes a sample
	cd bench && PENSTOCK_TEST_FULL=1 go test -count=1 -v -timeout 30m -run TestTheGuard .
bench-proxy: build ## the signing proxy beside the usual design of its kind: rates, latency, CPU and peak memory, against the targets
	go run -C bench ./proxy $(ARGS)
bench-rules: ## five rules beside Bloblang, bytes in to bytes out; a module of its own, for what Bloblang takes with it
	cd bench/rules && go test -bench . $(ARGS) .
dead vuln: ## dead: code that nothing reaches; vuln: known vulnerabilities, asks a database over the network
	$(TOOL) $(if $(filter dead,$@),deadcode -test,govulncheck) ./...
live: ## the same against your own domain: make live PENSTOCK_LIVE_DOMAIN=https://… [PENSTOCK_LIVE_FLAGS="--region …"]
	go test -tags=live -count=1 -v -run Live ./test
