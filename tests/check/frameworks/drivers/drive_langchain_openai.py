"""langchain-openai: an agent of langchain's with ChatOpenAI, over both protocols and streamed."""
import langchain.agents
import langchain_openai
import stock


def agent_of(base_url, model, **options):
    return langchain.agents.create_agent(langchain_openai.ChatOpenAI(base_url=base_url, api_key=stock.KEY, model=model, **options), tools=[stock.get_stock])


def last_text(state):
    return state["messages"][-1].text


def asked(question):
    return {"messages": [{"role": "user", "content": question}]}


def chat(base_url, model, question):
    return last_text(agent_of(base_url, model).invoke(asked(question)))


def streamed(base_url, model, question):
    pieces = [(piece, about) for piece, about in agent_of(base_url, model).stream(asked(question), stream_mode="messages")]
    last = pieces[-1][1]["langgraph_step"]
    return "".join(piece.text for piece, about in pieces if about["langgraph_step"] == last)


def responses(base_url, model, question):
    return last_text(agent_of(base_url, model, use_responses_api=True).invoke(asked(question)))


if __name__ == "__main__":
    stock.main({"create_agent, chat completions": chat, "create_agent, chat completions, streamed": streamed, "create_agent, Responses": responses})
