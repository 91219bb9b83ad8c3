#!/usr/bin/env bash
# Python's azure-cosmos against our local Cosmos DB. Exit 77: this machine has no Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v python3 >/dev/null 2>&1 || exit 77

work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-cosmos.XXXXXX")
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check azure-cosmos==4.17.1

deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)
"${deno[@]}" run -A test/interop/serve_cosmos.ts "$work/store" "$work/ready.json" &
server=$!
for _ in $(seq 300); do
  [ -f "$work/ready.json" ] && break
  kill -0 "$server" 2>/dev/null || { echo "The server did not start." >&2; exit 1; }
  sleep 0.1
done
"$work/venv/bin/python" test/interop/cosmos_interop.py "$work/ready.json"
