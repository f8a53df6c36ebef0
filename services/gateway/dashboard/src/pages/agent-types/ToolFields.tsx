import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { AgentType } from "~/api/queries/agentTypes";
import { mcpServersQuery } from "~/api/queries/mcpServers";
import { CheckGroup } from "~/components/CheckGroup";
import { Form } from "~/components/Form";
import { TextField } from "~/components/inputs";
import { httpRequestOf, mcpOf } from "./model";

interface ToolFieldsProps {
  tools: AgentType["tools"];
  limits: AgentType["limits"] | undefined;
  errors: Record<string, string>;
}

const TOOLS = [
  { value: "current_time", name: "Tell the time" },
  { value: "http_request", name: "Send HTTP requests" },
];
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"].map((method) => ({
  value: method,
  name: method,
}));

/** What the model may have the runner do. What the form does not ask for is kept. */
export function ToolFields({ tools, limits, errors }: ToolFieldsProps) {
  const http = httpRequestOf(tools);
  return (
    <Form.Fields>
      <CheckGroup
        label="Tools"
        name="tools"
        choices={TOOLS}
        chosen={tools.map(({ name }) => name)}
        help="The runner runs them, within the limits of the type. External agents have none."
        error={told(errors, /^tools(\.\d+)?$/)}
      />
      <TextField
        label="Hosts that HTTP requests may go to"
        name="http_hosts"
        isOptional
        spellCheck={false}
        placeholder="api.example.com, *.example.com, example.com:8443"
        defaultValue={http?.hosts?.join(", ")}
        help="Empty: any, which takes sealed delivery. Never a provider's host or, unless the runner's settings say so, a private network."
        error={told(errors, /^tools\.\d+\.hosts/)}
      />
      <CheckGroup
        label="Methods that HTTP requests may use"
        name="http_methods"
        choices={METHODS}
        chosen={http?.methods ?? ["GET"]}
        help="None chosen: GET alone."
        error={told(errors, /^tools\.\d+\.methods/)}
      />
      <input type="hidden" name="http_request" value={JSON.stringify(http ?? {})} />
      <McpFields tools={tools} errors={errors} />
      <Form.Pair>
        <TextField
          label="Tool calls a minute"
          name="tool_calls_per_minute"
          type="number"
          min={0}
          isOptional
          defaultValue={limits?.tool_calls_per_minute}
          help="Of each agent, at once; 5 if empty."
          error={errors["limits.tool_calls_per_minute"]}
        />
        <TextField
          label="HTTP requests a minute"
          name="http_requests_per_minute"
          type="number"
          min={0}
          isOptional
          defaultValue={limits?.http_requests_per_minute}
          help="They count as tool calls too; 3 if empty."
          error={errors["limits.http_requests_per_minute"]}
        />
      </Form.Pair>
    </Form.Fields>
  );
}

/** The servers are listed when they are there; those that are chosen, before that. */
function McpFields({ tools, errors }: Omit<ToolFieldsProps, "limits">) {
  const chosen = mcpOf(tools);
  const servers =
    useInfiniteQuery(mcpServersQuery()).data?.pages.flatMap((page) => page.data) ?? [];
  const names = new Map([
    ...chosen.map(({ server_id }) => [server_id, server_id] as const),
    ...servers.map(({ id, name }) => [id, name] as const),
  ]);
  if (names.size === 0) {
    return (
      <p>
        Tools of <Link to="/settings/mcp-servers">MCP servers</Link> can be chosen here once there
        is one.
      </p>
    );
  }
  return (
    <>
      <CheckGroup
        label="MCP servers"
        name="mcp_servers"
        choices={[...names].map(([value, name]) => ({ value, name }))}
        chosen={chosen.map(({ server_id }) => server_id)}
        help="Agents have the tools of these servers that somebody has approved in the settings."
        error={told(errors, /^tools\.\d+\.server_id/)}
      />
      <input type="hidden" name="mcp" value={JSON.stringify(chosen)} />
    </>
  );
}

function told(errors: Record<string, string>, field: RegExp): string | undefined {
  return Object.entries(errors).find(([name]) => field.test(name))?.[1];
}
