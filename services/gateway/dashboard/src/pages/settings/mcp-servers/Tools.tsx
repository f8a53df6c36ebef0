import { useMutation, useQuery } from "@tanstack/react-query";
import { Allowed } from "~/api/permissions";
import {
  approveMcpTools,
  type McpTool,
  mcpToolsQuery,
  withdrawMcpTool,
} from "~/api/queries/mcpServers";
import { Button } from "~/components/Button";
import { EmptyState } from "~/components/EmptyState";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { FailureNotice } from "~/components/FailureNotice";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { counted } from "~/format/count";
import { asShown, isApprovable, toolTold } from "./model";
import styles from "./Tools.module.css";

/** What the server offers now, beside what was approved: models are told it word for word. */
export function Tools({ serverId }: { serverId: string }) {
  const query = useQuery(mcpToolsQuery(serverId));
  const approve = useMutation(approveMcpTools);
  const withdraw = useMutation(withdrawMcpTool);
  const failure = approve.error ?? withdraw.error;
  const waiting = query.data?.data.filter(isApprovable) ?? [];
  return (
    <Panel
      title="Tools"
      note="models are told what you approve, word for word"
      action={
        <Button isBusy={query.isFetching} busyLabel="Asking…" onClick={() => query.refetch()}>
          Ask again
        </Button>
      }
    >
      <FailureNotice failure={failure} />
      <Loaded query={query} what="tools">
        {({ data, explanation }) => (
          <>
            {explanation && <ExplanationNotice explanation={explanation} />}
            {data.length === 0 && (
              <EmptyState title="No tools">
                Nothing is offered here, and nothing was approved.
              </EmptyState>
            )}
            <ul className={styles.tools}>
              {data.map((tool) => (
                <Tool
                  key={tool.name}
                  tool={tool}
                  onApprove={() => approve.mutate({ id: serverId, tools: asShown([tool]) })}
                  onWithdraw={() => withdraw.mutate({ id: serverId, name: tool.name })}
                />
              ))}
            </ul>
            {waiting.length > 1 && (
              <Allowed to="mcp-servers:write">
                <Button
                  kind="primary"
                  isBusy={approve.isPending}
                  busyLabel="Approving…"
                  onClick={() => approve.mutate({ id: serverId, tools: asShown(waiting) })}
                >
                  Approve {counted(waiting.length, "tool")}
                </Button>
              </Allowed>
            )}
          </>
        )}
      </Loaded>
    </Panel>
  );
}

interface ToolProps {
  tool: McpTool;
  onApprove: () => void;
  onWithdraw: () => void;
}

function Tool({ tool, onApprove, onWithdraw }: ToolProps) {
  return (
    <li className={styles.tool} aria-label={tool.name}>
      <div className={styles.head}>
        <code>{tool.told_as}</code>
        <Status {...toolTold(tool)} />
        <Allowed to="mcp-servers:write">
          {isApprovable(tool) && (
            <Button onClick={onApprove}>
              {tool.status === "changed" ? "Approve change" : `Approve ${tool.name}`}
            </Button>
          )}
          {tool.approved_at && <Button onClick={onWithdraw}>Withdraw {tool.name}</Button>}
        </Allowed>
      </div>
      {tool.diff.length > 0 && <Difference lines={tool.diff} />}
      {tool.definition && (
        <>
          <p className={styles.words}>{tool.definition.description}</p>
          <details>
            <summary>Schema</summary>
            <pre
              className={styles.schema}
              // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it
              tabIndex={0}
            >
              {JSON.stringify(tool.definition.input_schema, null, 2)}
            </pre>
          </details>
        </>
      )}
    </li>
  );
}

/** What was approved and what it says now, line by line; the sign tells them apart. */
function Difference({ lines }: { lines: string[] }) {
  return (
    <pre
      className={styles.schema}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it
      tabIndex={0}
    >
      {lines.join("\n")}
    </pre>
  );
}
