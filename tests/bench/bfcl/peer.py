"""llama-cpp-python as a server of /v1/chat/completions: its create_chat_completion with the file's own template. `peer.py MODEL
THREADS CONTEXT`, run by the Python of the environment `oracles`. Its own server would do the same, but requires packages that nothing else
here needs. Prints one line with the port when it is ready."""
import http.server
import json
import sys

import llama_cpp

TAKEN = ("messages", "tools", "tool_choice", "temperature", "max_tokens")


def main(path, threads, context):
    llama = llama_cpp.Llama(path, n_ctx=int(context), n_threads=int(threads), n_threads_batch=int(threads), flash_attn=True, verbose=False)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                status, answer = 200, llama.create_chat_completion(**{key: request[key] for key in TAKEN if key in request})
            except Exception as error:  # an error of this request is an answer like others
                status, answer = 500, {"error": {"message": f"{type(error).__name__}: {error}"}}
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
