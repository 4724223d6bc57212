"""`parallel`: runs all arms concurrently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workflows.codegen.steps.emitter import Emitter
from workflows.ir.document.model import Node
from workflows.ir.document.node_types import Category, Container, NodeType
from workflows.ir.reading.reader import Reader
from workflows.ir.settings.field_values import read_choice
from workflows.ir.settings.setting_field import FieldKind, SettingField

ON_ERROR: Final = SettingField(
    name="onError",
    kind=FieldKind.SELECT,
    label="If an arm fails",
    help="`fail`: the node fails once all arms have finished; `collect`: the output contains the errors.",
    default="fail",
    options=("fail", "collect"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """With `collects`, errors of arms are part of the output; otherwise they fail the node."""

    collects: bool


def read(data: Reader) -> Settings:
    """Read what happens if an arm fails; by default, the node fails."""
    return Settings(collects=read_choice(data, ON_ERROR) == "collect")


def collects_errors(settings: Settings) -> bool:
    """Whether the workflow continues even if an arm fails."""
    return settings.collects


def about(settings: Settings) -> str:
    """Return what happens if an arm fails."""
    return "collects errors" if settings.collects else "waits for all arms"


def emit(node: Node, out: Emitter) -> None:
    """Write the concurrent arms, and the `break` that follows if one of them breaks."""
    collects = node.settings.collects
    out.add_helper(COLLECT if collects else ALL)
    flag = out.unique_name("left", node)
    has_break = out.has_break(node)
    if has_break:
        out.line(f"let {flag} = false;")
    out.line(*out.assign(node), f"await {'collectArms' if collects else 'allArms'}([")
    out.arms(node, flag=flag)
    out.line("]);")
    if has_break:
        out.break_out_if(flag, node)


TYPE = NodeType(
    name="parallel",
    title="Parallel",
    category=Category.CONCURRENT,
    summary="Runs all arms at the same time and waits for all of them.",
    docs="nodes/parallel.md",
    icon="parallel",
    fields=(ON_ERROR,),
    about=about,
    read=read,
    container=Container(labels=None, concurrent=True, collects_errors=collects_errors),
    output="any[]",
    emit=emit,
)

ALL: Final = """\
/** Waits until every arm has ended, so that none is still running when the workflow continues. */
async function allArms(arms: Promise<any>[]): Promise<any[]> {
  const ended = await Promise.allSettled(arms);
  for (const arm of ended) {
    if (arm.status === "rejected") throw arm.reason;
  }
  return ended.map((arm) => (arm as PromiseFulfilledResult<any>).value);
}
"""

COLLECT: Final = """\
type ArmResult = { status: string; value?: any; error?: { name: string; message: string } };

/** Waits until every arm has ended, and returns the result or the error of each. */
async function collectArms(arms: Promise<any>[]): Promise<ArmResult[]> {
  const ended = await Promise.allSettled(arms);
  return ended.map((arm) => {
    if (arm.status === "fulfilled") return { status: arm.status, value: arm.value };
    const { name = "Error", message = String(arm.reason) } = arm.reason ?? {};
    return { status: arm.status, error: { name, message } };
  });
}
"""
