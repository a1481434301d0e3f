"""The unmodified openai-agents package with a daemon as its server, with its own tools and with the daemon's."""
import asyncio
import importlib.metadata

from tests.support import suite
from tests.support.daemon import Daemon


async def run_both(url):
    import agents
    import openai
    agents.set_tracing_disabled(True)
    client = openai.AsyncOpenAI(base_url=url + "/v1", api_key="unused")
    called = []

    @agents.function_tool
    def shop(what: str) -> str:
        """Buys something."""
        called.append(what)
        return f"bought {what}"

    own = agents.Agent(name="own", instructions="Help.", tools=[shop], model=agents.OpenAIResponsesModel(model="baton", openai_client=client))
    result = await agents.Runner.run(own, 'call shop {"what": "milk"} ; shop {"what": "bread"}')
    chat = agents.Agent(name="chat", instructions="Help.", tools=[shop], model=agents.OpenAIChatCompletionsModel(model="baton", openai_client=client))
    by_chat = await agents.Runner.run(chat, 'call shop {"what": "tea"} ; shop {"what": "jam"}')
    hosted = agents.HostedMCPTool(tool_config={"type": "mcp", "server_label": "baton", "require_approval": "never"})
    theirs = agents.Agent(name="daemon's", instructions="Help.", tools=[hosted], model=agents.OpenAIResponsesModel(model="baton", openai_client=client))
    by_daemon = await agents.Runner.run(theirs, 'call add {"a": 2, "b": 3} ; send {"n": 1}')
    return result.final_output, by_chat.final_output, by_daemon.final_output, called


def rows(_baton, _models_dir, _quick):
    try:
        import agents  # noqa: F401
    except ImportError:
        raise suite.Unavailable("openai-agents is not installed: a run without --quick installs it")
    with Daemon() as daemon:
        own, chat, theirs, called = asyncio.run(run_both(daemon.url))
    name = f"openai-agents {importlib.metadata.version('openai-agents')}"
    yield suite.row(f"{name}: two tools of its own, Responses", own, target="got: both", ok=own == "got: bought milk bought bread")
    yield suite.row(f"{name}: two tools of its own, chat completions", chat, target="got: both", ok=chat == "got: bought tea bought jam")
    yield suite.row(f"{name}: two tools of the daemon's", theirs, target="got: 5 sent", ok=theirs == "got: 5 sent")
    yield suite.row(f"{name}: its tools were called", len(called), target="4", ok=called == ["milk", "bread", "tea", "jam"])
