#!/usr/bin/env bash
# The commands of README, CONTRIBUTING and docs, as they are written there, on a small shop.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)
"${deno[@]}" run -A test/interop/docs.ts "$work"
