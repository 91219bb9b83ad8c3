#!/usr/bin/env bash
# Python's azure-cosmos against what `deno task services` prints. Exit 77: this machine has no Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v python3 >/dev/null 2>&1 || exit 77

deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)
work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-cosmos.XXXXXX")
export CLICKSTREAM_HOME="$work/home"
finish() {
  "${deno[@]}" task services -- stop >/dev/null 2>&1 </dev/null || true
  rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check azure-cosmos==4.17.1

"${deno[@]}" task services >"$work/printed" </dev/null
"$work/venv/bin/python" test/interop/cosmos_interop.py "$work/printed"
