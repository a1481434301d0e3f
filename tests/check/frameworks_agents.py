"""Packages that run the loop over calls: agents with one tool."""
import framework_clients

CLIENTS = ["openai-agents", "langchain-openai", "pydantic-ai", "smolagents", "llama-index", "agno", "strands-agents", "haystack-ai"]


def rows(baton, models_dir, quick):
    return framework_clients.rows(CLIENTS, baton, models_dir, quick)
