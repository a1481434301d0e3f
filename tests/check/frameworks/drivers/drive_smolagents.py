"""smolagents: a ToolCallingAgent, whose every turn has to be a call, the last one of final_answer; and a CodeAgent, which calls tools from Python."""
import stock
import smolagents


def model_of(base_url, model):
    return smolagents.OpenAIModel(model_id=model, api_base=base_url, api_key=stock.KEY)


def tool_calling(base_url, model, question):
    return smolagents.ToolCallingAgent(tools=[smolagents.tool(stock.get_stock)], model=model_of(base_url, model), verbosity_level=0, max_steps=6).run(question)


if __name__ == "__main__":
    stock.main({"ToolCallingAgent": tool_calling})
