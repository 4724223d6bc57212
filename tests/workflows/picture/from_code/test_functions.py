"""Functions and methods that take steps are drawn where they are called."""

from __future__ import annotations

from tests.workflows.picture.from_code.sketches import (
    MAIN,
    class_with,
    drawn,
    of_files,
    picture,
    sketch,
    sketch_of,
)


def test_a_function_that_gets_the_step_object_is_a_frame_with_its_steps() -> None:
    assert sketch_of("await notify(step, event.payload.mail);", top="""
        async function notify(workflowStep, address) {
          await workflowStep.do(`mail ${address}`, work);
          await workflowStep.sleep("rest", "1 hour");
        }
    """) == drawn("""
        function notify
          :
            do mail ${address}
            sleep rest
    """)  # fmt: skip


def test_a_function_with_one_step_is_that_step() -> None:
    assert sketch_of("""
        const save = (id) => step.do(`save ${id}`, work);
        const first = await save(1);
        await save("second");
    """) == drawn("""
        do save 1
        do save second
    """)


def test_a_return_in_a_function_only_leaves_the_function() -> None:
    assert sketch_of("""
        await remind(step, event);
        await step.do("after", work);
    """, top="""
        const remind = async (step, event) => {
          if (!event.payload.mail) return;
          await step.do("remind", work);
        };
    """) == drawn("""
        function remind
          :
            branch !event.payload.mail
              yes:
                return Return
            do remind
        do after
    """)  # fmt: skip


def test_methods_of_the_class_are_read() -> None:
    assert sketch_of("""
        await this.prepare(step);
        await this.#finish(step);
        await super.archive(step);
    """, methods="""
        async prepare(step) { await step.do("prepare", work); }
        async #finish(s) { await s.do("finish", work); }
    """, top="""
        class Base extends WorkflowEntrypoint {
          async archive(step) { await step.do("archive", work); }
        }
    """, header="export class Flow extends Base {") == drawn("""
        do prepare
        do finish
        do archive
    """)  # fmt: skip


def test_the_step_object_can_be_kept_in_a_field() -> None:
    assert sketch_of("""
        this.step = step;
        await this.first();
        await this.second();
    """, methods="""
        async first() { await this.step.do("first", work); }
        second = async () => { await this.step.sleep("second", 1000); };
    """) == drawn("""
        do first
        sleep second
    """)  # fmt: skip


def test_the_step_object_can_have_other_names() -> None:
    assert sketch_of("""
        const s = step;
        const tools = { s, env: this.env };
        await s.do("alias", work);
        await tools.s.do("in an object", work);
        await help(tools);
        await (step as any).do("asserted", work);
        await step["do"]("in brackets", work);
        await step!.sleep("not null", 1);
    """, top="""
        async function help({ s: inner, env }) { await inner.do("unpacked", work); }
    """) == drawn("""
        do alias
        do in an object
        do unpacked
        do asserted
        do in brackets
        sleep not null
    """)  # fmt: skip


def test_unpacked_methods_are_steps() -> None:
    assert sketch_of("""
        const { do: run, sleep } = step;
        await run("a", work);
        await sleep("b", 5);
    """) == drawn("""
        do a
        sleep b
    """)


def test_objects_of_the_project_can_take_steps() -> None:
    assert sketch_of("""
        const mailer = new Mailer(step, this.env);
        await mailer.send("a@example.com");
        await mailer.sendAll(event.payload.addresses);
    """, top="""
        class Mailer {
          constructor(private readonly step: WorkflowStep, env: Env) {}
          async send(address) { await this.step.do(`mail ${address}`, work); }
          async sendAll(all) { await Promise.all(all.map((each) => this.send(each))); }
        }
    """) == drawn("""
        do mail a@example.com
        parallel_loop each of all
          for each each, in parallel:
            do mail ${address}
    """)  # fmt: skip


