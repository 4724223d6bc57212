"""`race`: runs all arms until the first one finishes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from workflows.codegen.steps.computed_settings import DURATION, SHOWN
from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_labels import duration_text
from workflows.ir.document.node_types import Category, Container, NodeType
from workflows.ir.document.step_policy import (
    NOT_RETRIED,
    RETRY_DELAY_CODE,
    StepPolicy,
    read_policy,
    retry_fields,
)
from workflows.ir.reading.durations import MAX_DURATION
from workflows.ir.reading.fields import Duration
from workflows.ir.reading.reader import Reader

_FIELDS: Final = retry_fields(
    retryLimit={
        "default": 0,
        "help": "How many times a failed race is retried.",
        "details": (
            "A value above 0 repeats every step of the arms, including finished ones, and causes a "
            "warning"
        ),
    },
    sensitive={
        "help": "Hides the output of the race from everyone; other nodes can use it as usual.",
        "details": (
            "A race that contains a sensitive node is always sensitive, because its output contains the "
            "outputs of its arms"
        ),
    },
    timeout={
        "help": "How long the race may take. A longer wait inside the race is rejected.",
        "details": ("`wait_for_event` waits for 24 hours by default, so give it a `timeout` here"),
    },
)
_OF_ONE_STEP: Final = (RETRY_DELAY_CODE.name, NOT_RETRIED.name)
FIELDS: Final = tuple(field for field in _FIELDS if field.name not in _OF_ONE_STEP)


def read(data: Reader) -> StepPolicy:
    """Read the timeout and the retries, which are 0 by default.

    The arms retry their own steps, and a second race would repeat those that have finished.
    """
    policy = read_policy(data, FIELDS)
    if policy.limit:
        inner = data.config.child("retries") if data.config else None
        reader, key = (inner, "limit") if inner and inner.has("limit") else (data, "retryLimit")
        reader.warning(
            key,
            "repeats all steps of the arms, even those that have finished: set it to 0 to avoid that",
        )
    return policy


def about(settings: StepPolicy) -> str:
    """Return how long the race may take."""
    return f"first arm within {duration_text(settings.timeout)}"


def emit(node: Node, out: Emitter) -> None:
    """Write the race as one durable step, so that a replay has the same winner.

    The result includes the values of the arms that are read later, because a replay does not run the
    arms again and arms that lost must not change these values afterwards.
    """
    values = out.values_read_after(node)
    with _callback(node, out, values):
        out.arms(node)
    variable = out.assign(node)
    has_break = out.has_break(node)
    won = out.unique_name("won", node) if variable or values or has_break else ""
    call = "runRace(step, {" if values or node.settings.limit else "step.do("
    out.line(f"const {won} = await {call}" if won else f"await {call}")
    with out.indented():
        _race(node, out, values) if "{" in call else _step(node, out)
    out.line("});" if "{" in call else ");")
    if values:
        out.line(f"({_object(values)} = {won}.values);")
    if variable:
        out.line(*variable, f"{won}.value;")
    if has_break:
        out.break_out_if(f"{won}.isLeft", node)


def _policy(node: Node, out: Emitter) -> None:
    """Write the policy of the race; its output contains the values of its arms, which may be sensitive."""
    out.policy(node.settings, is_sensitive=out.is_sensitive(node))


def _step(node: Node, out: Emitter) -> None:
    """Write the arguments of a step, for a race that is tried once and leaves no values."""
    out.line(out.step_name(node), ",")
    _policy(node, out)
    out.line(out.callback_name(node), ",")


def _race(node: Node, out: Emitter, values: list[str]) -> None:
    """Write the argument of the helper, which retries the race and keeps its values."""
    for helper in (SHOWN, DURATION, HELPER):
        out.add_helper(helper)
    out.line("name: (part) => ", out.step_name(node, part="part"), ",")
    out.line("config:")
    _policy(node, out)
    out.line(f"run: {out.callback_name(node)},")
    if values:
        out.line(f"restore: (values) => ({_object(values)} = values),")


@contextmanager
def _callback(node: Node, out: Emitter, values: list[str]) -> Iterator[None]:
    """Write the function that runs the arms, which are written inside the `with` block.

    It receives the text that distinguishes the steps of later attempts from those of the first.
    """
    attempt = out.unique_name("attempt", node) if node.settings.limit else ""
    parameters = f"{attempt or '_attempt'}: string" if attempt or values else ""
    parameters += ", keep: (values: () => any) => void" if values else ""
    out.line(f"const {out.callback_name(node)} = async ({parameters}): Promise<any> => {{")
    with out.indented(), out.attempted(attempt):
        if values:
            out.line(f"let {', '.join(f'{name}: any' for name in values)};")
            out.line(f"keep(() => ({_object(values)}));")
        first = out.unique_name("first", node)
        out.line(f"const {first} = await Promise.race([")
        yield
        out.line("]);")
        result = f"{{ ...{first}, values: {_object(values)} }}" if values else first
        out.line(f"return {result};")
    out.line("};")


def _object(names: list[str]) -> str:
    return f"{{ {', '.join(names)} }}"


def timeout(settings: StepPolicy) -> Duration:
    """Return the timeout of the durable step that contains the arms."""
    return settings.timeout


def max_attempts(settings: StepPolicy) -> int:
    """Return how many times the arms may run."""
    return settings.limit + 1


def step_count(settings: StepPolicy) -> int:
    """Return one step for each attempt, without the one that stores the values of a failed race."""
    return max_attempts(settings)


TYPE = NodeType(
    name="race",
    title="Race",
    category=Category.CONCURRENT,
    summary="Runs all arms at the same time; the first one to finish wins.",
    docs="nodes/race.md",
    icon="race",
    fields=FIELDS,
    about=about,
    read=read,
    container=Container(
        labels=None,
        concurrent=True,
        step_timeout=timeout,
        max_iterations=max_attempts,
    ),
    output="any",
    emit=emit,
    step_count=step_count,
    step_suffixes=("", ": wait", ": values"),
)

_TIME_TO_STORE: Final = 2 * 60 * 1000  # milliseconds, for a step of its own

HELPER: Final = f"""\
type RaceCall = {{
  name: (part: string) => string;
  config: any;
  run: (attempt: string, keep: (values: () => any) => void) => Promise<any>;
  restore?: (values: any) => void;
}};

