"""Packages of several agents, and those that write their prompts themselves."""
from tests.check.frameworks import environments

CLIENTS = ["autogen-agentchat", "semantic-kernel", "google-adk", "crewai", "dspy"]


def rows(baton, models_dir, quick):
    return environments.rows(CLIENTS, baton, models_dir, quick)