def test_handlers_in_a_table_are_alternatives() -> None:
    assert sketch_of("""
        const handlers = { order: handleOrder, refund: handleRefund };
        await handlers[event.payload.kind](step, event);
    """, top="""
        async function handleOrder(step) { await step.do("order", work); }
        const handleRefund = async (step) => { await step.do("refund", work); };
    """) == drawn("""
        switch handlers[event.payload.kind]
          order:
            do order
          refund:
            do refund
    """)  # fmt: skip


def test_a_list_of_tasks_is_read_with_their_names() -> None:
    found = picture("""
        const tasks = { load: async () => 1, save: (s) => s.do("inner", work) };
        for (const [name, run] of Object.entries(tasks)) await step.do(name, run);
        for (const { title, take } of [{ title: "a", take: one }, { title: "b", take: two }]) {
          await take(step);
          await step.sleep(title, 1000);
        }
    """, top="""
        const one = (s) => s.do("one", work);
        const two = async (s) => { await s.do("two", work); };
    """)  # fmt: skip

    assert sketch(found) == drawn("""
        loop [name, run] of Object.entries(tasks)
          for each [name, run]:
            do name
        loop { title, take } of [{ title: "a", take: one }, { title: "b", take: two }]
          for each { title, take }:
            switch take
              one:
                do one
              two:
                do two
            sleep title
    """)
    names = list(found.names.values())
    assert (names[0], names[-1]) == ((("load",), ("save",)), (("a",), ("b",)))


def test_what_a_package_makes_of_the_step_object_may_take_steps() -> None:
    assert sketch_of("""
        const traced = trace(step, "orders");
        await traced.do("charge", work);
        const other = new Traced(step);
        await other.sleep("rest", 1000);
        await other.close();
    """) == drawn("""
        code trace(step, "orders")
        do charge
        code new Traced(step)
        sleep rest
    """)


def test_a_wrapper_of_the_step_object_names_its_steps() -> None:
    found = picture("""
        const orders = named(step, "orders");
        await orders.do("charge", work);
    """, top="""
        function named(step, group) {
          return { do: (name, callback) => step.do(`${group}: ${name}`, callback) };
        }
    """)  # fmt: skip

    assert sketch(found) == "do orders: charge"


def test_a_base_class_calls_the_methods_of_the_class() -> None:
    source = """
        class Base extends WorkflowEntrypoint {
          async run(event, step) {
            await step.do("before", work);
            await this.handle(event, step);
          }
        }
        export class Flow extends Base {
          async handle(event, step) { await step.do("handle", work); }
        }
    """

    assert sketch(of_files({MAIN: source})) == drawn("""
        do before
        do handle
    """)


def test_a_generator_takes_its_steps_where_it_is_iterated() -> None:
    found = picture("""
        for await (const page of pages(step)) await step.do(`save ${page}`, work);
    """, top="""
        async function* pages(step) {
          for (let n = 0; n < 3; n++) yield await step.do(`page ${n}`, work);
        }
    """)  # fmt: skip

    assert sketch(found) == drawn("""
        loop let n = 0; n < 3; n++
          while n < 3:
            do page ${n}
        loop page of pages(step)
          for each page:
            do save ${page}
    """)
    assert found.ir
    assert not any("not awaited" in node.settings.about for node in found.ir.nodes.values())


def test_a_saga_undoes_what_it_has_collected() -> None:
    assert sketch_of("""
        const undo: (() => Promise<void>)[] = [];
        try {
          await step.do("book flight", work);
          undo.push(() => step.do("cancel flight", work));
          await step.do("book hotel", work);
          undo.push(() => step.do("cancel hotel", work));
        } catch (error) {
          for (const cancel of undo.reverse()) await cancel();
          throw error;
        }
    """) == drawn("""
        try try … catch
          try:
            do book flight
            do book hotel
          catch:
            loop cancel of undo.reverse()
              for each cancel:
                switch cancel
                  0:
                    do cancel flight
                  1:
                    do cancel hotel
            throw Throw
    """)


