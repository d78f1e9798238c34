#!/usr/bin/env bash
# The four steps with `slipway` alone: ./bootstrap.sh demo --no-pwsh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
slipway=../../out/bin/slipway
image=lammps.sqfs

$slipway build lammps.yaml -o $image -v
plan=$($slipway fabric $image)
$slipway publish $image
$slipway mpi -n 2 $image -- lmp -in in.melt -log none

# the first is the image's, others are of what it was made from
digest=$($slipway inspect $image --json | awk -F '"digest":"' '{ sub(/".*/, "", $2); print $2 }')
cat <<EOF

digest   $digest
fabric   $(head -n 1 <<<"$plan")

The same in PowerShell 7.6:
  Import-Module ./out/module/Slipway
  New-ContainerImage examples/lammps/lammps.yaml | Add-FabricDriver | Publish-ImageCache |
      Invoke-ContainerMpi -Ranks 2 -- lmp -in examples/lammps/in.melt
EOF
