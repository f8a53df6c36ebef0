import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type NameOf, useAgentNames, useAgentTypeNames } from "~/api/queries/names";
import { type ToolCall, toolCallQuery } from "~/api/queries/toolCalls";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Facts } from "~/components/Facts";
import { LoadedPage } from "~/components/LoadedPage";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { duration } from "~/format/duration";
import { absolute } from "~/format/time";
import { statusOf } from "./model";

/** One tool call: why it gave nothing if it did not, and where it belongs. */
export function ToolCallDetail() {
  const { id } = useParams({ from: "/calls/tools/$id" });
  const query = useQuery(toolCallQuery(id));
  return (
    <LoadedPage query={query} what="tool call" all={{ to: "/calls/tools", name: "All tool calls" }}>
      {(call) => <Detail call={call} />}
    </LoadedPage>
  );
}

function Detail({ call }: { call: ToolCall }) {
  const agentName = useAgentNames();
  const typeName = useAgentTypeNames();
  const { tone, word } = statusOf(call);
  return (
    <>
      <PageHeader
        title={`Call of ${call.tool}`}
        facts={
          <>
            <Status tone={tone} word={word} />
            <span>{absolute(call.started_at)}</span>
          </>
        }
      />
      {call.explanation && <ExplanationNotice explanation={call.explanation} />}
      <Panel title="Where it belongs">
        <Facts facts={facts(call, agentName, typeName)} />
      </Panel>
    </>
  );
}

function facts(call: ToolCall, agentName: NameOf, typeName: NameOf): [string, ReactNode][] {
  return [
    [
      "Agent",
      <Link key="agent" to="/agents/$id" params={{ id: call.agent_id }}>
        {agentName(call.agent_id)}
      </Link>,
    ],
    [
      "Agent type",
      <Link key="type" to="/agent-types/$id" params={{ id: call.agent_type_id }}>
        {typeName(call.agent_type_id)}
      </Link>,
    ],
    ["Time", duration(call.duration_ms)],
    [
      "Message",
      <Link key="message" to="/calls/tools" search={{ message_id: call.message_id }}>
        All tool calls for it
      </Link>,
    ],
    ["Tool call id", <code key="id">{call.tool_call_id}</code>],
  ];
}
