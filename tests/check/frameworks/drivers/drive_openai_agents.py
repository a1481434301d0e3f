"""openai-agents: an Agent with a function tool, over both protocols and streamed."""
import agents
import openai
import stock

agents.set_tracing_disabled(True)


def agent_of(kind, base_url, model):
    client = openai.AsyncOpenAI(base_url=base_url, api_key=stock.KEY)
    return agents.Agent(name="assistant", instructions=stock.INSTRUCTIONS, tools=[agents.function_tool(stock.get_stock)], model=kind(model=model, openai_client=client))


async def responses(base_url, model, question):
    return (await agents.Runner.run(agent_of(agents.OpenAIResponsesModel, base_url, model), question)).final_output


async def chat(base_url, model, question):
    return (await agents.Runner.run(agent_of(agents.OpenAIChatCompletionsModel, base_url, model), question)).final_output


async def streamed(base_url, model, question):
    result = agents.Runner.run_streamed(agent_of(agents.OpenAIResponsesModel, base_url, model), question)
    async for _ in result.stream_events():
        pass
    return result.final_output


if __name__ == "__main__":
    stock.main({"Runner.run, Responses": responses, "Runner.run, chat completions": chat, "Runner.run_streamed, Responses": streamed})
