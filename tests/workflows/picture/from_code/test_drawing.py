"""The picture of a class is drawn as any other: links, titles, marks and states."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from tests.workflows.picture.from_code.sketches import MAIN, class_with, of_files, picture
from workflows.picture.from_code.drawing import draw_class
from workflows.picture.from_code.run_states import run_of_class
from workflows.picture.states import NodeState, State

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str, tag: str) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}{tag}")]  # noqa: S314 - our own


def test_each_node_links_to_its_file_and_line() -> None:
    files = {
        MAIN: class_with("await help(step);", top='import { help } from "../lib/my help";'),
        "lib/my help.ts": 'export const help = (s) =>\n  s.do("help", work);',
    }
    drawn = draw_class(of_files(files), base="/workflows/7/files/")

    assert 'href="/workflows/7/files/lib/my%20help.ts#L2"' in drawn.svg
    assert 'href="/workflows/7/files/lib/my%20help.ts#L2"' in drawn.outline
    assert "href=" not in re.sub(r"<(use|symbol)[^>]*>", "", draw_class(of_files(files)).svg)


def test_titles_and_outline_say_where_a_node_is() -> None:
    drawn = draw_class(picture('await step.do("charge", pay, { rollback: undo });'))

    assert "charge (Step), with a rollback, src/index.ts, line 4" in texts(drawn.svg, "title")
    assert "Step, with a rollback, src/index.ts, line 4" in drawn.outline


def test_the_picture_is_named_after_the_class() -> None:
    drawn = draw_class(picture('await step.do("first", work);'), uid="p")

    assert texts(drawn.svg, "title")[0] == "Picture of Flow"
    assert "Start" in texts(drawn.svg, "text")


def test_what_the_code_contains_is_escaped() -> None:
    drawn = draw_class(picture("""
        await step.do("</title><script>alert(1)</script>", work);
        if (a < b && c) await step.do(`"${x}"<img>`, work);
    """), base="/files/")  # fmt: skip

    assert "<script" not in drawn.svg + drawn.outline
    assert "<img" not in drawn.svg + drawn.outline
    ET.fromstring(drawn.svg)  # noqa: S314 - our own


def test_parallel_iterations_look_like_a_stack() -> None:
    drawn = draw_class(picture("""
        await Promise.all(items.map((item) => step.do(`item ${item}`, work)));
    """))  # fmt: skip

    assert drawn.svg.count('class="pic-frame') == 3
    assert "for each item, in parallel" in texts(drawn.svg, "text")


def test_a_function_has_its_steps_in_the_outline() -> None:
    drawn = draw_class(picture("""
        const both = async () => { await step.do("a", work); await step.do("b", work); };
        await both();
    """))  # fmt: skip
    outline = re.sub(r"<span class=\"quiet\">[^<]*</span>|</?(span|bdi)[^>]*>", "", drawn.outline)

    assert "<li>both <ol><li>a </li><li>b </li></ol></li>" in outline


def test_broken_code_is_marked_on_the_innermost_node() -> None:
    source = """export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    for (const x of y) {
      await step.do("good", work);
      await step.do("bad", async () => {
        const a = = 1;
      });
    }
  }
}"""
    drawn = draw_class(of_files({MAIN: source}))

    assert "bad (Step), src/index.ts, line 5: Problem" in texts(drawn.svg, "title")
    assert drawn.svg.count("pic-problem") == 1


def test_the_innermost_node_of_a_line_is_known() -> None:
    found = picture("""
        for (const x of y) {
          await step.do("a", async () => {
            work();
          });
        }
    """)

    assert [found.node_at(MAIN, line) for line in (4, 5, 6, 7, 9)] == [
        "",
        "src/index.ts:5",
        "src/index.ts:6",
        "src/index.ts:6",
        "src/index.ts:5",
    ]
    assert found.node_at("src/other.ts", 5) == ""


def test_states_are_drawn_on_the_nodes_of_a_run() -> None:
    found = picture('await step.do("first", work);\nawait step.do("second", work);')
    steps = [{"name": "first-1", "type": "step", "success": True, "start": "2030-01-01T10:00:00Z"}]
    drawn = draw_class(found, run_of_class(found, steps, "running").states)

    assert "first (Step), src/index.ts, line 4: Done" in texts(drawn.svg, "title")
    assert "second (Step), src/index.ts, line 5: Not reached" in texts(drawn.svg, "title")


def test_containers_can_be_folded() -> None:
    found = picture('if (a) { await step.do("inside", work); }\nawait step.do("after", work);')
    [branch, inside, after] = found.places
    drawn = draw_class(found, {after: NodeState(state=State.DONE)}, folded=[branch])

    assert "1 node inside" in texts(drawn.svg, "text")
    assert f'data-node="{inside}"' not in drawn.svg


def test_without_a_picture_there_is_the_reason() -> None:
    drawn = draw_class(of_files({}))

    assert not drawn
    assert drawn.message == "There is no picture, because src/index.ts does not exist."
