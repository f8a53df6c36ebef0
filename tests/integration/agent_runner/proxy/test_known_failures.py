"""How proxies of this kind have failed their users, and which test keeps ours from it.

The table says what went wrong elsewhere, and below it in which file which test answers
to that; a file alone stands for all its tests. That they exist is a test itself.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[3]

TABLE = """
usage is lost when a process is terminated or killed
    integration/agent_runner/proxy/test_proxy_spool.py
    unit/agent_runner/spool/test_spool_crash.py
usage is lost when a client goes away in the middle of a stream
    integration/agent_runner/proxy/test_proxy_counting.py
        test_what_was_said_before_an_agent_left_is_estimated
usage in the last event of a stream is never read, as the reader has left
    unit/agent_runner/proxy/openai/test_chat_stream.py
        test_the_final_usage_and_the_end_mark_wait_to_be_settled
    unit/agent_runner/proxy/anthropic/test_messages_stream.py
        test_the_final_usage_and_the_end_wait_to_be_settled
    unit/agent_runner/proxy/openai/test_responses_stream.py
        test_the_last_event_waits_to_be_settled
    unit/agent_runner/proxy/bedrock/test_streams.py
        test_the_reason_to_stop_waits_for_the_usage_that_follows
an explicit 0 is taken for missing, and an estimate billed
    unit/agent_runner/proxy/test_counting.py
        test_what_was_reported_counts_whatever_the_end
        test_an_input_of_zero_that_was_told_is_zero
    unit/agent_runner/proxy/anthropic/test_messages_stream.py
        test_an_explicit_zero_overwrites
usage on a chunk that has choices too is dropped
    integration/agent_runner/proxy/test_proxy_usage.py
        test_usage_on_the_last_choice_is_counted_and_stays
streams that were cut are counted as nothing
    integration/agent_runner/proxy/test_proxy_counting.py
        test_what_was_said_before_an_answer_broke_off_is_estimated
without a report all is refunded, or far too much is charged
    unit/agent_runner/proxy/test_counting.py
        test_every_end_has_its_rule
        test_what_nobody_counted_is_not_known
usage is ignored where the answer is incomplete
    unit/agent_runner/proxy/openai/test_responses_stream.py
        test_usage_is_read_from_the_last_event_whatever_its_kind
what is read from caches and written to them is counted as something else
    unit/agent_runner/proxy/openai/test_usage.py
        test_cached_tokens_are_taken_out_of_the_prompt
    unit/agent_runner/proxy/anthropic/test_usage.py
        test_every_figure_is_in_its_own_place
    unit/agent_runner/proxy/bedrock/test_usage.py
        test_every_figure_of_a_conversation_is_in_its_own_place
    integration/agent_runner/proxy/test_proxy_bedrock.py
        test_every_operation_counts_every_kind_of_token
one endpoint meters nothing while the others are right
    integration/agent_runner/proxy/test_proxy_counting.py
        test_every_endpoint_makes_one_call_that_is_metered
a path that is only passed through goes around what governs the others
    integration/agent_runner/proxy/test_proxy_admission.py
        test_paths_and_methods_are_a_list
    unit/agent_runner/proxy/test_paths.py
        test_any_path_is_served_or_refused
a key in an address ends up in tracebacks, or a mistyped one in a refusal
    integration/agent_runner/proxy/test_proxy_secrets.py
        test_no_key_and_no_token_is_logged_answered_or_recorded
    unit/agent_runner/proxy/test_paths.py
        test_what_is_no_such_path_is_refused_without_its_token
a key that was replaced is used on, from a cache or by a request under way
    integration/agent_runner/proxy/test_proxy_admission.py
        test_a_renewed_lease_brings_the_key_and_the_old_one_still_identifies
    integration/agent_runner/proxy/test_proxy_bedrock.py
        test_renewed_keys_sign_and_the_old_ones_still_identify
temporary keys go out without their session token
    integration/agent_runner/proxy/test_proxy_bedrock.py
        test_temporary_keys_go_out_with_their_token
a guard of addresses is missing on one path
    integration/agent_runner/proxy/test_proxy_guard.py
        test_a_name_that_leads_to_metadata_is_never_connected_to
a check of keys falls to hostile input
    unit/agent_runner/proxy/test_paths.py
        test_any_header_fields_have_a_key_of_ascii_or_none
    integration/agent_runner/proxy/test_proxy_admission.py
        test_a_key_that_was_not_given_to_this_agent_is_refused
the provider works on for a client that has left
    integration/agent_runner/proxy/test_proxy_breaks.py
        test_an_agent_that_leaves_before_the_first_byte_ends_the_call
        test_an_agent_that_leaves_in_the_middle_ends_the_call
        test_an_agent_that_leaves_an_answer_in_one_piece_ends_the_call
        test_an_agent_that_leaves_ends_the_upload_for_it
counting tokens of what was abandoned blocks everybody
    unit/agent_runner/proxy/test_counting.py
        test_the_input_is_estimated_only_where_it_is_needed
an error inside a stream is hidden, or its call played again
    integration/agent_runner/proxy/test_proxy_breaks.py
        test_an_error_in_a_stream_is_raised_and_recorded
    integration/agent_runner/proxy/test_proxy_anthropic.py
        test_an_error_inside_a_stream_is_raised_and_explained
throttling that comes as a frame of a binary stream is not seen
    integration/agent_runner/proxy/test_proxy_bedrock.py
        test_an_exception_inside_a_stream_is_raised_and_explained
a large body of many values holds everybody up
    unit/agent_runner/proxy/test_request_bodies.py
        test_more_values_than_can_be_read_at_once_are_refused
"""


def answers() -> Iterator[tuple[str, str, str]]:
    """Give failure, file and test; no test for all of a file."""
    failure = path = ""
    for line in TABLE.strip().splitlines():
        match len(line) - len(line.lstrip()):
            case 0:
                failure = line
            case 4:
                path = line.strip()
                yield failure, path, ""
            case _:
                yield failure, path, line.strip()


@pytest.mark.parametrize(("failure", "path", "name"), [*answers()])
def test_every_known_failure_has_its_test(failure: str, path: str, name: str) -> None:
    module = ast.parse((TESTS / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    tests = {each.name for each in module.body if isinstance(each, functions)}

    assert name in tests if name else tests, failure
