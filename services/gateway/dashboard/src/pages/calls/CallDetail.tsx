import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type Attempt, type Call, callQuery } from "~/api/queries/calls";
import {
  type NameOf,
  useAgentNames,
  useAgentTypeNames,
  useProviderNames,
} from "~/api/queries/names";
import { type Column, DataList } from "~/components/DataList";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Facts } from "~/components/Facts";
import { LoadedPage } from "~/components/LoadedPage";
import { PageHeader } from "~/components/PageHeader";
import { Panel } from "~/components/Panel";
import { Status } from "~/components/Status";
import { count } from "~/format/count";
import { duration } from "~/format/duration";
import { money } from "~/format/money";
import { absolute } from "~/format/time";
import { statusOf, tokensOf, unpricedReason, writtenOf } from "./model";

/** One call: why it failed if it did, its attempts, and what it used. */
export function CallDetail() {
  const { id } = useParams({ from: "/calls/$id" });
  const query = useQuery(callQuery(id));
  return (
    <LoadedPage query={query} what="call" lines={8} all={{ to: "/calls", name: "All calls" }}>
      {(call) => <Detail call={call} />}
    </LoadedPage>
  );
}

function Detail({ call }: { call: Call }) {
  const agentName = useAgentNames();
  const typeName = useAgentTypeNames();
  const providerName = useProviderNames();
  const { tone, word } = statusOf(call);
  return (
    <>
      <PageHeader
        title={`Call to ${call.model}`}
        facts={
          <>
            <Status tone={tone} word={word} />
            <span>{absolute(call.started_at)}</span>
          </>
        }
      />
      {call.explanation && <ExplanationNotice explanation={call.explanation} />}
      <Panel title="What it used">
        <Facts facts={usageFacts(call)} />
      </Panel>
      <Panel title="Attempts" note="each request to a provider" isFlush>
        <DataList
          label="Attempts"
          columns={attemptColumns(call, providerName)}
          rows={call.attempts}
          keyOf={(attempt) => attempt.attempt_id}
        />
      </Panel>
      <Panel title="Where it belongs">
        <Facts facts={placeFacts(call, agentName, typeName)} />
      </Panel>
    </>
  );
}

function usageFacts(call: Call): [string, ReactNode][] {
  const { usage } = call;
  return [
    ["Tokens", count(tokensOf(call))],
    ["Input", count(usage.input_tokens)],
    ["Read from cache", count(usage.cached_input_tokens)],
    ["Written to cache", count(writtenOf(call))],
    ["Output", count(usage.output_tokens)],
    ["Cost", unpricedReason(call) ?? money(call.cost_usd)],
    ["Time", duration(call.duration_ms)],
    ["First token after", duration(call.time_to_first_token_ms)],
    ["Streamed", call.is_streamed ? "Yes" : "No"],
  ];
}

function placeFacts(call: Call, agentName: NameOf, typeName: NameOf): [string, ReactNode][] {
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
    ["Tool calls", call.message_id ? toolCalls(call.message_id) : "None"],
    ["Endpoint", code(call.endpoint)],
    ["Runner", call.runner],
    ["Use case", call.use_case ?? "None"],
    ["Labels", labels(call.labels)],
    ["Request id", code(call.request_id)],
    ["Call id", code(call.call_id)],
  ];
}

/** Attempts in their order, each placed by when it began within the call. */
function attemptColumns(call: Call, providerName: NameOf): Column<Attempt>[] {
  const start = new Date(call.started_at).getTime();
  return [
    {
      name: "Provider",
      render: ({ provider_id }) => (
        <Link to="/settings/providers/$id" params={{ id: provider_id }}>
          {providerName(provider_id)}
        </Link>
      ),
    },
    { name: "Model", render: ({ model }) => <code>{model}</code>, isMinor: true },
    { name: "Error", render: ({ error_code }) => (error_code ? code(error_code) : "–") },
    {
      name: "Answer",
      render: ({ http_status }) => http_status ?? "None",
      isNumber: true,
      isMinor: true,
    },
    {
      name: "Began after",
      render: ({ started_at }) => duration(Math.max(0, new Date(started_at).getTime() - start)),
      isNumber: true,
      isMinor: true,
    },
    { name: "Time", render: ({ duration_ms }) => duration(duration_ms), isNumber: true },
  ];
}

function toolCalls(message_id: string) {
  return (
    <Link to="/calls/tools" search={{ message_id }}>
      Those for its message
    </Link>
  );
}

function code(text: string) {
  return <code>{text}</code>;
}

function labels(given: Record<string, string>) {
  const told = Object.entries(given).map(([name, value]) => `${name}=${value}`);
  return told.join(", ") || "None";
}
