"""Statements of a class become the nodes of its picture, in the order of the code."""

from __future__ import annotations

from tests.workflows.picture.from_code.sketches import drawn, picture, sketch_of


def test_steps_are_drawn_in_the_order_of_the_code() -> None:
    assert sketch_of("""
        const files = await step.do("my first step", async () => ["a.pdf"]);
        await step.sleep("wait on something", "1 minute");
        await step.sleepUntil("tomorrow", new Date(event.payload.date));
        const answer = await step.waitForEvent("answer", { type: "reply", timeout: "1 day" });
        return files;
    """) == drawn("""
        do my first step
        sleep wait on something
        sleep_until tomorrow
        wait_for_event answer
    """)


def test_an_approval_takes_one_of_two_arms() -> None:
    assert sketch_of("""
        const answer = await step.waitForEvent("approval", { type: "approve", timeout: "5 minutes" });
        if (answer.payload.approved) {
          await step.do("publish", async () => {});
        } else {
          await step.do("reject", async () => {});
        }
    """) == drawn("""
        wait_for_event approval
        branch answer.payload.approved
          yes:
            do publish
          otherwise:
            do reject
    """)


def test_a_chain_of_conditions_is_one_branch() -> None:
    assert sketch_of("""
        if (total > 1000) await step.do("call", work);
        else if (total > 100) await step.do("mail", work);
        else if (total > 10) console.log("small");
        else await step.do("ignore", work);
    """) == drawn("""
        branch if … else if … else
          total > 1000:
            do call
          total > 100:
            do mail
          total > 10:
          otherwise:
            do ignore
    """)


def test_a_condition_with_a_step_comes_before_its_branch() -> None:
    assert sketch_of("""
        if (await step.do("is new", work)) {
          await step.do("welcome", work);
        } else if (await step.do("is old", work)) {
          await step.do("thank", work);
        }
    """) == drawn("""
        do is new
        branch await step.do("is new", work)
          yes:
            do welcome
          otherwise:
            do is old
            branch await step.do("is old", work)
              yes:
                do thank
    """)


def test_a_return_is_drawn_unless_nothing_follows() -> None:
    assert sketch_of("""
        if (!event.payload.ok) {
          return;
        }
        if (event.payload.fast) {
          return await step.do("fast", work);
        } else {
          return await step.do("slow", work);
        }
    """) == drawn("""
        branch !event.payload.ok
          yes:
            return Return
        branch event.payload.fast
          yes:
            do fast
          otherwise:
            do slow
    """)


def test_code_after_a_return_is_not_drawn() -> None:
    assert sketch_of("""
        if (event.payload.fast) {
          return 1;
          await step.do("never", work);
        }
        await step.do("slow", work);
    """) == drawn("""
        branch event.payload.fast
          yes:
            return Return
        do slow
    """)


def test_errors_are_drawn_with_their_message() -> None:
    found = picture("""
        if (!event.payload.mail) throw new NonRetryableError("no address");
        await step.do("send", work);
    """)

    assert found.ir
    node = found.ir.nodes["src/index.ts:5#2"]
    assert (node.name, node.settings.about) == ("Throw", "NonRetryableError: no address")


def test_code_without_steps_is_not_drawn() -> None:
    assert sketch_of("""
        let total = 0;
        for (const item of event.payload.items) { if (item.free) continue; total += item.price; }
        if (total > 100) { console.log("much"); }
        try { JSON.parse(text); } catch { total = 1; }
        switch (total) { case 1: total = 2; break; default: total = 3; }
        await step.do("charge", async () => pay(total));
    """) == drawn("do charge")


def test_a_class_without_steps_is_one_box_with_its_lines() -> None:
    found = picture("\nreturn await fetch(event.payload.url);\n")

    assert found.ir
    [node] = found.ir.nodes.values()
    assert (node.type.name, node.name) == ("code", "Code without steps")
    assert node.settings.about == "lines 4\u20137"


def test_loops_are_drawn_with_what_they_repeat() -> None:
    assert sketch_of("""
        for (const file of files) {
          await step.do(`process ${file.key}`, work);
        }
        for (let i = 0; i < 3; i++) await step.sleep(`pause ${i}`, 1000);
        for (const key in totals) await step.do(key, work);
        for await (const chunk of stream()) await step.do("chunk", work);
        while (!done) { done = await step.do("check", work); }
        do { cursor = await step.do("page", work); } while (cursor);
    """) == drawn("""
        loop file of files
          for each file:
            do process ${file.key}
        loop let i = 0; i < 3; i++
          while i < 3:
            sleep pause ${i}
        loop key in totals
          for each key:
            do key
        loop chunk of stream()
          for each chunk:
            do chunk
        loop while !done
          while condition holds:
            do check
        loop while cursor
          once, then while condition holds:
            do page
    """)


