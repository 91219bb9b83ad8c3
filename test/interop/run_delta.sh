#!/usr/bin/env bash
# Delta tables against Python's deltalake (delta-rs): each side writes, the other reads, after every
# operation. Makes a venv in a temporary folder. Exit code 77: no Python, or no package index.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-delta.XXXXXX")
trap 'rm -rf "$work"' EXIT

command -v python3 >/dev/null || { echo "python3 is not here" >&2; exit 77; }
packages=(deltalake==1.6.6 pyarrow==26.0.1)
python=${DELTA_PYTHON:-$work/venv/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$work/venv" || exit 77
  "$python" -m pip install -q --disable-pip-version-check "${packages[@]}" || exit 77
fi

cd "$here/../.."
if command -v deno >/dev/null && [ "$(deno eval 'console.log(Deno.version.deno)')" = 2.8.0 ]; then
  deno=(deno)
else
  deno=(npx -y deno@2.8.0)
fi
"${deno[@]}" run -A test/interop/delta.ts "$python" "$work"
