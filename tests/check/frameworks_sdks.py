"""Packages that ask a model and leave the loop over calls to their user."""
import framework_clients

CLIENTS = ["openai", "litellm", "instructor", "llm"]


def rows(baton, models_dir, quick):
    return framework_clients.rows(CLIENTS, baton, models_dir, quick)
