#!/usr/bin/env bash
# Python's azure-eventhub against our local Event Hubs. Exit 77: this machine has no Python 3.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v python3 >/dev/null 2>&1 || exit 77

work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-hubs.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check azure-eventhub==5.15.1

deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)
export CLICKSTREAM_PYTHON="$work/venv/bin/python" NO_COLOR=1
# The test leaves itself out where the client is missing: here that would be a failure.
"${deno[@]}" test -A test/emulators/event_hubs/python.test.ts 2>&1 | tee "$work/log"
grep -qE '^ok \| 1 passed' "$work/log"
