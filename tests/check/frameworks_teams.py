"""Packages of several agents, and those that write their prompts themselves."""
import framework_clients

CLIENTS = ["autogen-agentchat", "semantic-kernel", "google-adk", "crewai", "dspy"]


def rows(baton, models_dir, quick):
    return framework_clients.rows(CLIENTS, baton, models_dir, quick)
