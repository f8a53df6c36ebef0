import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { useLayoutEffect, useRef } from "react";
import { agentLogsQuery } from "~/api/queries/agents";
import { EmptyState } from "~/components/EmptyState";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";
import styles from "./AgentLog.module.css";

/** What an agent printed last; its secrets are masked where they were heard. */
export function AgentLog() {
  const { id } = useParams({ from: "/agents/$id" });
  const query = useQuery(agentLogsQuery(id));
  return (
    <Panel title="Log" note="last lines, secrets masked" isFlush>
      <Loaded query={query} what="log">
        {({ lines }) =>
          lines.length === 0 ? (
            <EmptyState title="Nothing said yet">
              What the agent's process prints appears here while it runs.
            </EmptyState>
          ) : (
            <Lines lines={lines} />
          )
        }
      </Loaded>
    </Panel>
  );
}

const NEAR_PX = 40;

/** Follows the newest line while one is at the bottom, and stays put once one scrolls up. */
function Lines({ lines }: { lines: string[] }) {
  const box = useRef<HTMLPreElement>(null);
  const isFollowing = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: every new line may need following
  useLayoutEffect(() => {
    if (isFollowing.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <pre
      ref={box}
      className={styles.lines}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no pointer must scroll too
      tabIndex={0}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        isFollowing.current = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      }}
    >
      {lines.join("\n")}
    </pre>
  );
}
