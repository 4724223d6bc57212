"""The wrangler configuration of a project."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.workflows.documents.projects.corpus import BAD, GOOD, HEAD, SOURCES, WORKFLOW
from tests.workflows.documents.projects.examples import FILES, STARTER
from workflows.documents.projects.config import (
    ProjectBinding,
    ProjectConfig,
    ProjectWorkflow,
    read_config,
)
from workflows.documents.projects.files import ProjectFiles
from workflows.documents.projects.wrangler.bounds import MAX_CONFIG_BYTES
from workflows.documents.projects.wrangler.keys import KEYS
from workflows.ir.deploy.deploy_settings import Consumer, Route
from workflows.ir.reading.bindings import BindingKind


def _read(toml: str) -> ProjectConfig:
    return read_config({**SOURCES, "wrangler.toml": toml})


def _with(text: str) -> ProjectConfig:
    """Return a configuration with these keys before the Workflow, without problems."""
    config = _read(f"{HEAD}{text}{WORKFLOW}")
    assert not config.problems
    return config


def _problem(text: str) -> str:
    [problem] = _read(f"{HEAD}{text}{WORKFLOW}").problems
    return str(problem)


def test_the_configuration_of_the_starter_is_read() -> None:
    config = read_config(dict(FILES))
    assert not config.problems
    assert (config.file, config.name, config.main) == (
        "wrangler.toml",
        "workflows-starter",
        "src/index.ts",
    )
    assert config.workflows == (
        ProjectWorkflow(
            name="workflows-starter", binding="MY_WORKFLOW", class_name="MyWorkflow", line=8
        ),
    )
    assert config.settings.compatibility_date == "2024-10-22"


def test_a_worker_can_have_several_workflows_and_use_those_of_others() -> None:
    config = _with(
        '[[workflows]]\nname = "a"\nbinding = "A"\nclass_name = "First"\nschedules = "0 3 * * *"\nlimits.steps = 50\n'
        '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "Second"\nscript_name = "other"\n'
    )
    assert config.workflows == (
        ProjectWorkflow(
            name="a",
            binding="A",
            class_name="First",
            settings={"limits": {"steps": 50}, "schedules": ["0 3 * * *"]},
            line=5,
        ),
        ProjectWorkflow(name="orders", binding="ORDERS", class_name="Orders", line=16),
    )
    assert config.bindings == (
        ProjectBinding(
            name="B",
            kind=BindingKind.WORKFLOW,
            resource="b",
            class_name="Second",
            script="other",
            line=12,
        ),
    )


def test_settings_of_a_workflow_of_another_worker_are_refused() -> None:
    entry = '[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nscript_name = "other"\nschedules = "0 3 * * *"\n'
    assert _problem(entry) == (
        'wrangler.toml, line 9: workflows[0].schedules: belongs to the Worker "other": set it there, and remove it '
        "here"
    )


def test_what_the_file_does_not_set_is_as_wrangler_deploys_it() -> None:
    deploy = _with("").settings
    assert (deploy.workers_dev, deploy.preview_urls, deploy.compatibility_flags) == (
        True,
        False,
        (),
    )
    assert (deploy.observability, deploy.logpush, deploy.placement, deploy.cpu_ms) == (
        False,
        False,
        "off",
        None,
    )
    assert not _with(
        'routes = [{ pattern = "a.com/*", zone_name = "a.com" }]\n'
    ).settings.workers_dev
    [consumer] = _with('[[queues.consumers]]\nqueue = "jobs"\n').settings.consumers
    assert consumer == Consumer(
        queue="jobs", max_batch_size=10, max_batch_timeout=5, max_retries=3, retry_delay=0
    )


def test_routes_domains_and_schedules_become_deploy_settings() -> None:
    deploy = _with(
        'routes = [{ pattern = "a.com/x/*", zone_name = "a.com" }, { pattern = "b.com", custom_domain = true }]\n'
        'triggers.crons = ["*/5 * * * *"]\n'
    ).settings
    assert deploy.routes == (Route(pattern="a.com/x/*", zone="a.com"),)
    assert (deploy.custom_domains, deploy.crons) == (("b.com",), ("*/5 * * * *",))


def test_options_that_deploy_settings_do_not_have_are_kept() -> None:
    config = _with(
        "[limits]\ncpu_ms = 50\nsubrequests = 100\n[observability]\nenabled = true\nlogs = { invocation_logs = false }\n"
        '[placement]\nregion = "aws:eu-central-1"\n'
    )
    assert config.worker_options == {
        "limits": {"subrequests": 100},
        "observability": {"logs": {"invocation_logs": False}},
        "placement": {"region": "aws:eu-central-1", "mode": "targeted"},
    }
    assert (config.settings.cpu_ms, config.settings.observability, config.settings.placement) == (
        50,
        True,
        "off",
    )


def test_paths_of_the_bundler_are_normalized() -> None:
    config = _with('tsconfig = "./tsconfig.json"\nbase_dir = "src/../src/"\nminify = true\n')
    assert config.bundling == {"tsconfig": "tsconfig.json", "base_dir": "src", "minify": True}


@pytest.mark.parametrize(
    "text",
    [
        'tsconfig = "../tsconfig.json"\n',
        'base_dir = "/src"\n',
        'base_dir = "src/../.."\n',
        'base_dir = "C:/"\n',
        'alias = { a = "../a.ts" }\n',
        'alias = { a = "/etc/passwd" }\n',
        'alias = { a = "file:///etc/passwd" }\n',
        'rules = [{ type = "Text", globs = ["../**"] }]\n',
        'rules = [{ type = "Text", globs = ["**/*.txt", "/etc/*"] }]\n',
        'rules = [{ type = "Text", globs = ["a/../../*"] }]\n',
        'rules = [{ type = "Text", globs = ["..\\\\*"] }]\n',
    ],
)
def test_paths_outside_of_the_project_are_refused(text: str) -> None:
    assert "must be a path inside the project" in _problem(text)


@pytest.mark.parametrize(
    ("main", "reason"),
    [
        ("src/index", '"src/index" does not exist: did you mean "src/index.js"?'),
        ("src/index.jsx", 'did you mean "src/index.js"?'),
        ("src", "does not exist"),
        ("/src/index.ts", "must be a path inside the project"),
        ("../x/src/index.ts", "must be a path inside the project"),
        ("wrangler.toml", "must be a TypeScript or JavaScript file"),
        ("", "must be a path inside the project"),
    ],
)
def test_the_entry_point_has_to_exist(main: str, reason: str) -> None:
    text = HEAD.replace('"src/index.ts"', json.dumps(main)) + WORKFLOW
    [problem] = _read(text).problems
    assert (problem.key, problem.line) == ("main", 2)
    assert reason in problem.message


def test_durable_objects_are_refused_with_their_line_and_the_way_out() -> None:
    problem = _problem('[[durable_objects.bindings]]\nname = "A"\nclass_name = "A"\n')
    assert problem.startswith("wrangler.toml, line 4: durable_objects: is not supported")
    assert "service binding" in problem


def test_a_build_command_is_refused_because_it_is_never_run() -> None:
    assert "wrangler.toml, line 5: build.command: is never run" in _problem(
        '[build]\ncommand = "make"\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('mainn = "x"\n', "line 4: mainn: is not a key that wrangler knows here: did you mean main?"),
        ("[observability]\nenabledd = true\nenabled = true\n", "line 5: observability.enabledd: is not a key"),
        ('kv_namespaces = [{ bindingg = "A" , binding = "B"}]\n', "kv_namespaces[0].bindingg: is not a key"),
        ('"a.b" = 1\n', 'line 4: "a.b": is not a key that wrangler knows here: check the spelling'),
        ('type = "javascript"\n', "line 4: type: is no longer part of wrangler"),
        ('zone_id = "x"\n', "zone_id: is no longer part of wrangler: write zone_name in each route"),
        ('routes = [{ pattern = "a.com/x?y", zone_name = "a.com" }]\n', "line 4: routes[0].pattern: "),
        ('[[routes]]\npattern = "a.com/*"\nzone_name = "b.com"\n', "line 5: routes[0].pattern: "),
        ('[[routes]]\npattern = "*.a.com"\ncustom_domain = true\n', "line 4: routes[0]: "),
        ('routes = ["a.com/*"]\n', 'routes[0]: has no zone: write { pattern = "a.com/*", zone_name = "example.com" }'),
        ('[[routes]]\npattern = "a.com"\ncustom_domain = true\nenabled = false\n', "line 7: routes[0].enabled: can only be true"),
        ('triggers.crons = ["0 3 * * *", "every day"]\n', "line 4: triggers.crons[1]: "),
        ('[[services]]\nbinding = "SELF"\nservice = "orders"\n', "line 6: services[0].service: is the Worker itself"),
        ('compatibility_flags = ["A flag"]\n', "line 4: compatibility_flags[0]: "),
        ("limits.cpu_ms = 1\n", "line 4: limits.cpu_ms: must be between 10 and 300000"),
        ("observability = { enabled = true, head_sampling_rate = 2 }\n", "observability.head_sampling_rate: must be a number"),
        ('[[queues.consumers]]\nqueue = "q"\nmax_batch_size = 500\n', "line 6: queues.consumers[0].max_batch_size: "),
        ('[[queues.consumers]]\nqueue = "q"\nretry_delay = 0.5\n', "line 6: queues.consumers[0].retry_delay: "),
        ('[[queues.consumers]]\nqueue = "Q"\n', "line 5: queues.consumers[0].queue: "),
        ('[[kv_namespaces]]\nbinding = "MY-KV"\nid = "x"\n', "line 5: kv_namespaces[0].binding: must be a name such as"),
        ('vars = { "" = 1 }\n', 'line 4: vars."": is a variable whose name must have 1-128 characters'),
        ('[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B-C"\n', "line 7: workflows[0].class_name: must be the name of a class"),
        ('[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nschedules = ["x"]\n', "line 8: workflows[0].schedules[0]: "),
        ('[[workflows]]\nname = "b"\nbinding = "B"\nclass_name = "B"\nlimits.steps = 30_000\n', "line 8: workflows[0].limits.steps: must be a whole number from 1 to 25,000"),
        ('placement = { mode = "targeted" }\n', "line 4: placement.mode: needs a region"),
        ('placement = { mode = "off", hint = "a" }\n', 'line 4: placement.hint: can only be used with the mode "smart"'),
        ('placement = { mode = "smart", host = "a" }\n', 'line 4: placement.mode: cannot be "smart" with a host'),
        ("placement = {}\n", None),
    ],
)  # fmt: skip
def test_mistakes_are_reported_with_line_key_and_fix(text: str, message: str | None) -> None:
    if message is None:
        _with(text)
    else:
        assert message in _problem(text)


def test_a_key_in_the_wrong_section_is_sent_to_the_top_of_the_file() -> None:
    [problem] = _read(f"{HEAD}{WORKFLOW}logpush = true\n").problems
    assert str(problem).endswith(
        "workflows[0].logpush: belongs to the top level of the file: "
        "move it above the first line that starts with a bracket"
    )

    nested = json.dumps({"observability": {"enabled": True, "logpush": True}})
    problems = read_config({**SOURCES, "wrangler.json": nested}).problems
    [misplaced] = [each for each in problems if each.key == "observability.logpush"]
    assert misplaced.message.endswith("move it out of observability")


def test_a_mistake_in_one_part_leaves_the_others_as_they_are() -> None:
    config = _read(
        f'{HEAD}logpush = true\nroutes = [5]\nworkers_dev = "x"\nlimits.cpu_ms = 5\n[vars]\nA = 1\n{WORKFLOW}'
    )
    assert {problem.key for problem in config.problems} == {
        "routes[0]",
        "workers_dev",
        "limits.cpu_ms",
    }
    assert (config.settings.logpush, config.variables, len(config.workflows)) == (True, {"A": 1}, 1)


def test_notes_say_what_is_managed_here() -> None:
    config = _with(
        'account_id = "x"\nsend_metrics = true\nkeep_vars = true\n[dev]\nport = 1\n[secrets]\nrequired = ["TOKEN"]\n'
        '[[hyperdrive]]\nbinding = "PG"\nid = "x"\nlocalConnectionString = "postgres://user:hunter2@localhost/x"\n'
    )
    keys = {note.key: note for note in config.notes}
    assert keys.keys() == {
        "name", "account_id", "send_metrics", "keep_vars", "dev", "hyperdrive[0].localConnectionString",
    }  # fmt: skip
    assert all(
        note.is_warning and note.file == "wrangler.toml" and note.line for note in config.notes
    )
    assert config.secrets == ("TOKEN",)
    assert "hunter2" not in repr(config)


def test_wrangler_json_counts_before_other_files() -> None:
    value = {"main": "src/index.ts", "compatibility_date": "2025-05-01", "name": "first"}
    files: ProjectFiles = {
        **SOURCES,
        "wrangler.toml": STARTER,
        "wrangler.jsonc": "{",
        "wrangler.json": json.dumps(value),
    }
    config = read_config(files)
    assert (config.file, config.name) == ("wrangler.json", "first")
    assert str(config.notes[0]) == (
        'wrangler.json: takes precedence, as in wrangler: remove "wrangler.jsonc", "wrangler.toml"'
    )


def test_a_project_without_a_configuration_has_a_problem() -> None:
    [problem] = read_config(dict(SOURCES)).problems
    assert str(problem) == "The project has no wrangler.toml, wrangler.json or wrangler.jsonc."
    [problem] = read_config({"packages/a/wrangler.toml": STARTER}).problems
    assert (
        'There is "packages/a/wrangler.toml": import the folder that it is in.' in problem.message
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"base64": "/w=="}, "is not UTF-8 text"),
        (" " * (MAX_CONFIG_BYTES + 1), "is larger than 256 KB"),
        ("a.b" * 50_000, "nests values"),
        ("a = " + "[" * 100_000, "nests values"),
        ("[" * 100_000, "is not TOML"),
        ("a = " + "{b = " * 10_000, "nests values"),
        ("a = '''" + "''\n" * 50_000, "is not TOML"),
        ('a = "' + "\\" * 99_999, "is not TOML"),
        ("x = 1\n" * 20_000, "is not TOML"),
        ("a = " + "9" * 100_000, "is not TOML"),
        ("\n".join(f"k{number} = 1" for number in range(20_000)), "more than 5,000 keys"),
    ],
)
def test_hostile_content_has_one_problem(content: Any, reason: str) -> None:
    [problem] = read_config({**SOURCES, "wrangler.toml": content}).problems
    assert reason in problem.message
    assert len(str(problem)) < 300


def test_the_number_of_problems_is_limited() -> None:
    assert len(_read("".join(f"k{number} = 1\n" for number in range(4_000))).problems) == 100


_NAMES = st.sampled_from(
    sorted(
        {
            *KEYS,
            *(name for key in KEYS.values() for name in key.members),
            "pattern",
            "x",
            "\ud800",
            "",
            "a.b",
        }
    )
)
_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.sampled_from(["", "a", "..", "\ud800", "0 3 * * *", "smart"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(_NAMES, inner, max_size=4)
    ),
    max_leaves=10,
)


@given(value=st.dictionaries(_NAMES, _VALUES, max_size=8))
@settings(
    max_examples=examples(300, 3_000), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
def test_a_configuration_of_any_content_can_be_read(value: Any) -> None:
    config = read_config({**SOURCES, "wrangler.json": json.dumps(value)})
    assert all(problem.file == "wrangler.json" for problem in config.problems)
    json.dumps(
        [dict(config.variables), dict(config.bundling), dict(config.worker_options)],
        allow_nan=False,
    ).encode()


@given(case=st.sampled_from([*GOOD, *BAD]), data=st.data())
@settings(max_examples=examples(300, 3_000), deadline=None)
def test_a_configuration_with_random_damage_can_be_read(case: Any, data: st.DataObject) -> None:
    text = case.text
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 9, len(text))))
        text = text[:start] + data.draw(st.text(max_size=3)) + text[end:]
    lines = text.count("\n") + 1
    for problem in read_config({**SOURCES, case.file: text}).problems:
        assert 0 <= problem.line <= lines
