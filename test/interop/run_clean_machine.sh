#!/usr/bin/env bash
# A machine that has only Node: a fresh clone, an empty home, empty caches. README's first command must
# work there, and, once the packages have come, again without any network. The second command,
# `deno task test`, is what .ci/run itself runs. Exit 77: there is no git history to clone.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
command -v git >/dev/null 2>&1 && git rev-parse --verify -q HEAD >/dev/null || {
  echo "There is no git history to clone." >&2
  exit 77
}

work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-clean.XXXXXX")
home=$work/home
mkdir "$home"
# Where packages come from is this machine's own matter.
[ -f ~/.npmrc ] && cp ~/.npmrc "$home/.npmrc"
node=$(dirname "$(command -v node)")

# clean COMMAND...: runs it with an empty home and caches, and no other Deno on the path.
clean() {
  env -u DENO_DIR -u CLICKSTREAM_HOME HOME="$home" XDG_CACHE_HOME="$home/.cache" \
    npm_config_cache="$home/.npm" PATH="$node:/usr/bin:/bin" NO_COLOR=1 DENO_NO_UPDATE_CHECK=1 "$@"
}
finish() {
  if [ -d "$work/clone/node_modules" ]; then
    (cd "$work/clone" && for task in serve services; do
      clean timeout 60 npx -y deno@2.8.0 task "$task" -- stop >/dev/null 2>&1 </dev/null
    done)
  fi
  rm -rf "$work"
}
trap finish EXIT

git clone -q --no-hardlinks . "$work/clone" || exit 1
cd "$work/clone" || exit 1
started=$SECONDS
clean npx -y deno@2.8.0 task runme </dev/null || {
  echo "README's first command failed on a clean machine." >&2
  exit 1
}
echo "Clean machine: $((SECONDS - started)) s from nothing to the report."

# A network namespace without any way out, where that is permitted; else every way out is a closed door.
if unshare -rn bash -c 'ip link set lo up' 2>/dev/null; then
  offline=(unshare -rn bash -c 'ip link set lo up; exec "$@"' bash)
else
  door=http://127.0.0.1:9
  offline=(env "HTTP_PROXY=$door" "HTTPS_PROXY=$door" "http_proxy=$door" "https_proxy=$door"
    "NO_PROXY=127.0.0.1,localhost")
fi
for task in serve services; do
  clean timeout 60 npx -y deno@2.8.0 task "$task" -- stop </dev/null
done
started=$SECONDS
clean "${offline[@]}" npx -y --offline deno@2.8.0 task runme -- --size 6000 </dev/null || {
  echo "The job failed without a network." >&2
  exit 1
}
echo "Offline: $((SECONDS - started)) s."
[ -n "$(ls data/local/runs/*/report.html 2>/dev/null)" ]
