"""The page that shows an OpenAPI document to people, without script."""

import json
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from typing import Any

from .routing.openapi import JsonObject

__all__ = ["STYLE", "page_of"]

_ERROR = {"$ref": "#/components/schemas/Error"}
STYLE = (files("gateway") / "documentation.css").read_text("utf-8")


def page_of(document: JsonObject) -> str:
    """Make the page: operations by tag, then the schemas that they name."""
    title = escape(document["info"]["title"])
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<header><h1>{title}</h1>
<p>The same for programs: <a href="/api/openapi.json">/api/openapi.json</a></p></header>
<nav aria-label="Nouns"><ul>{"".join(map(_link, _tags(document)))}</ul></nav>
<main>
{"".join(_section(document, tag) for tag in _tags(document))}
<section id="schemas"><h2>Schemas</h2>
{"".join(_schemas(document))}
</section>
</main>
</body>
</html>
"""


def _operations(document: JsonObject) -> Iterator[tuple[str, str, JsonObject]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _tags(document: JsonObject) -> list[str]:
    return list(dict.fromkeys(each["tags"][0] for _, _, each in _operations(document)))


def _link(tag: str) -> str:
    return f'<li><a href="#{escape(tag)}">{escape(tag)}</a></li>'


def _section(document: JsonObject, tag: str) -> str:
    described = (
        _operation(method, path, operation)
        for method, path, operation in _operations(document)
        if operation["tags"] == [tag]
    )
    name = escape(tag)
    return f'<section id="{name}"><h2>{name}</h2>{"".join(described)}</section>\n'


def _operation(method: str, path: str, operation: JsonObject) -> str:
    route = f"<code>{method.upper()} {escape(path)}</code>"
    return f"""\
<details id="{escape(operation["operationId"])}">
<summary>{route} {escape(operation["summary"])}</summary>
{_paragraph(operation.get("description"))}
{_needed(operation)}
{_parameters(operation["parameters"])}
{_body(operation)}
{_responses(operation["responses"])}
</details>
"""


def _paragraph(text: str | None) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def _needed(operation: JsonObject) -> str:
    permission = operation.get("x-permission")
    if permission is None:
        return "<p>Needs no key.</p>"
    return f"<p>Needs <code>{escape(permission)}</code>.</p>"


def _parameters(parameters: list[JsonObject]) -> str:
    rows = [
        [f"<code>{escape(each['name'])}</code>", each["in"], _kind(each["schema"])]
        for each in parameters
    ]
    return _table("Parameters", ["Name", "In", "Kind"], rows)


def _body(operation: JsonObject) -> str:
    if "requestBody" not in operation:
        return ""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return f"<p>Body: {_kind(schema)}</p>"


def _responses(responses: JsonObject) -> str:
    rows = [[status, *_response(each)] for status, each in responses.items()]
    return _table("Answers", ["Status", "Meaning", "Body"], rows)


def _response(response: JsonObject) -> tuple[str, str]:
    """Say what a response means and holds; a refusal's name is made of its codes."""
    if "$ref" in response:
        codes = response["$ref"].rpartition("/")[2].split("_or_")
        return " or ".join(f"<code>{code}</code>" for code in codes), _kind(_ERROR)
    return escape(response["description"]), _content(response.get("content", {}))


def _content(content: JsonObject) -> str:
    return ", ".join(
        _kind(each["schema"]) if media == "application/json" else escape(media)
        for media, each in content.items()
    )


def _kind(schema: Any) -> str:
    """Name a schema that has a name, and show what is left of any other."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    return f"<code>{escape(json.dumps(schema))}</code>"


def _schemas(document: JsonObject) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
        yield (
            f'<details id="schema-{escape(name)}"><summary>{escape(name)}</summary>'
            f"<pre>{text}</pre></details>\n"
        )


def _table(caption: str, head: list[str], rows: list[list[str]]) -> str:
    """Make a table of cells that are HTML already."""
    if not rows:
        return ""
    titles = "".join(f"<th scope=col>{each}</th>" for each in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{caption}</caption><thead><tr>{titles}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
