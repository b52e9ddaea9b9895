#!/bin/sh
# Installs the connector into a virtual environment of its own: `docker/install.sh FOLDER`.
#
# The image is built with it and a test runs it, so what is shipped is what was tried. Every
# package is pinned by hash; the Go library is loaded once, so that a wheel without it fails
# here and nothing is ever fetched while numbers are being served.
set -eu

target=$1
python3 -m venv "$target"
pip="$target/bin/python -m pip --quiet --disable-pip-version-check"

$pip install --require-hashes -r requirements-build.lock
$pip install --require-hashes -r requirements.lock
$pip install --no-deps --no-build-isolation .
$pip uninstall --yes setuptools
"$target/bin/python" -m compileall -q -j 0 "$target/lib" || true # tests of some packages are not for us

"$target/bin/python" - <<'CHECK'
import neonize.client

print("neonize loads:", neonize.client.__name__)
CHECK
"$target/bin/zapbase" version
