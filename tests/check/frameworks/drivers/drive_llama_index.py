"""llama-index: a FunctionAgent with OpenAILike, which streams."""
import stock
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike


async def function_agent(base_url, model, question):
    llm = OpenAILike(model=model, api_base=base_url, api_key=stock.KEY, is_chat_model=True, is_function_calling_model=True)
    return str(await FunctionAgent(tools=[stock.get_stock], llm=llm, system_prompt=stock.INSTRUCTIONS).run(question))


if __name__ == "__main__":
    stock.main({"FunctionAgent with OpenAILike": function_agent})
