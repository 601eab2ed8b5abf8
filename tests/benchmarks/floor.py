"""The floor of every read: the same requests by httpx, each answer decoded by orjson and dropped. Prints its seconds of CPU."""

import sys
import time
from pathlib import Path

import httpx
import orjson


def main(address: str, file: str) -> None:
    asked = orjson.loads(Path(file).read_bytes())
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as http:
        http.get("/_sandbox/now")
        began = time.process_time()
        for one in asked:
            answer = http.request(one["method"], one["url"], headers=one["headers"], content=one["body"] or None)
            orjson.loads(answer.content)
        print(time.process_time() - began)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
