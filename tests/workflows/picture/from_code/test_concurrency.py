"""Work that is started in one place and awaited in a later one is drawn side by side."""

from __future__ import annotations

from tests.workflows.picture.from_code.sketches import drawn, picture, sketch_of


def test_all_waits_for_several_steps() -> None:
    assert sketch_of("""
        const [user, orders] = await Promise.all([
          step.do("load user", work),
          step.do("load orders", work),
        ]);
        await step.do("report", work);
    """) == drawn("""
        parallel Promise.all
          :
            do load user
          :
            do load orders
        do report
    """)


def test_a_race_is_decided_by_the_first_of_its_arms() -> None:
    assert sketch_of("""
        await Promise.race([
          step.waitForEvent("payment", { type: "paid", timeout: "30 minutes" }),
          step.sleep("too late", "20 minutes").then(() => { throw new Error("too late"); }),
        ]);
        await Promise.any([step.do("mirror 1", work), step.do("mirror 2", work)]);
    """) == drawn("""
        race Promise.race
          :
            wait_for_event payment
          :
            sleep too late
            throw Throw
        race Promise.any
          :
            do mirror 1
          :
            do mirror 2
    """)


def test_what_a_combination_waits_for_is_shown() -> None:
    found = picture("""
        await Promise.allSettled([step.do("a", work), step.do("b", work)]);
        await Promise.allSettled(list.map((item) => step.do(`item ${item}`, work)));
    """)

    assert found.ir
    abouts = [node.settings.about for node in found.ir.nodes.values() if node.type.container]
    assert abouts == [
        "waits even if some fail",
        "Promise.allSettled",
    ]


def test_items_of_a_list_are_processed_in_parallel() -> None:
    assert sketch_of("""
        await Promise.all(files.map(async (file) => {
          const text = await step.do(`read ${file}`, work);
          if (!text) return;
          await step.do(`summarize ${file}`, work);
        }));
    """) == drawn("""
        parallel_loop file of files
          for each file, in parallel:
            do read ${file}
            branch !text
              yes:
                return Return
            do summarize ${file}
    """)


def test_batches_are_a_loop_around_parallel_items() -> None:
    assert sketch_of("""
        for (let i = 0; i < ids.length; i += 10) {
          const batch = ids.slice(i, i + 10);
          await Promise.all(batch.map((id) => step.do(`save ${id}`, work)));
        }
    """) == drawn("""
        loop let i = 0; i < ids.length; i += 10
          while i < ids.length:
            parallel_loop id of batch
              for each id, in parallel:
                do save ${id}
    """)


def test_promises_can_be_collected_in_a_list() -> None:
    assert sketch_of("""
        const saved = [];
        for (const id of ids) saved.push(step.do(`save ${id}`, work));
        await Promise.all(saved);
        const tasks = [step.do("first", work), step.do("second", work)];
        tasks.push(step.do("third", work));
        const all = Promise.all(tasks);
        await all;
    """) == drawn("""
        parallel_loop id of ids
          for each id, in parallel:
            do save ${id}
        parallel Promise.all
          :
            do first
          :
            do second
          :
            do third
    """)


def test_steps_in_variables_run_until_they_are_awaited() -> None:
    assert sketch_of("""
        const user = step.do("load user", work);
        const orders = step.do("load orders", work);
        await user;
        await orders;
        await step.do("after", work);
    """) == drawn("""
        parallel At the same time
          :
            do load user
          :
            do load orders
        do after
    """)


def test_what_happens_until_a_promise_is_awaited_is_an_arm() -> None:
    assert sketch_of("""
        const report = step.do("report", work);
        await step.do("ship", work);
        await step.sleep("wait", "1 day");
        const text = await report;
        await step.do("send", work);
    """) == drawn("""
        parallel At the same time
          :
            do report
          :
            do ship
            sleep wait
        do send
    """)


def test_a_step_that_is_awaited_immediately_is_not_concurrent() -> None:
    assert sketch_of("""
        const started = step.do("first", work);
        const value = await started;
        const results = await Promise.all([step.do("second", work)]);
        await Promise.all([await step.do("third", work), await step.do("fourth", work)]);
    """) == drawn("""
        do first
        do second
        do third
        do fourth
    """)


def test_a_step_that_is_never_awaited_says_so() -> None:
    found = picture("""
        step.do("forgotten", async () => send());
        list.forEach(async (item) => { await step.do(`item ${item}`, work); });
        await step.do("last", work);
    """)

    assert found.ir
    abouts = {node.name: node.settings.about for node in found.ir.nodes.values()}
    assert abouts["forgotten"] == "not awaited \u00b7 send()"
    assert abouts["item of list"] == "not awaited"
    assert abouts["last"] == "work"


def test_functions_that_are_called_together_run_side_by_side() -> None:
    assert sketch_of("""
        const [a, b] = await Promise.all([
          (async () => {
            await step.do("a1", work);
            return step.do("a2", work);
          })(),
          bill(step),
        ]);
    """, top="""
        async function bill(step) {
          await step.sleep("b1", 1000);
          await step.do("b2", work);
        }
    """) == drawn("""
        parallel Promise.all
          :
            do a1
            do a2
          :
            function bill
              :
                sleep b1
                do b2
    """)  # fmt: skip


def test_chains_of_promises_are_read_like_statements() -> None:
    assert sketch_of("""
        const result = await step.do("first", work)
          .then((value) => step.do("second", async () => value))
          .catch(() => step.do("failed", work))
          .finally(() => step.do("last", work));
    """) == drawn("""
        try try … finally
          try:
            try try … catch
              try:
                do first
                do second
              catch:
                do failed
          finally:
            do last
    """)


def test_an_error_that_a_promise_ignores_has_an_empty_handler() -> None:
    assert sketch_of("""
        await step.do("try", work).catch(() => null);
        await step.do("then", work).then((value) => value.id);
    """) == drawn("""
        try try … catch
          try:
            do try
          catch:
        do then
    """)


def test_numbered_workers_run_in_parallel() -> None:
    assert sketch_of("""
        await Promise.all(Array.from({ length: 3 }, (_, i) => step.do(`worker ${i}`, work)));
    """) == drawn("""
        parallel_loop i of { length: 3 }
          for each i, in parallel:
            do worker ${i}
    """)


def test_a_reduction_runs_one_item_after_the_other() -> None:
    assert sketch_of("""
        await items.reduce(async (before, item) => {
          await before;
          await step.do(`item ${item.id}`, work);
        }, Promise.resolve());
    """) == drawn("""
        loop item of items
          for each item:
            do item ${item.id}
    """)


def test_promises_in_objects_and_conditions_are_awaited() -> None:
    assert sketch_of("""
        const running = { a: step.do("a", work), b: step.do("b", work) };
        const c = event.payload.c ? step.do("c", work) : null;
        await running.a;
        await running.b;
        if (event.payload.late) { await c; }
        await step.do("after", work);
    """) == drawn("""
        parallel At the same time
          :
            do a
          :
            do b
          :
            branch event.payload.c
              yes:
                do c
              otherwise:
        do after
    """)
