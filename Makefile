# Every target is one task of `cargo xtask`; see `cargo xtask help`.
# Build results stay out of the clone: CARGO_TARGET_DIR says where.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/procyon/target

TASKS := build run test soak bench lint bless

.PHONY: help $(TASKS)
.NOTPARALLEL:

help:
	@sed -n 's/^## //p' Makefile

## make build   web page and release binary, into $CARGO_TARGET_DIR/release/procyon
## make run     build, then watch this machine: prints a sign-in link (ARGS="--listen 127.0.0.1:9400" adds options)
## make test    install what the tests need and run all of them
## make soak    long rounds: storms, ten minutes of watching
## make bench   measure the budgets that docs/benchmarks.md lists
## make lint    formatting, lints, licences of dependencies
## make bless   rewrite generated documents and goldens

$(TASKS):
	@scripts/setup build
	@cargo xtask $@ $(ARGS)
