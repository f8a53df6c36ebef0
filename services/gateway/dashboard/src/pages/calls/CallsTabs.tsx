import { Tabs } from "~/components/Tabs";

/** What agents had done for them: by models, and by tools. */
export function CallsTabs() {
  return (
    <Tabs
      label="Calls"
      tabs={[
        { to: "/calls", name: "Model calls" },
        { to: "/calls/tools", name: "Tool calls" },
      ]}
    />
  );
}
