# make dev   builds hfhook and starts hfhook dev; ARGS="..." are its flags
# make test  installs what the tests need and runs them all
# make help  lists the rest

GO      ?= go
VERSION ?= $(shell git describe --tags --always 2>/dev/null | sed -n 's/^v\([0-9].*\)/\1/p')
LDFLAGS  = -s -w $(if $(VERSION),-X main.version=$(VERSION))
TOOL     = $(GO) tool -modfile=.ci/tools.mod

.PHONY: help build man dev test lint vuln licences cross bench fuzz torture picture clean

help: ## list what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | sort

build: ## build bin/hfhook
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/hfhook ./cmd/hfhook

man: build ## write the man page, bin/hfhook.1
	@bin/hfhook man > bin/hfhook.1

dev: build ## build and start hfhook dev
	@bin/hfhook dev $(ARGS)

# The race detector needs a C compiler, the SSH tunnels a real sshd to test
# against, completion real shells. Root gets them by itself; others are told
# how, and test without the race detector unless CI is set. Most tests wait for
# programs more than they reckon, so more of them run than there are processors.
test: ## run all tests
	@missing=; \
	command -v $$($(GO) env CC) >/dev/null || missing="gcc libc6-dev"; \
	PATH="$$PATH:/usr/sbin:/usr/local/sbin" command -v sshd >/dev/null || missing="$$missing openssh-server"; \
	command -v ssh >/dev/null || missing="$$missing openssh-client"; \
	for shell in bash zsh fish; do command -v $$shell >/dev/null || missing="$$missing $$shell"; done; \
	command -v python3 >/dev/null || missing="$$missing python3"; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; \
	  elif [ -n "$$CI" ]; then echo "the tests need: $$missing"; exit 1; \
	  else echo "the tests need: $$missing (apt-get install $$missing)"; fi; \
	fi
	@if command -v $$($(GO) env CC) >/dev/null; then \
	  CGO_ENABLED=1 $(GO) test -race -parallel 4 -timeout 18m ./...; \
	else \
	  echo "skipped: the race detector, because there is no C compiler (apt-get install gcc)"; \
	  $(GO) test -timeout 18m ./...; \
	fi

lint: ## run staticcheck
	$(TOOL) staticcheck ./...

vuln: ## look for known vulnerabilities, where their database can be reached
	@$(TOOL) govulncheck ./... > .vuln.log 2>&1 && code=0 || code=$$?; \
	if grep -q 'fetching vulnerabilities' .vuln.log; then echo "the vulnerability database cannot be reached from here"; code=0; \
	else cat .vuln.log; fi; rm -f .vuln.log; exit $$code

licences: ## write anew what hfhook help licences prints
	$(GO) test ./cmd/hfhook/internal/licences -run 'TestLicences$$' -args -update

cross: ## build for linux, macOS and Windows without cgo, and vet what is not linux
	@set -e; for target in linux/amd64 linux/arm64 darwin/arm64 windows/amd64; do \
	  echo $$target; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o /dev/null ./cmd/hfhook; \
	  case $$target in linux/*) continue;; esac; \
	  CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} $(GO) vet -trimpath ./...; \
	done

bench: ## measure, each figure beside its floor
	$(GO) test -run '^$$' -bench . -benchmem ./...

FUZZTIME ?= 30s
TARGETS  ?= .*

fuzz: ## fuzz the targets whose names match TARGETS (default all), for FUZZTIME (default 30s) each
	@set -e; none=1; for file in $$(grep -rl --include='*_test.go' '^func Fuzz' . | sort); do \
	  for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file | grep -Ex '$(TARGETS)'); do \
	    none=; printf '\n%s in %s\n' "$$target" "$${file%/*}"; \
	    $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzzminimizetime 2s -fuzztime $(FUZZTIME) "$${file%/*}"; \
	  done; \
	done; \
	if [ -n "$$none" ]; then echo "no fuzz target matches $(TARGETS)"; exit 1; fi

torture: ## kill, cut, fill and flood for some minutes; SEED=... does it again
	@GO="$(GO)" .ci/torture $(SEED)

picture: ## draw docs/dev.svg anew, from a real session
	.ci/picture/session

clean: ## remove what was built
	rm -rf bin torture.log
