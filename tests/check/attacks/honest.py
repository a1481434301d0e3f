"""The second client of the suite attacks, a separate process, so that only the daemon's work is measured: it asks /healthz every 50 ms and
creates one tiny response after the other, each over a connection of its own, until its stdin ends; then it prints the longest waits as
JSON.

Usage: honest.py PORT BODY PATIENCE"""
import http.client
import json
import os
import sys
import threading
import time


def ask(port, patience, method, path, body=None):
    """Seconds, and the status; 0: there was no answer."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException):
        status = 0
    finally:
        connection.close()
    return time.monotonic() - began, status


def repeat(stop, pause, told, *arguments):
    while not stop.is_set():
        told.append(ask(*arguments))
        stop.wait(pause)


def main():
    port, body, patience = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    try:
        os.nice(-10)  # its own waiting for a processor is not the daemon's
    except PermissionError:
        pass
    stop, health, creations = threading.Event(), [], []
    threads = [threading.Thread(target=repeat, args=(stop, 0.05, health, port, patience, "GET", "/healthz")),
               threading.Thread(target=repeat, args=(stop, 0.02, creations, port, patience, "POST", "/v1/responses", body))]
    for thread in threads:
        thread.start()
    print("ready", flush=True)
    sys.stdin.read()
    stop.set()
    for thread in threads:
        thread.join()
    print(json.dumps({"health": max(seconds for seconds, _ in health), "wait": max(seconds for seconds, _ in creations), "n": len(creations),
                      "wrong": [status for _, status in health + creations if status != 200][:5]}))


if __name__ == "__main__":
    main()
