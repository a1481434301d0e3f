"""What the drivers of the clients share: a tool whose answers no model knows, five questions about them, and the loop that asks.

A driver is run in its client's own environment: `python drive_NAME.py BASE_URL MODEL [QUESTIONS]`. It sets the base URL, a key and the
model's name, as a user of the client would, and nothing else. It prints one line of JSON for each question and way of asking:
{"way", "question", "answer", "fact", "called", "error", "seconds"}. `called` holds the names that the tool was asked for."""
import asyncio
import inspect
import json
import sys
import time
import traceback

ROOMS = {"ada": "room 214", "ines": "room 308", "bruno": "room 117", "chen": "room 452", "noor": "room 539"}
QUESTIONS = {"ada": "Which room does Ada work in?", "ines": "Where does Ines sit?", "bruno": "In which room can I find Bruno?", "chen": "What is Chen's room?",
             "noor": "I have a parcel for Noor. Which room is she in?"}
INSTRUCTIONS = "You are a helpful assistant."
ABOUT = "Tells which room a person works in."
PARAMETERS = {"type": "object", "properties": {"name": {"type": "string", "description": "The person's first name."}}, "required": ["name"]}
KEY = "unused"

called = []


def room_of(name: str) -> str:
    """Tells which room a person works in.

    Args:
        name: The person's first name.
    """
    called.append(name)
    return ROOMS.get(str(name).strip().lower(), f"no room is known for {name}")


def number_in(fact):
    return fact.rpartition(" ")[2]


def main(ways):
    """ways: {what is used: function(base_url, model, question) -> answer, plain or a coroutine}."""
    base_url, model = sys.argv[1], sys.argv[2]
    wanted = list(QUESTIONS)[:int(sys.argv[3])] if len(sys.argv) > 3 else list(QUESTIONS)
    printed, sys.stdout = sys.stdout, sys.stderr  # some clients print; stdout is the check's
    for way, ask in ways.items():
        for person in wanted:
            called.clear()
            answer, error, began = "", "", time.monotonic()
            try:
                answer = ask(base_url, model, QUESTIONS[person])
                answer = asyncio.run(answer) if inspect.iscoroutine(answer) else answer
            except Exception as failure:  # the other questions are still asked
                traceback.print_exc()
                error = f"{type(failure).__name__}: {failure}"[:400]
            line = {"way": way, "question": QUESTIONS[person], "answer": str(answer), "fact": number_in(ROOMS[person]), "called": list(called), "error": error,
                    "seconds": round(time.monotonic() - began, 1)}
            print(json.dumps(line), file=printed, flush=True)
