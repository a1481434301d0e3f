"""crewai: a crew of one agent with a tool and one task."""
import crewai
import crewai.tools
import stock


@crewai.tools.tool("get_stock")
def get_stock(product: str) -> str:
    """Get how many pieces of a product are in stock."""
    return stock.get_stock(product)


def run(base_url, model, question):
    llm = crewai.LLM(model=f"openai/{model}", base_url=base_url, api_key=stock.KEY)
    agent = crewai.Agent(role="Assistant", goal="Answer questions about what is in stock.", backstory="You work in a warehouse.", tools=[get_stock], llm=llm, max_iter=6)
    task = crewai.Task(description=question, expected_output="The number of pieces, in a sentence.", agent=agent)
    return crewai.Crew(agents=[agent], tasks=[task]).kickoff().raw


if __name__ == "__main__":
    stock.main({"Crew of one agent": run})
