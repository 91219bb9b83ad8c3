#!/usr/bin/env bash
# The notebooks in a real JupyterLab, looked at with Chromium (CHROMIUM_PATH, or one that is installed;
# else apt brings it). Exit 77: there is no Python, no Chromium or no package index here.
# With CLICKSTREAM_SCREENSHOTS=DIR it keeps pictures of the window there, light and dark.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

leave_out() {
  echo "$1" >&2
  exit 77
}
find_chromium() {
  local name
  [ -n "${CHROMIUM_PATH:-}" ] && [ -x "$CHROMIUM_PATH" ] && { echo "$CHROMIUM_PATH"; return; }
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    command -v "$name" && return
  done
  return 1
}

command -v python3 >/dev/null 2>&1 || leave_out "There is no python3 for JupyterLab."
if ! browser=$(find_chromium); then
  [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 ||
    leave_out "There is no Chromium: install it, or name it in CHROMIUM_PATH."
  echo "Installing Chromium by apt."
  export DEBIAN_FRONTEND=noninteractive
  { timeout 120 apt-get update -qq && timeout 300 apt-get install -y -qq chromium; } >/dev/null 2>&1
  browser=$(find_chromium) || leave_out "apt did not bring Chromium."
fi

deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)

# Inside the project, as the cells' imports are found by the deno.json above the notebook.
mkdir -p data/local
work=$(mktemp -d "$PWD/data/local/jupyter-test.XXXXXX")
finish() {
  local code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 77 ] || tail -n 40 "$work/lab.log" 2>/dev/null
  rm -rf "$work"
}
trap finish EXIT
if ! CLICKSTREAM_HOME="$work/home" timeout 300 "${deno[@]}" task lab --version; then
  leave_out "JupyterLab could not be installed: is the Python package index within reach?"
fi
"${deno[@]}" run -A test/interop/jupyter.ts "$browser" "$work" "${CLICKSTREAM_SCREENSHOTS:-}"
