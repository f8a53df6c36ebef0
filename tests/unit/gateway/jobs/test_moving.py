"""Agent types move from one provider to another, and back to what they were."""

from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st
from tests.unit.gateway.objects import AGENT_TYPE

from gateway.jobs.moving import found_type, moved, moved_back, names
from shared.contracts.agent_types import AgentType, AgentTypePatch
from shared.contracts.routes import Fallback

OLD, NEW, OTHER = (UUID(int=number) for number in (1, 2, 3))
PROVIDERS = st.sampled_from([OLD, NEW, OTHER])
FALLBACKS = st.lists(
    st.builds(Fallback, provider_id=PROVIDERS, model=st.sampled_from(["small", "big"])),
    max_size=5,
    unique_by=lambda each: (each.provider_id, each.model),
)


@st.composite
def agent_types(draw: st.DrawFn) -> AgentType:
    """Make a type that names no provider and model twice, as all that are kept."""
    provider_id = draw(PROVIDERS)
    own = Fallback(provider_id=provider_id, model="small")
    fallbacks = [each for each in draw(FALLBACKS) if each != own]
    return AGENT_TYPE.model_copy(
        update={"provider_id": provider_id, "model": "small", "fallbacks": fallbacks}
    )


def with_(agent_type: AgentType, patch: AgentTypePatch) -> AgentType:
    changes = {name: getattr(patch, name) for name in patch.model_fields_set}
    return agent_type.model_copy(update=changes)


@given(agent_types())
def test_a_moved_type_names_the_old_provider_nowhere(agent_type: AgentType) -> None:
    patch = moved(agent_type, old=OLD, new=NEW)

    assert (patch is not None) == names(agent_type, OLD)
    after = with_(agent_type, patch) if patch else agent_type
    routes = [Fallback(provider_id=after.provider_id, model="small"), *after.fallbacks]
    assert not names(after, OLD)
    assert len(set(routes)) == len(routes)


@given(agent_types())
def test_to_move_again_changes_nothing(agent_type: AgentType) -> None:
    patch = moved(agent_type, old=OLD, new=NEW)
    after = with_(agent_type, patch) if patch else agent_type

    assert moved(after, old=OLD, new=NEW) is None


@given(agent_types())
def test_the_way_back_leads_to_what_was_before(agent_type: AgentType) -> None:
    patch = moved(agent_type, old=OLD, new=NEW)
    assume(patch is not None)
    after = with_(agent_type, patch or AgentTypePatch())

    back = moved_back(after, found_type(agent_type), old=OLD, new=NEW)

    assert back is not None
    assert with_(after, back) == agent_type


@given(agent_types())
def test_what_somebody_changed_meanwhile_stays(agent_type: AgentType) -> None:
    changed = agent_type.model_copy(update={"provider_id": OTHER, "fallbacks": []})
    assume(agent_type.provider_id != OTHER)

    assert moved_back(changed, found_type(agent_type), old=OLD, new=NEW) is None


def test_a_fallback_moves_without_a_new_version_for_running_agents() -> None:
    fallback = Fallback(provider_id=OLD, model="big")
    agent_type = AGENT_TYPE.model_copy(
        update={"provider_id": OTHER, "fallbacks": [fallback]}
    )

    patch = moved(agent_type, old=OLD, new=NEW)

    assert patch is not None
    assert patch.model_fields_set == {"fallbacks"}
