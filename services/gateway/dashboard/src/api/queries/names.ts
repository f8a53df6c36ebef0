import { useInfiniteQuery } from "@tanstack/react-query";
import { agentsQuery } from "./agents";
import { agentTypesQuery } from "./agentTypes";
import { budgetsQuery } from "./budgets";
import { providersQuery } from "./providers";

/** What an id is called today; the end of the id for what is gone or not loaded. */
export type NameOf = (id: string) => string;

export function useAgentNames(isWanted = true): NameOf {
  return named(useInfiniteQuery({ ...agentsQuery(), enabled: isWanted }).data);
}

export function useAgentTypeNames(isWanted = true): NameOf {
  return named(useInfiniteQuery({ ...agentTypesQuery(), enabled: isWanted }).data);
}

export function useProviderNames(isWanted = true): NameOf {
  return named(useInfiniteQuery({ ...providersQuery(), enabled: isWanted }).data);
}

export function useBudgetNames(isWanted = true): NameOf {
  return named(useInfiniteQuery({ ...budgetsQuery(), enabled: isWanted }).data);
}

interface Listed {
  pages: { data: { id: string; name: string }[] }[];
}

function named(list: Listed | undefined): NameOf {
  const names = new Map(
    list?.pages.flatMap(({ data }) => data.map(({ id, name }) => [id, name] as const)),
  );
  return (id) => names.get(id) ?? ending(id);
}

const SHOWN = 12;

/** Ids are told by their ends, where they differ. */
export function ending(id: string): string {
  return id.length > SHOWN ? `…${id.slice(-SHOWN)}` : id;
}