def test_a_function_that_gets_a_callback_calls_it() -> None:
    assert sketch_of("""
        await withLock(step, "orders", async () => {
          await step.do("change", work);
        });
    """, top="""
        async function withLock(step, name, change) {
          await step.do(`lock ${name}`, work);
          try { await change(); } finally { await step.do(`unlock ${name}`, work); }
        }
    """) == drawn("""
        function withLock
          :
            do lock orders
            try try … finally
              try:
                do change
              finally:
                do unlock orders
    """)  # fmt: skip


def test_code_that_is_not_known_is_a_box_with_its_lines() -> None:
    found = picture("""
        await analytics(step, {
          mode: "fast",
        });
        holder.step = step;
        step.rename("x");
    """)

    assert found.ir
    nodes = [(node.type.name, node.name, node.settings.about) for node in found.ir.nodes.values()]
    assert nodes == [
        ("code", 'analytics(step, { mode: "fast", })', "lines 5\u20137"),
        ("code", "holder.step = step", "line 8"),
        ("code", 'step.rename("x")', "line 9"),
    ]


def test_steps_in_callbacks_of_unknown_functions_are_drawn() -> None:
    assert sketch_of("""
        await pMap(ids, async (id) => { await step.do(`id ${id}`, work); }, { concurrency: 3 });
        const value = await retry(() => step.do("again", work));
        await new Queue().add(() => step.do("queued", work));
    """) == drawn("""
        callback pMap(…)
          :
            do id ${id}
        callback retry(…)
          :
            do again
        callback new Queue().add(…)
          :
            do queued
    """)


def test_a_function_that_calls_itself_is_drawn_once() -> None:
    assert sketch_of("""
        const visit = async (node) => {
          await step.do(`visit ${node.id}`, work);
          for (const child of node.children) await visit(child);
        };
        await visit(event.payload);
    """) == drawn("""
        function visit
          :
            do visit ${node.id}
            loop child of node.children
              for each child:
                recursion visit(child)
    """)


def test_steps_inside_the_work_of_a_step_are_inside_its_frame() -> None:
    assert sketch_of("""
        await step.do("outer", async () => {
          await step.do("inner", work);
        });
    """) == drawn("""
        do outer
          inside the step:
            do inner
    """)


def test_functions_are_read_from_other_files() -> None:
    main = class_with(
        """
        await charge(step, event.payload);
        await mails.confirm(step);
        await ship(step);
        """,
        top="""
        import { pay as charge } from "./payments";
        import * as mails from "../lib/mails.js";
        import ship from "./shipping/index";
        """,
    )
    files = {
        MAIN: main,
        "src/payments.ts": 'export { pay } from "./stripe/pay";',
        "src/stripe/pay.ts": 'export const pay = async (s, p) => { await s.do("pay", work); };',
        "lib/mails.ts": 'export async function confirm(step) { await step.do("confirm", work); }',
        "src/shipping/index.tsx": "export default async function (step) {"
        ' await step.do("pack", work); await step.do("send", work); }',
    }

    found = of_files(files)

    assert sketch(found) == drawn("""
        do pay
        do confirm
        function ship
          :
            do pack
            do send
    """)
    assert {place.file for place in found.places.values()} == {
        MAIN,
        "src/stripe/pay.ts",
        "lib/mails.ts",
        "src/shipping/index.tsx",
    }


def test_functions_of_packages_are_unknown_code() -> None:
    assert sketch_of("await run(step);", top='import { run } from "steps-toolkit";') == drawn(
        "code run(step)"
    )


def test_names_mean_what_they_mean_where_they_are_used() -> None:
    assert sketch_of("""
        await step.do("outside", work);
        {
          const step = { do: async () => {} };
          await step.do("not a step", work);
        }
        await other(1);
    """, top="""
        async function other(step) { await step.do("not a step either", work); }
    """) == drawn("""
        do outside
    """)  # fmt: skip