def test_polling_leaves_its_loop() -> None:
    assert sketch_of("""
        let attempt = 0;
        while (true) {
          const state = await step.do(`check ${attempt}`, work);
          if (state === "done") break;
          if (state === "again") { attempt++; continue; }
          await step.sleep(`wait ${attempt}`, "30 seconds");
        }
        await step.do("finish", work);
    """) == drawn("""
        loop until it is left
          repeats:
            do check ${attempt}
            branch state === "done"
              yes:
                break Leave the loop
            branch state === "again"
              yes:
                continue Next iteration
            sleep wait ${attempt}
        do finish
    """)


def test_labels_name_the_loop_that_is_left() -> None:
    found = picture("""
        outer: for (const a of list) {
          for (const b of a.items) {
            const ok = await step.do(`b ${b}`, work);
            if (!ok) continue outer;
          }
        }
    """)

    assert found.ir
    [about] = (n.settings.about for n in found.ir.nodes.values() if n.type.name == "continue")
    assert about == "of outer"


def test_cases_of_a_switch_are_arms() -> None:
    assert sketch_of("""
        switch (event.payload.kind) {
          case "card":
          case "bank": {
            await step.do("charge", work);
            break;
          }
          case Kind.Cash:
            await step.do("count", work);
            return;
          default:
            throw new Error("unknown");
        }
        await step.do("after", work);
    """) == drawn("""
        switch event.payload.kind
          card, bank:
            do charge
          Kind.Cash:
            do count
            return Return
          default:
            throw Throw
        do after
    """)


def test_cases_that_fall_through_meet() -> None:
    assert sketch_of("""
        switch (kind) {
          case "cash": await step.do("count", work);
          case "voucher": await step.do("book", work);
          case "gift": await step.do("thank", work); break;
          default: await step.do("refuse", work);
        }
    """) == drawn("""
        switch kind
          cash: then book
            do count
          voucher: then book
          gift: then thank
          default:
            do refuse
          shared: then thank
            do book
          shared:
            do thank
    """)


def test_errors_are_caught_and_cleaned_up_after() -> None:
    assert sketch_of("""
        try {
          await step.do("reserve", work);
          await step.do("charge", work);
        } catch (error) {
          await step.do("release", work);
          throw error;
        } finally {
          await step.do("log", work);
        }
    """) == drawn("""
        try try … catch … finally
          try:
            do reserve
            do charge
          catch:
            do release
            throw Throw
          finally:
            do log
    """)


def test_a_timeout_of_a_wait_that_is_ignored_has_an_empty_handler() -> None:
    assert sketch_of("""
        try {
          await step.waitForEvent("payment", { type: "paid", timeout: "1 hour" });
        } catch {
          console.log("not paid");
        }
        await step.do("continue", work);
    """) == drawn("""
        try try … catch
          try:
            wait_for_event payment
          catch:
        do continue
    """)


def test_steps_in_expressions_may_be_left_out() -> None:
    assert sketch_of("""
        const a = event.payload.a ? await step.do("a", work) : await step.do("b", work);
        const c = a ?? (await step.do("default", work));
        event.payload.mail && (await step.do("mail", work));
        event.payload.quiet || (await step.do("ring", work));
        const d = await (event.payload.d ? step.do("d1", work) : null);
        console.log([await step.do("in a list", work)], { e: await step.do("in an object", work) });
    """) == drawn("""
        branch event.payload.a
          yes:
            do a
          otherwise:
            do b
        branch a
          null or undefined:
            do default
        branch event.payload.mail
          yes:
            do mail
        branch event.payload.quiet
          no:
            do ring
        branch event.payload.d
          yes:
            do d1
          otherwise:
        do in a list
        do in an object
    """)


def test_each_node_knows_its_lines() -> None:
    found = picture('await step.do("first",\n  work,\n);')

    [place] = found.places.values()
    assert (place.file, place.line, place.end_line) == ("src/index.ts", 4, 6)
