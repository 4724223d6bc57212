"""Statements and expressions of a class become the nodes of its picture, in the order of the code."""

from __future__ import annotations

from tests.workflows.picture.from_code.sketches import lines, picture, sketch_of


def test_steps_are_drawn_in_the_order_of_the_code() -> None:
    assert sketch_of("""
        const first = await step.do("first", async () => 1);
        await step.sleep("pause", "1 hour");
        await step.sleepUntil("tomorrow", new Date(event.payload.date));
        const answer = await step.waitForEvent("answer", { type: "reply", timeout: "1 day" });
        return first;
    """) == lines("""
        do first
        sleep pause
        sleep_until tomorrow
        wait_for_event answer
    """)


def test_steps_started_together_and_awaited_later_run_at_the_same_time() -> None:
    assert sketch_of("""
        const a = step.do("a", work);
        const b = step.do("b", work);
        await a;
        await b;
        await step.do("after", work);
    """) == lines("""
        parallel At the same time
          :
            do a
          :
            do b
        do after
    """)


def test_a_return_in_a_branch_is_drawn_unless_nothing_follows() -> None:
    assert sketch_of("""
        if (!event.payload.ok) {
            return;
        }
        if (event.payload.fast) {
            return await step.do("fast", work);
        } else {
            return await step.do("slow", work);
        }
    """) == lines("""
        branch !event.payload.ok
          yes:
            return Return
        branch event.payload.fast
          yes:
            do fast
          otherwise:
            do slow
    """)


def test_code_without_steps_is_not_drawn() -> None:
    assert sketch_of("""
        let total = 0;
        for (const item of event.payload.items) total += item.price;
        if (total > 100) { console.log("much"); }
        await step.do("charge", async () => pay(total));
    """) == "do charge"  # fmt: skip


def test_each_node_knows_its_lines() -> None:
    found = picture('await step.do("first",\n  work,\n);')

    [place] = found.places.values()
    assert (place.file, place.line, place.end_line) == ("src/index.ts", 5, 7)