/**
 * Runs a race. Each attempt is a separate durable step, so that its arms never get the results of an
 * earlier attempt. The values of a race that fails are stored before its failure is, so a run that is
 * interrupted in between runs the race again, and one that is interrupted later finds them.
 */
async function runRace(step: WorkflowStep, race: RaceCall): Promise<any> {{
  const {{ limit, delay, backoff }} = race.config.retries;
  const timeout = asMilliseconds(race.config.timeout, race.name(""));
  const config = {{ ...race.config, retries: {{ limit: 0, delay, backoff }} }};
  if (race.restore) config.timeout = timeout + {_TIME_TO_STORE};
  const retries = {{ limit: 5, delay: 1000, backoff: "constant" }};
  const storing = {{ ...race.config, retries, timeout: 60_000 }};
  for (let attempt = 1; ; attempt++) {{
    const part = attempt > 1 ? ` (attempt ${{attempt}})` : "";
    let made = (): any => ({{}});
    let stored: Promise<any> | undefined;
    const store = () => (stored ??= step.do(race.name(": values"), storing, async () => made()));
    const isFinal = (error: any) =>
      attempt > limit ||
      [error?.name, error?.message].some((text) => /^NonRetryableError/.test(text));
    const run = () => race.run(part, (values) => (made = values));
    const runAndStore = async () => {{
      try {{
        return await inTime(run(), timeout);
      }} catch (error) {{
        if (isFinal(error)) await store();
        throw error;
      }}
    }};
    try {{
      return await step.do(race.name(part), config, race.restore ? runAndStore : run);
    }} catch (error) {{
      if (isFinal(error)) {{
        race.restore?.(await store());
        throw error;
      }}
    }}
    const growths: Record<string, number> = {{ linear: attempt, exponential: 2 ** (attempt - 1) }};
    const pause = asMilliseconds(delay, race.name("")) * (growths[backoff] ?? 1);
    await step.sleep(race.name(": wait"), Math.max(1, Math.min(pause, {MAX_DURATION})));
  }}
}}

/** Fails like a step that takes too long, but early enough to store values. */
async function inTime(work: Promise<any>, timeout: number): Promise<any> {{
  if (timeout > 2 ** 31 - 1) return work; // longer than a timer can wait
  const error = new Error(`Execution timed out after ${{timeout}}ms`);
  error.name = "WorkflowTimeoutError";
  let timer: any;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(error), timeout)));
  try {{
    return await Promise.race([work, late]);
  }} finally {{
    clearTimeout(timer);
  }}
}}
"""
