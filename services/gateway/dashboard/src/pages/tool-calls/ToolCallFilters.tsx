import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { agentsQuery } from "~/api/queries/agents";
import type { ToolCallFilter } from "~/api/queries/toolCalls";
import { ButtonLink } from "~/components/ButtonLink";
import { FilterSelect, Toolbar } from "~/components/Toolbar";
import { Named } from "~/pages/calls/Named";
import { PeriodFilter } from "~/pages/calls/PeriodFilter";
import { STATUS_WORDS, toolCallFilter } from "./model";

/** What narrows the tool calls; each choice is a part of the address. */
export function ToolCallFilters({ filter }: { filter: ToolCallFilter }) {
  const navigate = useNavigate({ from: "/calls/tools" });
  const narrow = (changes: Partial<Record<keyof ToolCallFilter, string>>) =>
    navigate({ search: toolCallFilter({ ...filter, ...changes }) });
  return (
    <Toolbar>
      <PeriodFilter
        value={filter.period}
        {...(filter.message_id && { unchosen: "Any time" })}
        onChange={(period) => narrow({ period })}
      />
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
      {filter.tool && (
        <ButtonLink to="/calls/tools" search={without(filter, "tool")}>
          {filter.tool} ×
        </ButtonLink>
      )}
      {filter.message_id && (
        <ButtonLink to="/calls/tools" search={without(filter, "message_id")}>
          Of one message ×
        </ButtonLink>
      )}
      {filter.code && (
        <ButtonLink to="/calls/tools" search={without(filter, "code")}>
          {filter.code} ×
        </ButtonLink>
      )}
      {Object.keys(filter).length > 0 && (
        <ButtonLink kind="quiet" to="/calls/tools">
          Clear filters
        </ButtonLink>
      )}
    </Toolbar>
  );
}

function without(filter: ToolCallFilter, name: "tool" | "message_id" | "code"): ToolCallFilter {
  const { [name]: _, ...others } = filter;
  return others;
}
