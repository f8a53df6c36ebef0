import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { Allowed } from "~/api/permissions";
import { type McpServer, mcpServersQuery } from "~/api/queries/mcpServers";
import { Button } from "~/components/Button";
import type { Column } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { PagedList } from "~/components/PagedList";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Time } from "~/components/Time";
import { SettingsTabs } from "../SettingsTabs";
import { AddMcpServer } from "./AddMcpServer";

/** Where tools of agents may come from, besides the runner's own. */
export function McpServers() {
  const query = useInfiniteQuery(mcpServersQuery());
  const [isAdding, setIsAdding] = useState(false);
  const add = (
    <Allowed to="mcp-servers:write">
      <Button kind="primary" onClick={() => setIsAdding(true)}>
        Add MCP server
      </Button>
    </Allowed>
  );
  return (
    <>
      <PageHeader title="MCP servers" action={add} />
      <SettingsTabs />
      <Panel isFlush>
        <PagedList
          query={query}
          what="MCP servers"
          label="MCP servers"
          columns={COLUMNS}
          keyOf={(server) => server.id}
          empty={
            <EmptyState title="No MCP server yet" action={add}>
              An MCP server offers tools. Agents whose type names it have those that you have read
              and approved.
            </EmptyState>
          }
        />
      </Panel>
      {isAdding && <AddMcpServer onClose={() => setIsAdding(false)} />}
    </>
  );
}

const COLUMNS: Column<McpServer>[] = [
  {
    name: "Name",
    render: ({ id, name }) => (
      <Link to="/settings/mcp-servers/$id" params={{ id }}>
        {name}
      </Link>
    ),
  },
  { name: "URL", render: ({ url }) => <code>{url}</code>, isMinor: true },
  { name: "Token", render: tokenTold },
  { name: "Changed", render: ({ updated_at }) => <Time at={updated_at} />, isMinor: true },
];

/** The end of a token, or whether there is one. */
export function tokenTold({ has_token, token_hint }: McpServer): string {
  return token_hint ?? (has_token ? "Yes" : "None");
}
