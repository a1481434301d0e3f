"""Packages that run the loop over calls: agents with one tool."""
from tests.check.frameworks import environments

CLIENTS = ["openai-agents", "langchain-openai", "pydantic-ai", "smolagents", "llama-index", "agno", "strands-agents", "haystack-ai"]


def rows(baton, models_dir, quick):
    return environments.rows(CLIENTS, baton, models_dir, quick)
