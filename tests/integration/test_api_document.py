"""The OpenAPI document: whole, true to the addresses, and the one that is checked in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coordinator.api.app import bare_app
from coordinator.api.openapi import document
from tests.support.api_in_hand import ApiInHand, api_in_hand

CHECKED_IN = Path(__file__).parents[2] / "docs/openapi.json"
DOCUMENT = document()
UNTOLD = {"/openapi.json"}
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def every(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for child in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from every(child)


def test_the_document_that_is_checked_in_is_this_one() -> None:
    assert json.loads(CHECKED_IN.read_text(encoding="utf-8")) == json.loads(json.dumps(DOCUMENT)), (
        "run `make docs`"
    )


def test_the_document_is_served_to_anybody(tmp_path: Path) -> None:
    api: ApiInHand = api_in_hand(tmp_path)
    answer = api.bare.get("/openapi.json")
    assert answer.mimetype == "application/json"
    assert answer.get_json() == json.loads(json.dumps(DOCUMENT))


def test_it_tells_of_every_address_and_of_no_other() -> None:
    told = {(path, method.upper()) for path, method, _ in operations()}
    rules = bare_app().url_map.iter_rules()
    real = {
        (rule.rule.replace("<", "{").replace(">", "}"), method)
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule not in UNTOLD
    }
    assert told == real


def test_every_reference_leads_somewhere() -> None:
    references = {node["$ref"] for node in every(DOCUMENT) if isinstance(node.get("$ref"), str)}
    assert references
    for reference in references:
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found["type"]


def test_every_shape_is_used() -> None:
    used = {node["$ref"].rpartition("/")[2] for node in every(DOCUMENT) if "$ref" in node}
    assert DOCUMENT["components"]["schemas"].keys() == used


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_an_operation_is_described(path: str, method: str, operation: dict[str, Any]) -> None:
    assert method in METHODS and operation["summary"] and len(operation["tags"]) == 1
    assert "<br" not in json.dumps(operation)
    named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
    parameters = operation.get("parameters", [])
    in_path = {p["name"] for p in parameters if p["in"] == "path" and p["required"]}
    assert named == in_path
    assert len({(p["name"], p["in"]) for p in parameters}) == len(parameters)
    assert (method in {"post", "put", "patch"}) == ("requestBody" in operation)


@pytest.mark.parametrize(("path", "method", "operation"), operations())
def test_an_operation_tells_how_it_answers(
    path: str, method: str, operation: dict[str, Any]
) -> None:
    answers = operation["responses"]
    assert all(answer["description"] for answer in answers.values())
    assert any(status.startswith("2") for status in answers) and "500" in answers
    is_open = operation.get("security", DOCUMENT["security"]) == [{}]
    assert ("401" in answers) != is_open
    for status, answer in answers.items():
        if status >= "400" and (path, status) != ("/api/v1/health", "503"):
            assert list(answer["content"]) == ["application/problem+json"]


def test_the_security_that_is_told_of_is_there() -> None:
    assert DOCUMENT["openapi"].startswith("3.")
    assert DOCUMENT["components"]["securitySchemes"].keys() == {"bearer"}
    told = {tag["name"] for tag in DOCUMENT["tags"]}
    assert told == {operation["tags"][0] for _, _, operation in operations()}
