#!/usr/bin/env bash
# The five history tables and the five of current values, written by Spark and by DuckDB from one
# silver table and the same SQL texts, row by row. Makes a venv in a temporary folder, and installs
# Java from Debian where there is none.
# Exit code 77: no Python, no Java, or no package registry.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-spark.XXXXXX")
trap 'rm -rf "$work"' EXIT

command -v python3 >/dev/null || { echo "python3 is not here" >&2; exit 77; }
# Spark 3.5 runs on Java 17; a newer one may be the default beside it.
for home in /usr/lib/jvm/java-17-openjdk-*; do
  [ -x "$home/bin/java" ] && export JAVA_HOME=$home
done
if [ -z "${JAVA_HOME:-}" ] && ! command -v java >/dev/null; then
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || { echo "Java is not here" >&2; exit 77; }
  { apt-get -qq update && apt-get -qq install -y --no-install-recommends openjdk-17-jre-headless; } \
    >"$work/apt.log" 2>&1 || { tail -n 3 "$work/apt.log" >&2; exit 77; }
fi
python=${SPARK_PYTHON:-$work/venv/bin/python}
if [ ! -x "$python" ]; then
  python3 -m venv "$work/venv" || exit 77
  "$python" -m pip install -q --no-compile --disable-pip-version-check \
    -r lib/metrics/spark/requirements.txt || exit 77
fi

deno=(npx -y deno@2.8.0)
command -v deno >/dev/null 2>&1 && deno --version | grep -q '^deno 2\.8\.0 ' && deno=(deno)
code=0
"${deno[@]}" run -A test/interop/spark.ts "$python" "$work" "$work/ivy" >"$work/log" 2>&1 || code=$?
if [ "$code" -ne 0 ]; then
  tail -n 60 "$work/log" >&2
  # Delta's own part for Spark comes from Maven Central when Spark starts.
  grep -q 'UNRESOLVED DEPENDENCIES' "$work/log" && exit 77
  exit "$code"
fi
grep 'the same from' "$work/log"
