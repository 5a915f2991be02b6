"""A reward in Python as a server for loop-diffusion, with the standard library alone: python3 reward_server.py 8080"""
import base64, http.server, json, struct, sys

REWARD = {"name": "png-bytes-per-pixel", "version": "1", "range": [0, None], "maximumBatch": 64}

def score(png: bytes, prompt: str) -> float:
    """Your reward here. PIL.Image.open(io.BytesIO(png)) has the pixels; this one needs the file's length and size only."""
    width, height = struct.unpack_from(">2I", png, 16)  # where a PNG file has them
    return len(png) / (width * height)

def result(image: str, prompt: str) -> dict:
    try:
        return {"ok": True, "value": score(base64.b64decode(image), prompt)}
    except Exception as error:  # a failure, never a score
        return {"ok": False, "kind": "exception", "message": str(error), "retryable": False}

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body: dict) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        for name, value in {"content-type": "application/json", "content-length": len(data)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        self.answer({"protocol": 1, "rewards": [REWARD]})

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        results = [*map(result, request["images"], request["prompts"])]
        self.answer({"results": results, "reward": REWARD["name"], "version": REWARD["version"]})

with http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
