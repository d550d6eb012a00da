"""Hostile requests by the thousand: made from a door's own OpenAPI document, the same for the same seed."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from tests.services.fuzzing import METHODS, NASTY_NUMBERS, NASTY_TEXTS, PATHS, TYPES, Sent

Document = dict[str, Any]

MORE_TEXTS = ["0", "-1", "1e999", "null", "true", "a" * 5_000, "production", "%2e%2e%2f", "..\\", "\u0000", "<script>"]
ENCODINGS = ["identity", "gzip", "deflate", "br", "gzip, gzip"]
ACCEPTS = ["*/*", "application/json", "text/csv", "application/x-ndjson", "application/vnd.apache.parquet", "q=;;", "x"]
JSON = "application/json"


class Mutator:
    """Makes requests.

    Args:
        document: of the door, so that a new route is fuzzed from its first day.
        example: a sound customer.
        seed: of everything.
        credential: header of somebody who may do everything; half of the requests carry it.
    """

    def __init__(self, document: Document, example: dict[str, Any], *, seed: int, credential: dict[str, str]) -> None:
        self._random = random.Random(seed)
        self._document, self._example, self._credential = document, example, credential
        self._operations = [
            (method.upper(), path, operation)
            for path, item in document["paths"].items()
            for method, operation in item.items()
        ]

    def requests(self, count: int) -> Iterator[Sent]:
        """Return so many; each documented operation is asked for in turn, between other kinds."""
        kinds: list[Callable[[], Sent]] = [self._customer, self._damaged, self._table, self._strange]
        for number in range(count):
            if number % 2:
                yield self._dressed(self._operation(*self._operations[number // 2 % len(self._operations)]))
            else:
                yield self._dressed(self._random.choices(kinds, [4, 2, 1, 2])[0]())

    def _dressed(self, sent: Sent) -> Sent:
        """Add what any request may carry."""
        headers = dict(sent.headers)
        if self._random.random() < 0.5:
            headers.update(self._credential)
        if self._random.random() < 0.2:
            headers["accept"] = self._random.choice(ACCEPTS)
        if self._random.random() < 0.05:
            headers["content-encoding"] = self._random.choice(ENCODINGS)
        for name in ("idempotency-key", "x-request-id", "traceparent", "x-forwarded-for", "authorization", "origin"):
            if self._random.random() < 0.04:
                headers[name] = self._line()
        return replace(sent, headers=headers)

    def _operation(self, method: str, template: str, operation: Document) -> Sent:
        path, query = template, []
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", self._word(parameter))
            elif parameter["in"] == "query" and self._random.random() < 0.7:
                query.append(f"{parameter['name']}={self._word(parameter)}")
        while "{" in path:
            path = path.replace(path[path.index("{") : path.index("}") + 1], self._word({}), 1)
        body, media_type = self._body(operation.get("requestBody", {}).get("content", {}))
        asked = f"{path}?{'&'.join(query)}" if query else path
        return Sent(method, asked, body, media_type, f"{method} {template}")

    def _word(self, parameter: Document) -> str:
        known = [parameter.get("example"), *parameter.get("schema", {}).get("enum", []), "1", "churn"]
        word = self._random.choice([each for each in known if each is not None])
        text = str(word) if self._random.random() < 0.6 else self._text()
        return quote(text.encode("utf-8", "surrogatepass"), safe="") or "%20"

    def _body(self, content: Document) -> tuple[bytes, dict[str, str]]:
        if not content:
            return (b"", {}) if self._random.random() < 0.8 else (self._bytes(), {"content-type": JSON})
        media_type, described = self._random.choice(list(content.items()))
        if media_type == "multipart/form-data":
            return self._form(self._csv())
        if JSON not in media_type:
            return self._csv() if self._random.random() < 0.7 else self._bytes(), {"content-type": media_type}
        found = described.get("example") or self._instance(described.get("schema", {}), depth=0)
        for _ in range(self._random.choice([0, 1, 1, 2, 4])):
            found = self._mutated(found)
        return self._cut(_dump(found)), {"content-type": media_type}

    def _instance(self, schema: Document, *, depth: int) -> Any:
        """Something that a schema allows, more or less."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = self._document["components"]["schemas"].get(name, {})
        if is_customer(schema):
            return dict(self._example)
        if choices := schema.get("anyOf") or schema.get("oneOf"):
            return self._instance(self._random.choice(choices), depth=depth + 1)
        said = [schema[word] for word in ("example", "default", "const") if word in schema] + schema.get("enum", [])
        return self._random.choice(said) if said else self._plain(schema, depth=depth + 1)

    def _plain(self, schema: Document, *, depth: int) -> Any:
        if schema.get("type") == "object" or "properties" in schema:
            found = schema.get("properties", {}) if depth < 9 else {}
            return {name: self._instance(each, depth=depth) for name, each in found.items()}
        if schema.get("type") == "array":
            return [self._instance(schema.get("items", {}), depth=depth) for _ in range(2 if depth < 9 else 0)]
        return {"string": "text", "integer": 1, "number": 0.5, "boolean": True}.get(str(schema.get("type")))

    def _customer(self) -> Sent:
        found = self._mutated(dict(self._example)) if self._random.random() < 0.8 else dict(self._example)
        path = self._random.choice([path for path in PATHS if "predict" in path and "batch" not in path])
        return Sent("POST", path, _dump(found), {"content-type": JSON})

    def _damaged(self) -> Sent:
        return Sent("POST", "/predict", self._cut(_dump(self._example), certainly=True), {"content-type": JSON})

    def _table(self) -> Sent:
        body, headers = self._form(self._csv())
        return Sent("POST", self._random.choice(["/predict/batch", "/api/v1/batch_predict"]), body, headers)

    def _strange(self) -> Sent:
        path = (
            self._random.choice(PATHS) if self._random.random() < 0.5 else "/" + quote(self._text()[:200], safe="/%?")
        )
        headers = {"content-type": self._random.choice(TYPES)}
        return Sent(self._random.choice(METHODS), path, self._bytes(), headers)

    def _mutated(self, found: Any) -> Any:
        """Change one place in a JSON value."""
        if isinstance(found, dict) and found:
            return self._mutated_object(found)
        if isinstance(found, list) and found and self._random.random() < 0.9:
            at = self._random.randrange(len(found))
            changes = [[self._mutated(found[at])], [], [found[at]] * 3]
            return found[:at] + self._random.choice(changes) + found[at + 1 :]
        return self._value()

    def _mutated_object(self, found: dict[str, Any]) -> Any:
        name = self._random.choice(list(found))
        rest = {each: value for each, value in found.items() if each != name}
        return self._random.choices(
            [
                {**found, name: self._mutated(found[name])},
                rest,
                {**found, self._text()[:300]: self._value()},
                self._value(),
            ],
            [8, 2, 1, 0.3],
        )[0]

    def _value(self) -> Any:
        kinds: list[Callable[[], Any]] = [
            lambda: None, lambda: True, self._text, lambda: self._random.choice(NASTY_NUMBERS),
            lambda: self._random.uniform(-1e6, 1e6), list, dict, lambda: [[1, "a"], {"a": None}],
            self._deep,
        ]  # fmt: skip
        return self._random.choice(kinds)()

    def _deep(self) -> Any:
        found: Any = 1
        for _ in range(self._random.choice([3, 60, 250])):
            found = [found] if self._random.random() < 0.5 else {"a": found}
        return found

    def _text(self) -> str:
        if self._random.random() < 0.7:
            return self._random.choice([*NASTY_TEXTS, *MORE_TEXTS])
        return "".join(chr(self._random.choice([*range(1, 128), 0xE9, 0x2028, 0x1F600])) for _ in range(8))

    def _line(self) -> str:
        return "".join(letter for letter in self._text() if letter.isprintable() and ord(letter) < 256) or "x"

    def _bytes(self) -> bytes:
        return self._random.randbytes(self._random.choice([0, 1, 20, 400]))

    def _cut(self, body: bytes, *, certainly: bool = False) -> bytes:
        """Mostly leave it; else cut it off, or overwrite some bytes."""
        if not certainly and self._random.random() < 0.85:
            return body
        at = self._random.randrange(len(body) + 1)
        return body[:at] + self._random.choice([b"", self._bytes() + body[at + 8 :]])

    def _csv(self) -> bytes:
        names = list(self._example) if self._random.random() < 0.8 else self._random.sample(list(self._example), 5) * 2
        rows = [[self._cell(name) for name in names] for _ in range(self._random.choice([0, 1, 3, 8]))]
        table = "\n".join(",".join(map(str, row)) for row in [names, *rows]).encode("utf-8", "surrogatepass")
        return self._cut(table)

    def _cell(self, name: str) -> object:
        strange = [*NASTY_TEXTS, *map(str, NASTY_NUMBERS), '"', '"a,b"', ";", "=1+1", "\r\n"]
        return self._random.choice(strange) if self._random.random() < 0.1 else self._example.get(name, "")

    def _form(self, content: bytes) -> tuple[bytes, dict[str, str]]:
        name = self._random.choices(["file", "files", "", 'a"b'], [20, 1, 1, 1])[0]
        head = f'--fuzz\r\ncontent-disposition: form-data; name="{name}"; filename="a.csv"\r\n\r\n'.encode()
        media_type = self._random.choices(["multipart/form-data; boundary=fuzz", *TYPES], [20, *[1] * len(TYPES)])[0]
        return self._cut(head + content + b"\r\n--fuzz--\r\n"), {"content-type": media_type}


def is_customer(schema: Document) -> bool:
    """Whether a schema is the one that the live contract makes."""
    return len(schema.get("properties", {})) > 10 and "MonthlyCharges" in schema["properties"]


def _dump(found: Any) -> bytes:
    return json.dumps(found).encode()
