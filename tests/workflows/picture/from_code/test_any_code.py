"""Whatever the files contain, there is a picture or a reason, soon."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.monsters import NAMES, monsters
from tests.workflows.picture.from_code.sketches import MAIN, class_with, of_files, picture, sketch
from workflows.picture.from_code.class_picture import FAILED, TOO_SLOW, picture_of_class
from workflows.picture.from_code.drawing import draw_class
from workflows.picture.from_code.model import CodePicture
from workflows.picture.from_code.reader.class_reader import read_class
from workflows.picture.from_code.reader.walk import MAX_ITEMS

SECONDS = 10  # of CPU time of this process; the separate one is killed after three
PIECES = (
    'await step.do("a", async () => 1);',
    "await step.do(`b ${x}`, f);",
    'step.sleep("c", 1)',
    "step",
    "Promise.all([",
    "])",
    "list.map(async (x) => {",
    "for (const x of y) {",
    "while (x) {",
    "do {",
    "} while (await step.do('d', f));",
    "if (x) {",
    "} else {",
    "}",
    "try {",
    "} catch (e) {",
    "} finally {",
    "switch (x) { case 1:",
    "case 2: default:",
    "break;",
    "continue;",
    "return",
    "throw new Error('x');",
    "const { do: run, ...rest } = step;",
    "const [a, b = step] = [step, ...c];",
    "this.step = step; this.go(step);",
    "helper(step, (s) => s.do('e', f))",
    "run('f', f)",
    ".then((x) => step.do('g', f))",
    ".catch(() => {})",
    "a ? b : c",
    "a && b ?? c",
    "=> ({ step, [x]: step })",
    "class X { constructor(private s) { s.do('h', f); } }",
    "new X(step)",
    "function* g() { yield step; }",
    "(", ")", "[", "]", ";", ",", "`", "${", '"', "\n", "\\", "<T>", "await", "async", "x", "x = ",
)  # fmt: skip


def inside(body: str) -> str:
    return class_with(body, top="async function helper(s, f) { await f(s); await helper(s, f); }")


def check(source: str, name: str = MAIN) -> CodePicture:
    """Read and draw a file; the process that reads it raises no error."""
    found = of_files({name: source}, main=name)
    drawn = draw_class(found, base="/files/")
    assert found.message or drawn
    assert found.message != FAILED
    return found


@settings(deadline=None, max_examples=examples(150, 3000))
@given(source=st.text(max_size=300))
def test_any_text_has_a_picture_or_a_reason(source: str) -> None:
    check(source)
    check(inside(source))


@settings(deadline=None, max_examples=examples(300, 6000))
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=25), ending=st.sampled_from(["ts", "jsx"]))
def test_any_pieces_of_code_have_a_picture(pieces: list[str], ending: str) -> None:
    found = check(inside(" ".join(pieces)), f"worker.{ending}")

    assert found.message != TOO_SLOW


@settings(deadline=None, max_examples=examples(30, 600))
@given(pieces=st.lists(st.sampled_from(PIECES), max_size=25), data=st.data())
def test_code_can_be_read_while_it_is_being_written(pieces: list[str], data: st.DataObject) -> None:
    source = inside(" ".join(pieces))

    check(source[: data.draw(st.integers(0, len(source)))])


@pytest.mark.parametrize("name", NAMES[: examples(3, len(NAMES))])
def test_monsters_are_read_in_time(name: str) -> None:
    monster = monsters(100_000)[name]
    start = time.process_time()
    check(monster)
    check(inside(monster))

    assert time.process_time() - start < 2 * SECONDS


def exponential_calls() -> str:
    functions = (
        f"async function f{n}(s) {{ await f{n + 1}(s); await f{n + 1}(s); }}" for n in range(30)
    )
    last = "async function f30(s) { await s.do('x', g); }"
    return class_with("await f0(step);", top="\n".join([*functions, last]))


def exponential_values() -> str:
    functions = (f"const v{n} = (x) => v{n + 1}(x) + v{n + 1}(x);" for n in range(30))
    return class_with(
        "await step.do(v0('q'), f);", top="\n".join([*functions, "const v30 = (x) => 'a';"])
    )


def exponential_texts() -> str:
    texts = (f"const t{n} = `${{t{n + 1}}}${{t{n + 1}}}`;" for n in range(60))
    return class_with("await step.do(t0, f);", top="\n".join([*texts, "const t60 = 'a';"]))


EXTREMES: dict[str, Callable[[], str]] = {
    "many steps": lambda: inside("".join(f'await step.do("s{n}", f);\n' for n in range(10_000))),
    "deep conditions": lambda: inside("if (a) {" * 500 + "await step.do('x', f);" + "}" * 500),
    "deep brackets": lambda: inside("await " + "(" * 5_000 + "step.do('x', f)" + ")" * 5_000),
    "deep functions": lambda: inside("(() => {" * 1_000 + "step.do('x', f)" + "})()" * 1_000),
    "deep operators": lambda: inside("await (" + "a && (" * 500 + "step.do('x', f)" + ")" * 501),
    "long sum": lambda: inside("await step.do(" + "+".join(["a"] * 50_000) + ", f);"),
    "long chain": lambda: inside("await step.do('x', f)" + ".then(() => step.do('y', f))" * 2_000),
    "nested combinations": lambda: inside("await " + "Promise.all([" * 300 + "step.do('x', f)" + "])" * 300),
    "many arms": lambda: inside("".join(f"if (x === {n}) {{ await step.do('c{n}', f); }} else " for n in range(900)) + "{}"),
    "many cases": lambda: inside("switch (x) {" + "".join(f"case {n}: await step.do('c{n}', f);" for n in range(900)) + "}"),
    "many promises": lambda: inside("".join(f"const p{n} = step.do('p{n}', f);" for n in range(900)) + "".join(f"await p{n};" for n in range(900))),
    "one line": lambda: inside("".join(f'await step.do("s{n}",f);if(a{n}){{await step.sleep("p{n}",1)}}' for n in range(500))),
    "exponential calls": exponential_calls,
    "exponential values": exponential_values,
    "exponential texts": exponential_texts,
    "objects in themselves": lambda: inside("const o = {}; o.o = o; o.step = step; await g(o); const l = [step]; l.push(l); await h(l); await Promise.all(l);"),
    "classes in themselves": lambda: class_with("new A(step).go();", top="class A extends B { constructor(s) { super(s); } } class B extends A { constructor(s) { super(s); } }"),
    "long file": lambda: inside("/*" + "a" * 1_100_000 + "*/"),
    "long data": lambda: inside("const x = [" + ",".join(['"' + "a" * 1_000 + '"'] * 900) + "]; await step.do('x', f);"),
}  # fmt: skip


@pytest.mark.parametrize("name", EXTREMES)
def test_extreme_code_is_read_in_time(name: str) -> None:
    start = time.process_time()
    found = check(EXTREMES[name]())

    assert time.process_time() - start < SECONDS
    assert found.message != TOO_SLOW
    if found.ir:
        assert len(found.ir.nodes) <= 2_000


def test_more_steps_than_can_be_drawn_are_left_out() -> None:
    found = of_files({MAIN: EXTREMES["many steps"]()})

    assert found.ir
    assert len(found.ir.nodes) == MAX_ITEMS + 1
    assert [node.name for node in found.ir.nodes.values()][-2:] == ["s1499", "More code"]
    assert not found.is_complete


def test_what_is_nested_too_deeply_is_a_box() -> None:
    found = of_files({MAIN: EXTREMES["deep conditions"]()})

    assert found.ir
    assert [node.type.name for node in found.ir.nodes.values()][-1] == "code"
    assert not found.is_complete


def test_two_hundred_files_are_read_where_they_are_needed() -> None:
    files: dict[str, object] = {
        f"src/f{n}.ts": f'import {{ f{n + 1} }} from "./f{n + 1}"; {"// filler " * 500}\n'
        f"export async function f{n}(step) {{ await step.do('s{n}', w); if (x) await f{n + 1}(step); }}"
        for n in range(200)
    }
    files[MAIN] = class_with("await f0(step);", top='import { f0 } from "./f0";')
    start = time.process_time()
    found = of_files(files)

    assert time.process_time() - start < SECONDS
    assert "do s10" in sketch(found)
    assert not found.is_complete


def test_too_much_code_is_not_read() -> None:
    files: dict[str, object] = {f"f{n}.ts": "x" * 999_999 for n in range(20)}
    files[MAIN] = class_with('await step.do("only", f);')

    assert sketch(of_files(files)) == "do only"


def test_a_picture_is_remembered() -> None:
    files = {MAIN: class_with('await step.do("remembered", f);')}

    assert picture_of_class(files, MAIN, "Flow") is picture_of_class(dict(files), MAIN, "Flow")
    assert picture_of_class(files, MAIN, "Other") is not picture_of_class(files, MAIN, "Flow")


def test_nothing_is_executed() -> None:
    found = picture("""
        globalThis.touched = require("node:fs").writeFileSync("/tmp/touched", "x");
        await step.do((() => { throw new Error("executed"); })(), f);
    """)

    assert sketch(found).startswith("do ")


def test_reading_leaves_the_process_as_it_was() -> None:
    source = class_with('await step.do("only", f);')

    assert read_class({MAIN: source}, MAIN, "Flow") == read_class({MAIN: source}, MAIN, "Flow")
