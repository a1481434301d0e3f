#!/usr/bin/env bash
# From a fresh clone to an agent that calls tools: installs what is missing, builds, fetches the default model, asks it a question.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/install_dependencies.sh

model=qwen2.5-coder-0.5b-instruct
question=${*:-What is 17.5% of 2340, and what time is it in Tokyo?}

install_dependencies
say "Building build/release/baton"
build_preset release --target baton
say "The model $model (491 MB, once)"
build/release/baton pull "$model"
say "baton run \"$question\""
build/release/baton run --model "$model" "$question"
say "The journal has it: baton history list"
build/release/baton history list
