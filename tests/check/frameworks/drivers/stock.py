"""Shared by the drivers of the clients: a tool whose answers no model knows, five questions about them, and the loop that asks.

A driver is run in its client's own environment: `python drive_NAME.py BASE_URL MODEL [QUESTIONS]`. It sets the base URL, a key and the
model's name, as a user of the client would, and nothing else. It prints one line of JSON for each question and way of asking:
{"way", "question", "answer", "fact", "called", "error", "seconds"}. `called` holds the names with which the tool was called."""
import asyncio
import inspect
import json
import sys
import time
import traceback

STOCK = {"lamp": 417, "chair": 268, "desk": 35, "mirror": 129, "shelf": 746}
QUESTIONS = {"lamp": "How many lamps are in stock?", "chair": "How many chairs do we have in stock?", "desk": "Are there any desks in stock, and how many?",
             "mirror": "What is the stock of mirrors?", "shelf": "A customer asks for shelves. How many do we have?"}
INSTRUCTIONS = "You are a helpful assistant."
ABOUT = "Get how many pieces of a product are in stock."
PARAMETERS = {"type": "object", "properties": {"product": {"type": "string", "description": "The product's name."}}, "required": ["product"]}
KEY = "unused"

called = []


def get_stock(product: str) -> str:
    """Get how many pieces of a product are in stock.

    Args:
        product: The product's name.
    """
    called.append(product)
    word = str(product).strip().lower()
    named = [name for name in STOCK if word in (name, name + "s", name[:-1] + "ves")]
    return f"{STOCK[named[0]]} pieces" if named else f"no product is called {product}"


def main(ways):
    """ways: {the interface: function(base_url, model, question) -> answer, plain or a coroutine}."""
    base_url, model = sys.argv[1], sys.argv[2]
    wanted = list(QUESTIONS)[:int(sys.argv[3])] if len(sys.argv) > 3 else list(QUESTIONS)
    printed, sys.stdout = sys.stdout, sys.stderr  # some clients print; stdout is for the check alone
    for way, ask in ways.items():
        for product in wanted:
            called.clear()
            answer, error, began = "", "", time.monotonic()
            try:
                answer = ask(base_url, model, QUESTIONS[product])
                answer = asyncio.run(answer) if inspect.iscoroutine(answer) else answer
            except Exception as failure:  # the other questions are still asked
                traceback.print_exc()
                error = f"{type(failure).__name__}: {failure}"[:400]
            line = {"way": way, "question": QUESTIONS[product], "answer": str(answer), "fact": str(STOCK[product]), "called": list(called), "error": error,
                    "seconds": round(time.monotonic() - began, 1)}
            print(json.dumps(line), file=printed, flush=True)
