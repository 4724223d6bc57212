"""Every string that a user writes is preserved, whatever it contains and wherever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.ir.documents import Document, chain, node
from tests.workflows.programs.harness.nasty import Words, script, workflow
from tests.workflows.programs.harness.workers import Run, compiled, outputs, run_all
from tests.workflows.programs.test_nodes import echo

__all__ = ["echo"]

ENDS = ["'", '"', "`", "${", "${x}", "}", "\\", "\\`", "\n", "\r", "\u2028", "\u2029", "\x85"]
COMMENTS = ["*/", "/*", "//", "</script>", "<!--", "-->", "#", "</"]
BRACES = ["{{", "}}", "{{ }}", "{{ first }}", "{{ a b }}", "{{first.text}}", "{{ nobody.x }}", "{"]
UNSEEN = ["\x01", "\x08", "\x1b", "\x7f", "\xa0", "\u200b", "\u202e", "\u2066", "\ufeff", "\t"]
LETTERS = ["😀", "é", "e\u0301", "汉", "\U0010ffff", "\ufffd", "\\u0041", "\\n", "%41", "%"]
MEANINGS = ["__proto__", "constructor", "undefined", "null", "then", "1e999", "=", ";", "^", "|"]
SIGNS = ["+", "&=?", " "]
FRAGMENTS = [*ENDS, *COMMENTS, *BRACES, *UNSEEN, *LETTERS, *MEANINGS, *SIGNS]

fragments = st.one_of(
    st.sampled_from(FRAGMENTS), st.characters(exclude_categories=["Cs"], exclude_characters="\0")
)
strings = st.lists(fragments, min_size=1, max_size=12).map("".join)
JOINED = ["".join(FRAGMENTS[at : at + 5]) for at in range(0, len(FRAGMENTS), 5)]
ANSWER = chain(node("text", name="EXPORT_text", code="return {{ trigger.text }};"), kind="script",
               trigger={"type": "http"})  # fmt: skip
ECHO = chain(node("text", code="return {{ trigger.text }};"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A string in a workflow and in a script, by their names, and the expected results of both."""

    words: Words
    flow: str
    script: str
    documents: Mapping[str, Document]
    steps: Mapping[str, Any]
    answer: Mapping[str, Any]


def _case(index: int, text: str, echo: str) -> Case:
    words, names = Words(text), (f"Flow{index}", f"Script{index}")
    flow, steps = workflow(words, echo=echo, variable=f"V{index}")
    called, answer = script(words)
    documents = dict(zip(names, (flow, called), strict=True))
    return Case(
        words=words, flow=names[0], script=names[1], documents=documents, steps=steps, answer=answer
    )


@settings(
    derandomize=True,
    deadline=None,
    max_examples=examples(1, 10),
    phases=[Phase.explicit, Phase.generate],
)
@example(texts=["__proto__", *JOINED])
@given(texts=st.lists(strings, min_size=8, max_size=8, unique=True))
def test_a_string_is_preserved_in_every_setting(echo: str, texts: list[str]) -> None:
    cases = [_case(index, text, echo) for index, text in enumerate(texts)]

    results = _run_cases(cases)

    for index, case in enumerate(cases):
        run, refused, answered = results[index * 3 : index * 3 + 3]
        _check_steps(case, run)
        assert refused["status"] == 405, case.words
        assert f"POST {case.words.path} with" in json.loads(refused["text"])["error"]
        assert json.loads(answered["text"]) == case.answer, case.words


def _run_cases(cases: list[Case]) -> list[dict[str, Any]]:
    """Compile once, start workerd once, and return the results of each case's three runs."""
    variables = {f"V{index}": case.words.text for index, case in enumerate(cases)}
    workflows = {name: workflow for case in cases for name, workflow in case.documents.items()}
    with TemporaryDirectory() as folder:
        modules = compiled(
            workflows | {"Echo": ECHO, "Answer": ANSWER},
            Path(folder),
            variables=frozenset(variables),
        )
    return run_all(
        modules,
        [run for case in cases for run in _runs(case)],
        variables=variables,
        children={"CHILD_ECHO": "Echo"},
        services=["CHILD_SCRIPT"],
    )


def _runs(case: Case) -> list[Run]:
    """Return a run of the workflow, a request that it refuses, and one that the script answers."""
    text, path = case.words.text, case.words.path
    request = {"method": "POST", "path": path, "body": json.dumps({"text": text})}
    return [
        Run(workflow=case.flow, params={"text": text}, event={"type": "call", "payload": text}),
        Run(workflow=case.flow, request={"method": "GET", "path": path}),
        Run(workflow=case.script, request=request),
    ]


def _check_steps(case: Case, run: dict[str, Any]) -> None:
    assert run["status"] == "complete", (case.words, run["error"])
    values = outputs(run)
    actual = {name: _sent(name, values.get(name)) for name in case.steps}
    wrong = {name: actual[name] for name in case.steps if actual[name] != case.steps[name]}
    assert wrong == {}, (case.words, {name: case.steps[name] for name in wrong})


def _sent(name: str, output: Any) -> Any:
    """Return what the server received in a request; other outputs are returned as they are."""
    if not isinstance(output, dict) or "body" not in output:
        return output
    body = output["body"]
    received = json.loads(body) if isinstance(body, str) else body  # a path may ask for text
    query = urlsplit(received["path"]).query
    match name:
        case "address":
            return unquote(query)
        case "query" | "query_text":
            return dict(parse_qsl(query, keep_blank_values=True))
        case "headers":
            return [received["headers"].get("x-a"), received["headers"]["x-b"]]
        case "json" | "json_text":
            return json.loads(received["body"])
        case "body":
            return received["body"]
    return output
