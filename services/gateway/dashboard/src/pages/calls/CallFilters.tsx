import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { agentsQuery } from "~/api/queries/agents";
import { agentTypesQuery } from "~/api/queries/agentTypes";
import type { CallFilter } from "~/api/queries/calls";
import { providersQuery } from "~/api/queries/providers";
import { ButtonLink } from "~/components/ButtonLink";
import { FilterSelect, Toolbar } from "~/components/Toolbar";
import { callFilter } from "./filter";
import { STATUS_WORDS } from "./model";
import { Named } from "./Named";
import { PeriodFilter } from "./PeriodFilter";

/** What narrows the calls; each choice is a part of the address. */
export function CallFilters({ filter }: { filter: CallFilter }) {
  const navigate = useNavigate({ from: "/calls" });
  const narrow = (changes: Partial<Record<keyof CallFilter, string>>) =>
    navigate({ search: callFilter({ ...filter, ...changes }) });
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <Toolbar>
      <PeriodFilter value={filter.period} onChange={(period) => narrow({ period })} />
      <FilterSelect
        label="Status"
        value={filter.status ?? ""}
        onChange={(status) => narrow({ status })}
      >
        <option value="">Any status</option>
        {Object.entries(STATUS_WORDS).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </FilterSelect>
      <Named
        label="Agent"
        all="All agents"
        value={filter.agent_id}
        onChange={(agent_id) => narrow({ agent_id })}
        choices={useInfiniteQuery(agentsQuery()).data}
      />
      <Named
        label="Agent type"
        all="All agent types"
        value={filter.agent_type_id}
        onChange={(agent_type_id) => narrow({ agent_type_id })}
        choices={useInfiniteQuery(agentTypesQuery()).data}
      />
      <Named
        label="Provider"
        all="All providers"
        value={filter.provider_id}
        onChange={(provider_id) => narrow({ provider_id })}
        choices={useInfiniteQuery(providersQuery()).data}
      />
      {filter.model && (
        <ButtonLink to="/calls" search={without(filter, "model")}>
          Model {filter.model} ×
        </ButtonLink>
      )}
      {filter.code && (
        <ButtonLink to="/calls" search={without(filter, "code")}>
          {filter.code} ×
        </ButtonLink>
      )}
      {isFiltered && (
        <ButtonLink kind="quiet" to="/calls">
          Clear filters
        </ButtonLink>
      )}
    </Toolbar>
  );
}

function without(filter: CallFilter, name: "model" | "code"): CallFilter {
  const { [name]: _, ...others } = filter;
  return others;
}
