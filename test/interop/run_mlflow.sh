#!/usr/bin/env bash
# Runs, registers and reads back through a real MLflow server (PyPI), which nobody here wrote.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v python3 >/dev/null 2>&1 || exit 77

work=$(mktemp -d "${TMPDIR:-/tmp}/clickstream-mlflow.XXXXXX")
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.4.0 sqlalchemy==2.0.44
CLICKSTREAM_TEST_MLFLOW="$work/venv/bin/mlflow" npx -y deno@2.8.0 test -A test/model/tracking.test.ts
