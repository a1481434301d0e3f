#!/usr/bin/env bash
# From a fresh clone to an agent that calls tools: installs what is missing, builds, fetches the default model, asks it questions.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install_dependencies.sh

model=qwen2.5-coder-0.5b-instruct
questions=("What is 17.5% of 2340?" "What time is it in Tokyo right now?")
[ $# = 0 ] || questions=("$@")

install_dependencies
say "Building build/release/baton"
build_preset release --target baton
say "The model $model (491 MB, once)"
build/release/baton pull "$model"
say "An agent session: baton chat"
printf "> %s\n" "${questions[@]}"
printf "%s\n" "${questions[@]}" | build/release/baton chat --model "$model"
say "The journal has it: baton history list"
build/release/baton history list
