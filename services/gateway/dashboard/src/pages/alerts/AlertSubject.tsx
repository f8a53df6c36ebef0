import { Link } from "@tanstack/react-router";
import type { Alert } from "~/api/queries/alerts";
import { useAgentNames, useBudgetNames, useProviderNames } from "~/api/queries/names";

/** Whom or what an alert is about, by its name; a link to where it is looked after. */
export function AlertSubject({ subject: { kind, key } }: { subject: Alert["subject"] }) {
  const agentName = useAgentNames(kind === "agent");
  const providerName = useProviderNames(kind === "provider");
  const budgetName = useBudgetNames(kind === "budget");
  switch (kind) {
    case "agent":
      return (
        <Link to="/agents/$id" params={{ id: key }}>
          {agentName(key)}
        </Link>
      );
    case "provider":
      return (
        <Link to="/settings/providers/$id" params={{ id: key }}>
          {providerName(key)}
        </Link>
      );
    case "budget":
      return (
        <Link to="/usage" search={{ period: "24h", by: "agent" }}>
          {budgetName(key)}
        </Link>
      );
    case "model":
      return (
        <Link to="/settings/prices">
          <code>{key}</code>
        </Link>
      );
  }
}
