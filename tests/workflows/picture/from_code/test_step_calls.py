"""Calls of the step object: the names of steps, what they are about, and their options."""

from __future__ import annotations

from tests.workflows.picture.from_code.sketches import MAIN, class_with, of_files, picture
from workflows.ir.document.step_policy import is_sensitive, policy_of, rollback_of
from workflows.picture.from_code.model import CodePicture


def names(found: CodePicture) -> list[tuple[tuple[str | None, ...], ...]]:
    return list(found.names.values())


def abouts(found: CodePicture) -> list[str]:
    assert found.ir
    return [node.settings.about for node in found.ir.nodes.values()]


def test_a_literal_name_is_known() -> None:
    found = picture(r"""
        await step.do("with \"quotes\" and \u00e4 \x41 \n", work);
        await step.do('single', work);
        await step.do(`template`, work);
    """)

    assert names(found) == [
        (('with "quotes" and \u00e4 A \n',),),
        (("single",),),
        (("template",),),
    ]


def test_of_a_dynamic_name_the_fixed_parts_are_known() -> None:
    found = picture("""
        await step.do(`order ${event.payload.id} of ${user.name}`, work);
        await step.do("item-" + event.payload.id, work);
        await step.do(event.payload.name, work);
    """)

    assert names(found) == [(("order ", None, " of ", None),), (("item-", None),), ((None,),)]
    assert found.ir
    assert [node.name for node in found.ir.nodes.values()] == [
        "order ${event.payload.id} of ${user.name}",
        "item-\u2026",
        "event.payload.name",
    ]


def test_names_in_constants_are_known() -> None:
    main = class_with(
        """
        const prefix = "order";
        await step.do(STEPS.FETCH, work);
        await step.do(Names.Save, work);
        await step.do(`${prefix}: ${LOCAL}`, work);
        await step.do(numbered(3), work);
        """,
        top="""
        import { STEPS, numbered } from "./names";
        enum Names { Save = "save it" }
        const LOCAL = "local";
        """,
    )
    shared = (
        'export const STEPS = { FETCH: "fetch it" } as const;'
        "export const numbered = (n: number) => `step ${n}`;"
    )
    found = of_files({MAIN: main, "src/names.ts": shared})

    assert names(found) == [
        (("fetch it",),),
        (("save it",),),
        (("order: local",),),
        (("step 3",),),
    ]


def test_a_variable_that_changes_is_not_known() -> None:
    found = picture("""
        let attempt = 0;
        const state = { page: 1 };
        while (state.page < 3) {
          await step.do(`attempt ${attempt}`, work);
          await step.do(`page ${state.page}`, work);
          attempt++;
          state.page += 1;
        }
    """)

    assert names(found) == [(("attempt ", None),), (("page ", None),)]


def test_a_name_can_be_one_of_several() -> None:
    found = picture("""
        for (const part of ["head", "tail"]) await step.do(`part ${part}`, work);
        for (const part of ["head", "tail"]) await step.do(part, work);
        await step.do(event.payload.fast ? "quick" : "slow", work);
        await step.do(event.payload.name ?? "unnamed", work);
    """)

    assert names(found) == [
        (("part ", None),),
        (("head",), ("tail",)),
        (("quick",), ("slow",)),
        ((None,),),
    ]


def test_what_a_step_does_is_the_first_line_of_its_work() -> None:
    found = picture("""
        await step.do("inline", async () => {
          // first look it up
          const order = await find(event.payload.id);
          return order;
        });
        await step.do("short", () => load());
        await step.do("by name", { timeout: "1 minute" }, loadOrder);
        await step.do("elsewhere", this.env.SERVICE.load);
        await step.do("wrapped", traced(loadOrder));
    """, top="""
        const traced = (work) => async () => work();
    """)  # fmt: skip

    assert abouts(found) == [
        "const order = await find(event.payload.id)",
        "load()",
        "loadOrder",
        "this.env.SERVICE.load",
        "loadOrder",
    ]


def test_a_line_that_only_opens_a_bracket_is_shown_with_the_next_ones() -> None:
    found = picture("""
        await step.do("block", async () => {
          return {
            id: 1,
            files: await list(),
          };
        });
    """)

    assert abouts(found) == ["{ id: 1, files: await list(), }"]


def test_what_is_waited_for_is_shown() -> None:
    found = picture("""
        await step.sleep("a", "1 hour");
        await step.sleep("b", 60_000);
        await step.sleep("c", event.payload.delay);
        await step.sleepUntil("d", Date.parse("2030-01-01"));
        await step.waitForEvent<Approval>("e", { type: "approval", timeout: "7 days" });
        await step.waitForEvent("f", { type: "approval" });
        await step.waitForEvent("g", options);
    """)

    assert abouts(found) == [
        "1 hour",
        "60_000",
        "event.payload.delay",
        'Date.parse("2030-01-01")',
        "approval, up to 7 days",
        "approval",
        "options",
    ]


def test_retries_and_timeouts_are_read() -> None:
    found = picture("""
        await step.do("literal", {
          retries: { limit: 3, delay: "5 seconds", backoff: "linear" },
          timeout: "15 minutes",
        }, work);
        await step.do("shared", { ...RETRY, sensitive: "output" }, work);
        await step.do("computed", { retries: { limit: this.env.LIMIT, delay: (x) => 5 } }, work);
        await step.do("default", work);
    """, top="""
        const RETRY = { retries: { limit: 2, delay: 1000 }, timeout: 60_000 };
    """)  # fmt: skip

    assert list(found.configs.values()) == [
        {"limit": "3", "delay": "5 seconds", "backoff": "linear", "timeout": "15 minutes"},
        {"limit": "2", "delay": "1000", "timeout": "60_000", "sensitive": "output"},
        {"limit": "this.env.LIMIT", "delay": "(x) => 5"},
    ]
    assert found.ir
    policies = [policy_of(node.settings) for node in found.ir.nodes.values()]
    assert [policy.limit if policy else None for policy in policies] == [3, 2, 5, None]
    assert [is_sensitive(node.settings) for node in found.ir.nodes.values()] == [
        False,
        True,
        False,
        False,
    ]


def test_rollbacks_are_read() -> None:
    found = picture("""
        await step.do("charge", pay, {
          rollback: async ({ output }) => { await refund(output); },
          rollbackConfig: { retries: { limit: 3, delay: "1 second" } },
        });
        await step.do("ship", { timeout: "1 hour" }, ship, { async rollback() { await recall(); } });
        await step.do("mail", send);
    """)

    assert found.ir
    rollbacks = [rollback_of(node.settings) for node in found.ir.nodes.values()]
    assert [rollback.code.source if rollback else "" for rollback in rollbacks] == [
        "async ({ output }) => { await refund(output); }",
        "async rollback() { await recall(); }",
        "",
    ]
