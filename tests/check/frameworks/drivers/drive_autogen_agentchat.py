"""autogen-agentchat: an AssistantAgent with a tool, over several iterations and with reflection on the tool's result."""
import stock
from autogen_agentchat.agents import AssistantAgent
from autogen_ext.models.openai import OpenAIChatCompletionClient

FACTS = {"vision": False, "function_calling": True, "json_output": True, "family": "unknown", "structured_output": True}  # unknown model


async def run(base_url, model, question, **options):
    client = OpenAIChatCompletionClient(model=model, base_url=base_url, api_key=stock.KEY, model_info=FACTS)
    agent = AssistantAgent("assistant", model_client=client, system_message=stock.INSTRUCTIONS, tools=[stock.get_stock], **options)
    return (await agent.run(task=question)).messages[-1].content


if __name__ == "__main__":
    stock.main({"AssistantAgent, max_tool_iterations": lambda *about: run(*about, max_tool_iterations=6),
                "AssistantAgent, reflect_on_tool_use": lambda *about: run(*about, reflect_on_tool_use=True)})
