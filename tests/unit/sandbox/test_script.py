import pytest
from pydantic import ValidationError

from ag2trust_sandbox import Step
from ag2trust_sandbox.script import Script


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ('{"bogus": 1}', "Extra inputs are not permitted"),
        ('{"status": "429"}', "valid integer"),
        ('{"status": 204}', "status is 200"),
        ('{"status": 600}', "status is 200"),
        ('{"fault": "explode"}', "Input should be 'cut_before_first_byte'"),
        ('{"fault": "cut_after_frames"}', "cut_after_frames needs after_frames"),
        ('{"fault": "error_event_after_frames"}', "needs after_frames"),
        ('{"fault": "cut_before_usage", "after_frames": 1}', "one of the faults"),
        ('{"after_frames": 1}', "one of the faults"),
        ('{"fault": "hang", "after_frames": -1}', "greater than or equal to 0"),
        ('{"status": 500, "content": "x"}', "need status 200"),
        ('{"status": 500, "tool_calls": [{"name": "x"}]}', "need status 200"),
        ('{"status": 500, "usage": {"prompt_tokens": 1}}', "need status 200"),
        ('{"status": 500, "fault": "hang"}', "need status 200"),
        ('{"raw_body": "x", "content": "x"}', "no raw_body"),
        ('{"error": {}}', "error needs an error status"),
        ('{"error": {"code": "unknown"}}', "or, without a status, one of the codes"),
        ('{"status": 200, "error": {"code": "slow_down"}}', "needs an error status"),
        ('{"error": {"code": "slow_down"}, "content": "x"}', "need status 200"),
        ('{"fault": "hang", "error": {}}', "error needs an error status"),
        ('{"status": 500, "raw_body": "", "error": {}}', "takes the place of error"),
        ('{"latency_seconds": -1}', "greater than or equal to 0"),
        ('{"pace_seconds": NaN}', "finite number"),
        ('{"repeat": 0}', "greater than or equal to 1"),
        ('{"headers": {"X-Upper": "x"}}', "match pattern"),
        ('{"headers": {"x": "a\\nb"}}', "match pattern"),
        ('{"headers": {"content-length": "1"}}', "the connection sets"),
    ],
)
def test_a_step_that_cannot_be_played_is_refused(step: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Step.model_validate_json(step)


def test_a_step_written_out_in_full_is_read_back() -> None:
    step = Step(status=429, repeat=2)

    assert Step.model_validate_json(step.model_dump_json()) == step


def test_steps_are_taken_in_order_and_then_there_is_none() -> None:
    first, second = Step(content="1"), Step(content="2")
    script = Script()
    script.replace((first, second))

    assert [script.take() for _ in range(3)] == [first, second, None]


def test_a_step_is_taken_as_often_as_it_says() -> None:
    script = Script()
    script.replace((Step(status=429, repeat=2), Step(status=500)))

    taken = [script.take() for _ in range(4)]

    assert [step and step.status for step in taken] == [429, 429, 500, None]


def test_what_remains_counts_down() -> None:
    script = Script()
    script.replace((Step(status=429, repeat=3),))

    script.take()

    assert script.remaining == (Step(status=429, repeat=2),)
