"""Packages that ask a model and leave the loop over calls to their user."""
from tests.check.frameworks import environments

CLIENTS = ["openai", "litellm", "instructor", "llm"]


def rows(baton, models_dir, quick):
    return environments.rows(CLIENTS, baton, models_dir, quick)
