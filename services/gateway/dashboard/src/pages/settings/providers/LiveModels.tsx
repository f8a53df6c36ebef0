import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "~/api/client";
import { liveModelsQuery } from "~/api/queries/providers";
import { type Column, DataList } from "~/components/DataList";
import { EmptyState } from "~/components/EmptyState";
import { ExplanationNotice } from "~/components/ExplanationNotice";
import { Loaded } from "~/components/Loaded";
import { Panel } from "~/components/Panel";

/** What the provider itself lists, asked just now with the stored key. */
export function LiveModels({ id }: { id: string }) {
  const query = useQuery(liveModelsQuery(id));
  return (
    <Panel title="Models" note="as the provider lists them" isFlush>
      <Loaded query={query} what="models">
        {({ data, explanation }) => {
          if (explanation) return <ExplanationNotice explanation={explanation} />;
          if (data.length === 0) return <EmptyState title="The provider lists no model" />;
          return (
            <DataList label="Models" rows={data} keyOf={(model) => model.id} columns={COLUMNS} />
          );
        }}
      </Loaded>
    </Panel>
  );
}

const COLUMNS: Column<Schemas["LiveModel"]>[] = [
  { name: "Model", render: ({ id }) => <code>{id}</code> },
  { name: "Name", render: ({ name }) => name ?? "–", isMinor: true },
  { name: "From", render: ({ owner }) => owner ?? "–", isMinor: true },
  { name: "State", render: ({ status }) => status ?? "–", isMinor: true },
];
