"""What docs/providers.md says of models, policies, errors and AWS is what is so."""

import json
import re
import shlex
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.session import get_session

from gateway.catalogue.catalogue import CatalogueModel, catalogue
from shared.bedrock_models import bedrock_model
from shared.bedrock_policy import iam_policy
from shared.provider_errors.explaining import ERROR_TABLE, meaning_of
from shared.provider_errors.rows import ErrorSource, Failure

GUIDE = (Path(__file__).parents[3] / "docs" / "providers.md").read_text()
MODELS = {model.id: model for model in catalogue().models}
TASKS = {task.title: task for task in catalogue().tasks}
COMMANDS = re.findall(r"^aws (.+)$", GUIDE, re.MULTILINE)
OF_EVERY_COMMAND = {"region", "profile", "query", "output"}


def table(first: str) -> list[list[str]]:
    """Return the cells of the rows below the head that begins with *first*."""
    _, _, rest = GUIDE.partition(f"| {first} |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def ids(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def ending(model: CatalogueModel) -> str:
    if model.retires_on is None and not model.retired:
        return ""
    return f"{model.retires_on or 'ended'}, `{model.replaced_by}`"


def test_each_model_is_ranked_as_in_the_catalogue() -> None:
    rows = table("model")

    assert len(rows) > 10
    for name, speed, intelligence, cost, use_case, end in rows:
        [model] = (MODELS[each] for each in ids(name))
        assert [speed.replace(" ", "_"), intelligence.replace(" ", "_")] == [
            model.speed,
            model.intelligence,
        ]
        assert [cost, use_case, end] == [model.cost, model.use_case, ending(model)]


def test_each_model_of_bedrock_is_told_as_in_the_catalogue() -> None:
    rows = table("family")

    assert len(rows) > 10
    for family, name, best_for, end in rows:
        [model] = (MODELS[each] for each in ids(name))
        assert [family, best_for, end] == [model.family, model.best_for, ending(model)]


def test_no_model_of_the_first_tables_is_left_out() -> None:
    names = [row[0] for row in table("model")] + [row[1] for row in table("family")]
    told = {each for name in names for each in ids(name)}

    assert {each.id for each in catalogue().models if each.first} <= told


def test_what_is_to_be_taken_for_a_task_is_what_the_catalogue_advises() -> None:
    rows = table("for")

    assert [title for title, _, _ in rows] == [*TASKS]
    for title, take, was in rows:
        assert {*ids(take)} - {"global."} <= {*TASKS[title].today}
        assert {*ids(was)} <= {*TASKS[title].first}


def test_the_policy_is_the_one_that_the_gateway_writes() -> None:
    _, _, rest = GUIDE.partition("```json\n")
    models = ("amazon.nova-lite-v1:0", "us.anthropic.claude-sonnet-5-5")

    written = json.loads(rest.partition("```")[0])

    assert written == iam_policy(
        [bedrock_model(each) for each in models],
        region="us-east-1",
        account="123456789012",
    )


@pytest.mark.parametrize("row", table("what the provider says"), ids=lambda row: row[0])
def test_an_error_has_the_code_that_the_guide_gives(row: list[str]) -> None:
    [name], source, [code] = ids(row[0]), ErrorSource(row[1].strip("`")), ids(row[2])

    statuses = {each.statuses[0] for each in ERROR_TABLE[source] if name in each.names}

    assert statuses
    assert {
        meaning_of(source, Failure(status, (name,))).code for status in statuses
    } == {code}


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_awss_own_program_is_one_that_its_service_has(line: str) -> None:
    service, command, *options = shlex.split(line)

    model = get_session().get_service_model(service)
    commands = {xform_name(each, "-"): each for each in model.operation_names}
    shape = model.operation_model(commands[command]).input_shape

    known = {xform_name(each, "-") for each in shape.members} | OF_EVERY_COMMAND
    assert {each[2:] for each in options if each.startswith("--")} <= known


def test_the_guide_has_commands_of_aws() -> None:
    assert COMMANDS
